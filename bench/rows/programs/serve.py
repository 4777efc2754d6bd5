#!/usr/bin/env python3
"""serve.py: starts a server under the launcher, gives it a fixed load, and ends it.

    serve.py redis|memcached|postgres PREPARED

The server is what is measured: BENCH_LAUNCH holds the words of the launcher, and without it the
server runs plain. The load comes over a local socket from the folder PREPARED, see input.py. Each
server is asked to end itself, so that its exit status counts.
"""
import os
import pwd
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

POSTGRES = '/usr/lib/postgresql/15/bin'
START_SECONDS_MAX, ANSWER_SECONDS_MAX, END_SECONDS_MAX = 30, 120, 30


def nobody():
    return pwd.getpwnam('nobody')


def unprivileged():
    """The words before a command that refuses to run as root."""
    if os.getuid() != 0:
        return []
    return ['setpriv', f'--reuid={nobody().pw_uid}', f'--regid={nobody().pw_gid}', '--clear-groups']


def open_folder():
    """A folder that ends with the `with` block, whose way is open to the server's user."""
    return tempfile.TemporaryDirectory(prefix='ashlar-bench-', dir='/var/tmp')


def give(*paths):
    """Makes the server's user the owner of these folders and all in them."""
    if os.getuid() != 0:
        return
    for top in paths:
        for folder, _, files in os.walk(top):
            for path in [folder, *(os.path.join(folder, name) for name in files)]:
                os.chown(path, nobody().pw_uid, nobody().pw_gid)


class Server:
    """A server under the launcher; leaving the `with` block waits for its end."""

    def __init__(self, *command):
        launch = shlex.split(os.environ.get('BENCH_LAUNCH', ''))
        words = [*launch, os.path.abspath('measured.json'), '--'] if launch else []
        self.log = open('server.log', 'wb')
        self.process = subprocess.Popen([*words, *command], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def until(self, is_ready):
        """Waits for a condition and fails when the server ends before."""
        deadline, pause = time.monotonic() + START_SECONDS_MAX, threading.Event()
        while not is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit('serve.py: the server did not start:\n' + self.said())
            pause.wait(0.01)

    def said(self):
        self.log.flush()
        with open('server.log', encoding='utf-8', errors='replace') as file:
            return file.read()[-2000:]

    def __exit__(self, kind, *_):
        if kind:
            self.process.terminate()
        try:
            status = self.process.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            sys.exit('serve.py: the server does not end:\n' + self.said())
        if not kind and status:
            sys.exit(f'serve.py: the server ended with {status}:\n' + self.said())


def can_connect(path):
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            return True
    except OSError:
        return False


def feed(path, load, until):
    """Sends `load` while it reads the answers, whose last bytes are `until`."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(ANSWER_SECONDS_MAX)
        s.connect(path)
        sender = threading.Thread(target=s.sendall, args=(load,), daemon=True)
        sender.start()
        tail = b''
        while not tail.endswith(until):
            part = s.recv(1 << 18)
            if not part:
                sys.exit(f'serve.py: the server closed the connection after {tail!r}')
            tail = (tail + part)[-64:]
        sender.join()


def read(prepared):
    with open(os.path.join(prepared, 'load'), 'rb') as file:
        return file.read()


def redis(prepared):
    load = read(prepared)
    with Server('redis-server', '--port', '0', '--unixsocket', 'redis.sock', '--save', '',
                '--dir', os.getcwd(), '--daemonize', 'no', '--activedefrag', 'no') as server:
        server.until(lambda: can_connect('redis.sock'))
        for _ in range(2):
            feed('redis.sock', load, b'$7\r\nthe end\r\n')
        with socket.socket(socket.AF_UNIX) as s:
            s.connect('redis.sock')
            s.sendall(b'shutdown nosave\r\n')


def memcached(prepared):
    load = read(prepared)
    user = ['-u', 'root'] if os.getuid() == 0 else []
    with Server('memcached', *user, '-s', 'memcached.sock', '-a', '0777', '-m', '64', '-t', '2',
                '-A') as server:
        server.until(lambda: can_connect('memcached.sock'))
        for _ in range(2):
            feed('memcached.sock', load, b'the end\r\nEND\r\n')
        with socket.socket(socket.AF_UNIX) as s:
            s.connect('memcached.sock')
            s.sendall(b'shutdown\r\n')


QUERIES = (
    "SELECT md5(string_agg(md5(aid::text), '' ORDER BY aid DESC)) FROM pgbench_accounts",
    'SELECT length(jsonb_agg(to_jsonb(a))::text) FROM pgbench_accounts a WHERE aid < 60000',
    'SELECT count(*) FROM pgbench_accounts a JOIN pgbench_accounts b ON a.aid = b.aid + b.bid')


def postgres(prepared):
    with open_folder() as top:
        os.chmod(top, 0o711)
        base, place = os.path.join(top, 'base'), os.path.join(top, 'socket')
        shutil.copytree(os.path.join(prepared, 'base'), base)
        os.mkdir(place, 0o700)
        give(base, place)
        load_postgres(base, place)


def load_postgres(base, place):
    environment = dict(os.environ, PGHOST=place, PGUSER='bench', PGDATABASE='postgres')

    def ask(*command):
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    with Server(*unprivileged(), f'{POSTGRES}/postgres', '-D', base, '-k', place,
                '-c', 'listen_addresses=', '-c', 'fsync=off', '-c', 'autovacuum=off',
                '-c', 'jit=off', '-c', 'shared_buffers=16MB',
                '-c', 'max_parallel_workers=0') as server:
        server.until(lambda: subprocess.run(
            [f'{POSTGRES}/pg_isready', '-q'], env=environment, check=False).returncode == 0)
        ask(f'{POSTGRES}/pgbench', '-i', '-q', '-s', '1')
        ask(f'{POSTGRES}/pgbench', '-n', '-c', '2', '-t', '1500', '--random-seed=7')
        for query in QUERIES:
            ask(f'{POSTGRES}/psql', '-X', '-q', '-A', '-t', '-c', query)
        ask(*unprivileged(), f'{POSTGRES}/pg_ctl', 'stop', '-D', base, '-m', 'fast', '-w')


if __name__ == '__main__':
    servers = {f.__name__: f for f in (redis, memcached, postgres)}
    if len(sys.argv) != 3 or sys.argv[1] not in servers:
        sys.exit(__doc__)
    servers[sys.argv[1]](sys.argv[2])
