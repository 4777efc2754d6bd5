#!/bin/sh
# nodejs: worker threads, buffers, JSON, zlib and crypto.
# package: nodejs
# uses: threads fork
prepare()
{
    make-input json 20000 >table.json
    cat >work.js <<'NODE'
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto'), fs = require('fs'), zlib = require('zlib');
const { execFileSync } = require('child_process');
const hash = (x) => crypto.createHash('sha256').update(x).digest('hex').slice(0, 16);
function part(rows, n) {
    const counts = new Map();
    for (const row of rows)
        for (const word of row.remark.split(' '))
            counts.set(word, (counts.get(word) || 0) + 1);
    const best = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 4);
    const buffers = [];
    for (let i = 0; i < 20000; i++)
        buffers[i % 500] = Buffer.alloc(100 + (i * 37) % 9000, i & 255);
    return [n, best.join(' '), hash(Buffer.concat(buffers))];
}
if (!isMainThread) {
    parentPort.postMessage(part(workerData.rows, workerData.n));
} else {
    const rows = JSON.parse(fs.readFileSync(process.env.IN + '/table.json', 'utf8'));
    const jobs = [0, 1, 2, 3].map((n) => new Promise((resolve, reject) => {
        const worker = new Worker(__filename,
            { workerData: { n, rows: rows.filter((_, i) => i % 4 === n) } });
        worker.on('message', resolve).on('error', reject);
    }));
    const deflates = [1, 2, 3, 4, 5].map((level) => new Promise((resolve) =>
        zlib.deflate(JSON.stringify(rows), { level }, (_, packed) =>
            resolve([level, packed.length, hash(zlib.inflateSync(packed))]))));
    Promise.all([...jobs, ...deflates]).then((all) => {
        all.forEach((line) => console.log(line.join(' ')));
        console.log(execFileSync(process.execPath, ['-p', '[1,2,3].map(x => x * x)']).toString());
    });
}
NODE
}

work()
{
    run node "$IN/work.js"
}
