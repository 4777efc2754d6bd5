#!/bin/sh
# redis: the server under redis-benchmark, fills and deletes, forks to save, restarts from the dump.
# package: redis-server
# also: redis-tools
# uses: threads fork
# normalise: times
prepare()
{
    cat >fill.py <<'PYTHON'
import random
chance = random.Random(3)
def say(*words):
    parts = [str(w).encode() for w in words]
    return b'*%d\r\n' % len(parts) + b''.join(b'$%d\r\n%s\r\n' % (len(p), p) for p in parts)
out = []
for n in range(30000):
    out.append(say('SET', f'key:{n}', 'x' * chance.randrange(1, 300)))
    out.append(say('HSET', f'hash:{n % 500}', f'field{n}', n))
    out.append(say('RPUSH', f'list:{n % 300}', 'y' * (n % 90)))
    out.append(say('ZADD', 'board', n * 7 % 1000, f'm{n % 5000}'))
    if n % 4:
        out.append(say('DEL', f'key:{n // 2}'))
    if n % 5 == 0:
        out.append(say('APPEND', f'key:{n}', 'z' * 500))
open('fill', 'wb').write(b''.join(out))
PYTHON
    python3 fill.py
}

ask()
{
    redis-cli -s redis.sock "$@"
}

begin()
{
    start redis run redis-server --port 0 --unixsocket redis.sock --save '' \
        --lazyfree-lazy-user-del yes --enable-debug-command yes --dbfilename redis.rdb \
        --dir "$PWD" --daemonize no
    await redis-cli -s redis.sock ping
}

work()
{
    begin
    ask --pipe <"$IN/fill" | tail -1
    redis-benchmark -s redis.sock -q -n 10000 -c 20 -r 1000 \
        -t set,get,incr,lpush,lpop,sadd,hset,zadd,lrange_100 >benchmark 2>&1
    tr '\r' '\n' <benchmark | grep -c 'requests per second'
    ask del key:__rand_int__ counter:__rand_int__ mylist myset myhash myzset >benchmark
    ask eval 'for _, p in ipairs({"key:0000*", "counter:*", "element*"}) do
        for _, k in ipairs(redis.call("keys", p)) do redis.call("del", k) end end
        return redis.call("dbsize")' 0
    ask debug digest
    ask --memkeys >memkeys
    grep -c summary memkeys
    ask bgsave
    await sh -c 'redis-cli -s redis.sock info persistence | grep -q rdb_bgsave_in_progress:0'
    ask info persistence | grep rdb_last_bgsave_status
    ask shutdown nosave || true
    wait "$server" || echo "exit status $?"
    cp redis.log redis-1.log
    begin
    ask debug digest
    ask zrange board 10 14 withscores
    ask no-such-command x || true
    ask flushall async
    stop TERM
    complaints redis-1.log redis.log
}
