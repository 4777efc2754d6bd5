#!/bin/sh
# python3-small: threads, processes, JSON, sorting and regular expressions, all through malloc.
# package: python3.11
# uses: threads fork
# set: ci
prepare()
{
    make-input json 6000 >table.json
    cat >work.py <<'PYTHON'
import collections, concurrent.futures, hashlib, json, multiprocessing, os, queue, re
import threading, zlib

rows = json.load(open(os.environ['IN'] + '/table.json'))


def summary(part):
    count = collections.Counter(word for row in part for word in row['remark'].split())
    return sorted(count.items(), key=lambda item: (-item[1], item[0]))[:5]


def pack(n):
    text = json.dumps(rows[n::8], sort_keys=True)
    found = re.findall(r'"(b[ae]\w*)"', text)
    return hashlib.sha256(zlib.compress(text.encode())).hexdigest()[:16], len(found)


if __name__ == '__main__':
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for line in pool.map(pack, range(8)):
            print(*line)
    with multiprocessing.get_context('fork').Pool(2) as pool:
        print(pool.map(summary, [rows[0::2], rows[1::2]]))
    line, out = queue.Queue(), []
    maker = threading.Thread(target=lambda: [line.put([n] * (n % 50)) for n in range(20000)])
    maker.start()
    out = [sum(line.get()) for _ in range(20000)]
    maker.join()
    print(sum(out))
PYTHON
}

work()
{
    PYTHONMALLOC=malloc run python3 "$IN/work.py"
}
