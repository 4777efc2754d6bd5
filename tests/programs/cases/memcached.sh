#!/bin/sh
# memcached: four threads serve four clients that set, read, append, delete and expire.
# package: memcached
# uses: threads
prepare()
{
    cat >client.py <<'PYTHON'
import concurrent.futures, hashlib, socket, sys
def client(n):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    f = s.makefile('rwb')
    seen = hashlib.sha256()
    for i in range(6000):
        value = bytes([97 + i % 26]) * (1 + i * 13 % 3000)
        f.write(b'set k%d-%d 0 0 %d\r\n%s\r\n' % (n, i, len(value), value))
        f.write(b'append k%d-%d 0 0 3\r\nend\r\n' % (n, i // 2))
        f.write(b'get k%d-%d k%d-%d\r\n' % (n, i, n, i // 3))
        if i % 3 == 0:
            f.write(b'delete k%d-%d\r\n' % (n, i - 2))
        f.write(b'incr none 1\r\n')
        f.flush()
        for _ in range(5 if i % 3 == 0 else 4):
            line = f.readline()
            while line.startswith(b'VALUE'):
                seen.update(line + f.read(int(line.split()[3]) + 2))
                line = f.readline()
            seen.update(line)
    return seen.hexdigest()
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    for line in pool.map(client, range(4)):
        print(line)
PYTHON
}

work()
{
    start memcached run memcached -u nobody -s memcached.sock -a 0777 -m 64 -t 4 -v
    await test -S memcached.sock
    python3 "$IN/client.py" memcached.sock
    stop TERM
    complaints memcached.log
}
