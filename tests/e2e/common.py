"""common.py: what the end-to-end tests share: the command, living programs, golden texts.

Every test file is called with COMMAND LIBRARY PROGRAMS SOURCES. Nothing waits for a time: a program
says "ready", or the command is asked again until it answers, within a deadline.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ASHLAR, LIBRARY, PROGRAMS, SOURCES = sys.argv[1:5]
SECONDS = 30
NOBODY = 65534
IS_ROOT = os.getuid() == 0
PYTHON = ['python3', '-c',
          'import sys; print("ready", flush=True); sys.stdin.read(); print("done")']


def environment(**more):
    """Ours, without what steers the library; `more` on top, None removes."""
    kept = {k: v for k, v in os.environ.items()
            if k not in ('LD_PRELOAD', 'ASHLAR', 'ASHLAR_LIBRARY', 'NO_COLOR')}
    kept['LC_ALL'] = 'C.UTF-8'
    kept.update(more)
    return {k: v for k, v in kept.items() if v is not None}


class Living:
    """A program that has said "ready" and runs until its input is closed."""

    def __init__(self, words, **more):
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment(**more))
        line = self.process.stdout.readline()
        if line != 'ready\n':
            _, errors = self.process.communicate()
            raise AssertionError(f'{words}: {line!r} {errors!r}')
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.returncode is None:
            self.finish()

    def finish(self):
        """Ends it; its further output and status."""
        out, _ = self.process.communicate(timeout=SECONDS)
        return out, self.process.returncode


def on_ashlar(words=None, **more):
    return Living([ASHLAR, 'run', '--'] + (words or PYTHON), **more)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='ashlar-e2e-')
        os.chmod(self.folder, 0o755)
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def ask(self, *words, command=ASHLAR, user=None, **more):
        """Runs the command; (status, output, errors)."""
        done = subprocess.run([command, *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, env=environment(**more), timeout=SECONDS, user=user,
                              check=False)
        self.assertNotIn('\033', done.stdout + done.stderr, 'an escape sequence')
        return done.returncode, done.stdout, done.stderr

    def must(self, *words, **more):
        status, out, err = self.ask(*words, **more)
        self.assertEqual((status, err), (0, ''), words)
        return out

    def must_fail(self, code, *words, status=2, **more):
        """Ends with this status and one message with this code; returns the message."""
        got, out, err = self.ask(*words, **more)
        self.assertEqual((got, out), (status, ''), (words, err))
        self.assertRegex(err, rf'^ashlar: {code} .* \| ashlar help( {code}| [a-z]+)?\n')
        return err

    def must_be_golden(self, name, text):
        """Equal to golden/<name>.txt, where <n> stands for a number, <b> for bytes with unit."""
        with open(os.path.join(SOURCES, 'tests/e2e/golden', name + '.txt'),
                  encoding='utf-8') as file:
            golden = file.read()
        parts = {'<n>': r'\d+', '<b>': r'\d+(\.\d)? (B|KiB|MiB|GiB)', '<v>': r'\d+\.\d+\.\d+'}
        pattern = ''.join(parts.get(part) or re.sub(r'(\\ )+', ' +', re.escape(part))
                          for part in re.split('(<[nbv]>)', golden))
        if not re.fullmatch(pattern, text):
            self.assertEqual(golden, text)

    def until(self, answer, *words):
        """Asks until answer(status, out, err) is true."""
        end = time.monotonic() + SECONDS
        while not answer(*(last := self.ask(*words))):
            self.assertLess(time.monotonic(), end, last)


def may_read():
    """May the command read a process that is not its own child?"""
    try:
        with open('/proc/sys/kernel/yama/ptrace_scope', encoding='ascii') as file:
            return IS_ROOT or int(file.read()) == 0
    except FileNotFoundError:
        return True


def main(reads=False):
    if reads and not may_read():
        print('skipped: yama/ptrace_scope forbids reading processes here, except to root')
        return
    unittest.main(argv=[sys.argv[0]], verbosity=1)
