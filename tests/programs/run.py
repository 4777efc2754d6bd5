#!/usr/bin/env python3
"""run.py: real programs of Debian, each run plain and on Ashlar, must answer the same.

    run.py [--only NAME]... [--ci] [--jobs N] [--keep DIR] [--build DIR]
    run.py --list

A case is one file of cases/; its head names the packages, and what output must be made equal first.
Compared are standard output, standard error and the exit status; Ashlar's own counter proves that
it served the program. A missing package is a failure that names it; with
--ci, which takes the small set, the case is skipped.

ASHLAR_PROGRAMS_SO=FILE.so preloads another library instead, without the proof by the counter.
"""
import argparse
import collections
import concurrent.futures
import difflib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ALLOCATIONS_MIN, SECONDS_MIN = 100_000, 1.0     # a case does one or the other, or proves little
DIFFERENCE_LINES_MAX = 30
LEFTOVER_SECONDS_MAX = 10

# What may differ between two runs of one program, by name.
NORMALISERS = {
    'times': [(re.compile(r'\b\d+(?:\.\d+)? ?(?:[nuµm]?s|msecs?|sec(?:onds?)?|min)\b'), 'TIME'),
              (re.compile(r'\b\d+:\d\d(?::\d\d)?(?:\.\d+)?\b'), 'TIME'),
              (re.compile(r'\b\d{4}-\d\d-\d\d\b'), 'DAY')],
    'addresses': [(re.compile(r'\b0x[0-9a-fA-F]{5,}\b'), 'ADDRESS')],
    'pids': [(re.compile(r'(?i)\b(pid|process|thread|LWP|test_python_|worker_)([ =:]*)\d+'),
              r'\1\2PID'),
             (re.compile(r'==\d+=='), '==PID==')],
}

SESSIONS = set()    # of the cases that run now
Outcome = collections.namedtuple('Outcome', 'status out err seconds left stats')


class Case:
    """One file of cases/: its head says which packages it needs and how its output is compared."""

    def __init__(self, path):
        self.path, self.name = path, os.path.splitext(os.path.basename(path))[0]
        head, self.text = {}, ''
        with open(path, encoding='utf-8') as file:
            lines = file.read().split('\n')
        self.says = lines[1].removeprefix(f'# {self.name}: ')
        for line in lines[2:]:
            found = re.match(r'# ([a-z]+): (.*)', line)
            if not found:
                break
            head[found.group(1)] = found.group(2).split()
        self.packages = head.pop('package') + head.pop('also', [])
        self.uses = head.pop('uses', [])
        self.normalisers = head.pop('normalise', [])
        self.timeout = int(head.pop('timeout', ['300'])[0])
        self.ci = 'ci' in head.pop('set', [])
        unknown = list(head) + [n for n in self.normalisers if n not in NORMALISERS] + \
            [use for use in self.uses if use not in ('threads', 'fork')]
        if unknown or not lines[1].startswith(f'# {self.name}: '):
            sys.exit(f'run.py: {path}: the head is wrong: {unknown or lines[1]}')

    def normalise(self, text, folder):
        text = text.replace(folder, 'FOLDER')
        for name in self.normalisers:
            for pattern, instead in NORMALISERS[name]:
                text = pattern.sub(instead, text)
        return text

    def missing_packages(self):
        return [p for p in self.packages if subprocess.run(
            ['dpkg-query', '-W', '-f', '${db:Status-Status}', p], capture_output=True, text=True,
            check=False).stdout != 'installed']


def processes_of(folder, session):
    """Names by pid of what a case runs: it is in the case's session, or has its environment."""
    mark, found = f'PROGRAMS_FOLDER={folder}'.encode(), {}
    for path in glob.glob('/proc/[0-9]*'):
        try:
            with open(f'{path}/environ', 'rb') as file:
                is_marked = mark in file.read().split(b'\0')
            with open(f'{path}/stat', encoding='utf-8', errors='replace') as file:
                name, _, rest = file.read().partition('(')[2].rpartition(') ')
        except OSError:
            continue
        if rest[0] != 'Z' and (is_marked or int(rest.split()[3]) == session):
            found[int(path.split('/')[2])] = name
    return found


def end_all(*_):
    """Ended from outside: the cases, which have sessions of their own, end too."""
    for session in list(SESSIONS):
        os.killpg(session, signal.SIGKILL)
    os._exit(1)


class Run:
    """One case in a folder of its own: prepared once, worked through in several ways."""

    def __init__(self, case, folder, options):
        self.case, self.folder, self.options = case, folder, options
        for name in ('in', 'stats'):
            os.mkdir(os.path.join(folder, name))
        os.chmod(folder, 0o755)
        os.chmod(os.path.join(folder, 'stats'), 0o777)  # some programs give up their rights

    def environment(self, way):
        work = os.path.join(self.folder, 'work')
        path = ':'.join([os.path.join(HERE, 'bin'), '/usr/local/bin:/usr/bin:/bin',
                         '/usr/local/sbin:/usr/sbin:/sbin'])
        return {'PATH': path, 'HOME': work, 'TMPDIR': work, 'LANG': 'C.UTF-8', 'TZ': 'UTC',
                'TERM': 'xterm', 'USER': 'root', 'IN': os.path.join(self.folder, 'in'),
                'PROGRAMS_FOLDER': self.folder, 'PROGRAMS_WAY': way,
                'PROGRAMS_STATS': os.path.join(self.folder, 'stats'),
                'PROGRAMS_ASHLAR': self.options.ashlar, 'PROGRAMS_SO': self.options.so}

    def step(self, name, way, cwd):
        """Runs a function of the case; its output goes to files, as pipes would order it."""
        out, err = (os.path.join(self.folder, f'{way}.{kind}') for kind in ('out', 'err'))
        command = [os.path.join(HERE, 'common.sh'), self.case.path, name]
        with open(out, 'wb') as out_file, open(err, 'wb') as err_file:
            process = subprocess.Popen(command, cwd=cwd, env=self.environment(way),
                                       stdin=subprocess.DEVNULL, stdout=out_file, stderr=err_file,
                                       start_new_session=True)
            alarm = threading.Timer(self.case.timeout, os.killpg, (process.pid, signal.SIGKILL))
            alarm.start()
            SESSIONS.add(process.pid)
            _, status, usage = os.wait4(process.pid, 0)
            alarm.cancel()
            SESSIONS.discard(process.pid)
            process.returncode = os.waitstatus_to_exitcode(status)
        left = self.end_leftovers(way, process.pid)
        texts = []
        for path in (out, err):
            with open(path, encoding='utf-8', errors='backslashreplace') as file:
                texts.append(self.case.normalise(file.read(), self.folder))
        return Outcome(process.returncode, *texts, usage.ru_utime + usage.ru_stime, left, [])

    def end_leftovers(self, way, session):
        """Waits for what the case started and did not wait for; ends it when that takes long."""
        pause, deadline = threading.Event(), time.monotonic() + LEFTOVER_SECONDS_MAX
        left = processes_of(self.folder, session)
        while left and time.monotonic() < deadline:
            pause.wait(0.05)
            left = processes_of(self.folder, session)
        for pid, name in left.items():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return [f'{name} ({way})' for name in left.values()]

    def work(self, way):
        cwd = os.path.join(self.folder, 'work')
        shutil.rmtree(cwd, ignore_errors=True)
        os.mkdir(cwd)
        os.chmod(cwd, 0o777)
        outcome = self.step('work', way, cwd)
        return outcome._replace(stats=self.read_stats()) if way == 'ashlar' else outcome

    def read_stats(self):
        found = []
        for path in glob.glob(os.path.join(self.folder, 'stats', '*.json')):
            with open(path, encoding='utf-8') as file:
                text = file.read()
            # A process that outlives the case is just writing its file, or was ended while it did.
            if text.endswith('}\n'):
                found.append(json.loads(text)['stats'])
        return found

    def difference(self, plain, other):
        """What differs, in lines for a person; empty when nothing does."""
        lines = []
        if plain.status != other.status:
            lines.append(f'exit status {plain.status} plain, {other.status} otherwise')
        for kind in ('out', 'err'):
            lines += difflib.unified_diff(getattr(plain, kind).split('\n'),
                                          getattr(other, kind).split('\n'),
                                          f'plain {kind}', f'other {kind}', lineterm='', n=1)
        return lines

    def verdict(self):
        """(lines of complaint, words for the case's line)"""
        with open(self.case.path, encoding='utf-8') as file:
            prepares = '\nprepare()' in file.read()
        if prepares:
            ready = self.step('prepare', 'plain', os.path.join(self.folder, 'in'))
            if ready.status:
                return [f'prepare failed with {ready.status}'] + tail(ready.err), ''
        plain = self.work('plain')
        if plain.status:
            return [f'fails plain, with {plain.status}'] + tail(plain.out) + tail(plain.err), ''
        if self.options.way == 'plain':
            return [], f'{plain.seconds:5.1f} s'
        other = self.work(self.options.way)
        complaints = [f'left running: {name}' for name in plain.left + other.left]
        complaints += self.difference(plain, other)
        if complaints and self.difference(plain, self.work('plain')):
            complaints.insert(0, 'two plain runs differ as well: the case is at fault')
        words = f'{plain.seconds:5.1f} s {other.seconds:5.1f} s'
        if self.options.way == 'ashlar':
            count = self.count_allocations(other)
            complaints += self.judge_stats(plain, other, count)
            words += f' {count:10} allocations {len(other.stats):5} processes'
        return complaints, words

    def count_allocations(self, outcome):
        """All processes together; but a child of fork counts on from its parent, so then one."""
        counts = [stats['malloc_count'] for stats in outcome.stats]
        return max(counts, default=0) if 'fork' in self.case.uses else sum(counts)

    @staticmethod
    def judge_stats(plain, other, count):
        if not count:
            return ['Ashlar served nothing: it was not in force']
        complaints = []
        if total(other, 'misuse_count'):
            complaints.append(f'{total(other, "misuse_count")} cases of misuse counted')
        if count < ALLOCATIONS_MIN and plain.seconds < SECONDS_MIN:
            complaints.append(f'does too little: {plain.seconds:.2f} s, {count} allocations')
        return complaints


def total(outcome, name):
    return sum(stats.get(name, 0) for stats in outcome.stats)


def tail(text):
    return text.rstrip('\n').split('\n')[-10:]


def read_cases():
    """The table; every package that it names is in a list of deps/."""
    cases = [Case(path) for path in sorted(glob.glob(os.path.join(HERE, 'cases', '*.sh')))]
    listed = set()
    for name in ('programs', 'check', 'build'):
        with open(os.path.join(ROOT, 'deps', f'{name}.txt'), encoding='utf-8') as file:
            listed.update(file.read().split())
    wrong = [f'{p}, needed by {case.name}, is in no list of deps/'
              for case in cases for p in case.packages if p not in listed]
    if wrong:
        sys.exit('run.py: ' + '; '.join(wrong))
    return cases


def run_case(case, options):
    """One line, and those below it that say what is wrong; and passed, failed or skipped."""
    missing = case.missing_packages()
    if missing:
        result = 'skipped' if options.ci else 'failed'
        return result, f'{result:8} {case.name:14} missing packages: {" ".join(missing)}'
    folder = tempfile.mkdtemp(prefix=f'ashlar-{case.name}-', dir=options.keep)
    try:
        complaints, words = Run(case, folder, options).verdict()
    except (OSError, ValueError, KeyError) as error:
        complaints, words = [f'{type(error).__name__}: {error}'], ''
    if not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    result = 'failed' if complaints else 'passed'
    shown = complaints[:DIFFERENCE_LINES_MAX]
    if len(complaints) > len(shown):
        shown.append(f'... {len(complaints) - len(shown)} more lines')
    return result, '\n    '.join([f'{result:8} {case.name:14} {words}'] + shown)


def parse_options():
    parser = argparse.ArgumentParser(description='Real programs, plain and on Ashlar.')
    parser.add_argument('--list', action='store_true', help='show the table of cases')
    parser.add_argument('--only', action='append', metavar='NAME', help='only this case')
    parser.add_argument('--ci', action='store_true', help='the small set')
    parser.add_argument('--jobs', type=int, default=1, metavar='N', help='cases at once')
    parser.add_argument('--keep', metavar='DIR', help='leave the folders of the cases in DIR')
    parser.add_argument('--build', default=os.path.join(ROOT, 'build'), metavar='DIR',
                        help='where ashlar is (build/)')
    parser.add_argument('--plain', action='store_true', help='only try the cases themselves')
    options = parser.parse_args()
    options.ashlar = os.path.join(os.path.abspath(options.build), 'ashlar')
    options.so = os.path.abspath(os.environ.get('ASHLAR_PROGRAMS_SO') or '/')
    options.way = 'plain' if options.plain else 'ashlar' if options.so == '/' else 'preload'
    needed = {'ashlar': options.ashlar, 'preload': options.so}.get(options.way)
    if needed and not options.list and not os.path.isfile(needed):
        parser.error(f'{needed} is not there: build first (make), or name a build with --build')
    return options


def main():
    options = parse_options()
    signal.signal(signal.SIGTERM, end_all)
    signal.signal(signal.SIGINT, end_all)
    cases = read_cases()
    names = {case.name for case in cases}
    for name in options.only or []:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            sys.exit(f'run.py: no case {name}' + (f'; did you mean {near[0]}?' if near else ''))
    cases = [c for c in cases if (not options.only or c.name in options.only) and
             (not options.ci or c.ci)]
    if options.list:
        for c in cases:
            print(f'{c.name:14} {c.packages[0]:24} {" ".join(c.uses):13} '
                  f'{"ci" if c.ci else "  "}  {c.says}')
        packages = {c.packages[0] for c in cases}
        parallel = {c.packages[0] for c in cases if c.uses}
        print(f'{len(cases)} cases of {len(packages)} packages, {len(parallel)} with threads or '
              f'fork, {sum(c.ci for c in cases)} cases in the small set')
        return 0
    results = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for result, words in pool.map(lambda case: run_case(case, options), cases):
            results[result] += 1
            print(words, flush=True)
    print(f'{results["passed"]} passed, {results["failed"]} failed, {results["skipped"]} skipped')
    return 1 if results['failed'] or not results['passed'] else 0


if __name__ == '__main__':
    sys.exit(main())
