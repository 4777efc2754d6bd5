#!/usr/bin/env python3
"""redis.py: resident size of a redis server that is filled, thinned out, refilled and emptied.

    redis.py SCALE          a driver: starts the server by the words in BENCH_LAUNCH

500 MiB of values of 100 to 2000 bytes over one connection; 75 % deleted at random (seed 7); 250 MiB
of values of 200 to 4000 bytes; FLUSHALL. SCALE divides the amounts (1: as said). Printed is the
resident size loaded, 10 s after the deletes, refilled, and 2 s after FLUSHALL.
"""
import json
import os
import random
import re
import shlex
import signal
import socket
import subprocess
import sys
import time

MIB = 1 << 20
PIPELINE = 512          # commands under way at most
SECONDS_TO_START = 20


class Redis:
    """One connection that sends commands in pipelines and counts their answers."""

    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.answers = self.socket.makefile('rb')
        self.parts, self.n_waiting = [], 0

    def send(self, *words):
        self.parts.append(b'*%d\r\n' % len(words))
        for word in words:
            self.parts.append(b'$%d\r\n%b\r\n' % (len(word), word))
        self.n_waiting += 1
        if self.n_waiting == PIPELINE:
            self.flush()

    def flush(self):
        self.socket.sendall(b''.join(self.parts))
        for _ in range(self.n_waiting):
            answer = self.answers.readline()
            if not answer or answer.startswith(b'-'):
                raise SystemExit(f'redis.py: the server said {answer!r}')
        self.parts, self.n_waiting = [], 0


def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


def child_of(pid):
    with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as file:
        words = file.read().split()
    return int(words[0]) if words else None


def connect(port, launcher):
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and launcher.poll() is None:
        try:
            return Redis(port)
        except ConnectionRefusedError:
            time.sleep(0.02)
    raise SystemExit('redis.py: redis-server does not answer')


def rss_mib(pid):
    with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as file:
        return int(re.search(r'^Rss:\s+(\d+)', file.read(), re.M).group(1)) / 1024


def fill(redis, prefix, total, sizes, rng):
    """Sets values until they sum up to `total` bytes; their keys."""
    text, keys = b'v' * sizes[1], []
    while total > 0:
        size = rng.randint(*sizes)
        keys.append(b'%b:%d' % (prefix, len(keys)))
        redis.send(b'SET', keys[-1], text[:size])
        total -= size
    redis.flush()
    return keys


def behave(redis, pid, scale):
    figures = {}
    rng = random.Random(7)
    keys = fill(redis, b'a', 500 * MIB // scale, (100, 2000), rng)
    figures['loaded_mib'] = rss_mib(pid)
    for key in rng.sample(keys, len(keys) * 3 // 4):
        redis.send(b'DEL', key)
    redis.flush()
    time.sleep(10)
    figures['deleted_mib'] = rss_mib(pid)
    fill(redis, b'b', 250 * MIB // scale, (200, 4000), rng)
    figures['refilled_mib'] = rss_mib(pid)
    redis.send(b'FLUSHALL')
    redis.flush()
    time.sleep(2)
    figures['flushed_mib'] = rss_mib(pid)
    return figures


def main():
    port = free_port()
    server = ['redis-server', '--port', str(port), '--bind', '127.0.0.1', '--save', '',
              '--activedefrag', 'no', '--appendonly', 'no']
    words = shlex.split(os.environ['BENCH_LAUNCH']) + [os.path.abspath('measured.json'), '--']
    launcher = subprocess.Popen(words + server, stdout=subprocess.DEVNULL)
    try:
        redis = connect(port, launcher)
        figures = behave(redis, child_of(launcher.pid), int(sys.argv[1]))
    finally:
        launcher.send_signal(signal.SIGTERM)
        status = launcher.wait()
    print(json.dumps(figures))
    return status


sys.exit(main())
