#!/usr/bin/env python3
"""run.py: benchmark rows on our allocator and its peers, interleaved, with verdicts.

README.md beside it describes rows, measures and the JSON. Nothing is measured in this process: each
run is a child of the static launcher.
"""
import argparse
import datetime
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import allocators
import machine
import report
import rowlist
import table
import verdicts

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
KEPT_ENVIRONMENT = ('PATH', 'USER', 'LOGNAME', 'TERM')


class Bench:
    """One call of run.py: rows, allocators, folders, and how a program is run once."""

    def __init__(self, options):
        self.bin = os.path.join(options.build, 'bench')
        self.launcher = os.path.join(self.bin, 'launch')
        self.options = options
        self.everyone, self.missing = find_allocators(options)
        self.folder = tempfile.mkdtemp(prefix='work-', dir=self.bin)
        self.empty = allocators.Allocator('empty', os.path.join(self.bin, 'libempty.so'),
                                          role='baseline')

    def environment(self, work):
        kept = {k: os.environ[k] for k in KEPT_ENVIRONMENT if k in os.environ}
        return dict(kept, HOME=work, TMPDIR=work, LC_ALL='C.UTF-8')

    def fill(self, words, places):
        for name, path in places.items():
            words = [word.replace('{' + name + '}', path) for word in words]
        return words

    def places(self, row, work):
        return {'bin': self.bin, 'rows': rowlist.ROWS, 'work': work,
                'prepared': os.path.join(self.folder, 'prepared-' + row.name)}

    def prepare(self, row):
        """Fills the row's folder; what went wrong, or None."""
        places = self.places(row, self.folder)
        if not row.prepare or os.path.exists(places['prepared']):
            return None
        os.mkdir(places['prepared'])
        done = subprocess.run(self.fill(row.prepare, places), cwd=places['prepared'], check=False,
                              env=self.environment(places['prepared']), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        return f'prepare: status {done.returncode}: {last_line(done.stderr)}' \
            if done.returncode else None

    def once(self, row, allocator, command, extra=()):
        """Runs a command once; (measures with `figures`, None) or (None, what went wrong)."""
        work = tempfile.mkdtemp(prefix='run-', dir=self.folder)
        try:
            return self.run_in(work, row, allocator, command, extra)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def run_in(self, work, row, allocator, command, extra):
        places = self.places(row, work)
        own_env = [word for pair in row.env for word in ('--env', pair)]
        inner = allocator.launcher_words() + own_env + list(extra)
        env = self.environment(work)
        env['BENCH_LAUNCH'] = shlex.join([self.launcher] + inner)
        cost_path = os.path.join(self.folder, 'cost.json')
        words = [self.launcher, cost_path, '--timeout', str(row.timeout_s)] + \
            (['--untraced'] if row.is_driver else inner) + ['--'] + self.fill(command, places)
        input_path = self.fill([row.input or '/dev/null'], places)[0]
        out_path, err_path = (os.path.join(self.folder, name) for name in ('out', 'err'))
        with open(input_path, 'rb') as stdin, open(out_path, 'wb') as out, \
                open(err_path, 'wb') as err:
            done = subprocess.run(words, cwd=work, env=env, stdin=stdin, stdout=out, stderr=err,
                                  check=False)
        errors = read_end(err_path)
        if done.returncode:
            said = 'out of time' if done.returncode == 124 else f'status {done.returncode}'
            return None, f'{said}: {last_line(errors)}'
        if 'ld.so: object' in errors:
            return None, next(line for line in errors.split('\n') if 'ld.so: object' in line)
        inner_path = os.path.join(work, 'measured.json')
        if row.is_driver:
            if not os.path.exists(inner_path):
                return None, 'the driver left no measured.json'
            cost_path = inner_path
        with open(cost_path, encoding='ascii') as file:
            cost = json.load(file)
        cost['figures'] = figures_of(last_line(read_end(out_path)))
        return cost, None

    def of_row(self, row):
        wanted = [a for a in self.everyone if not row.allocators or a.name in row.allocators]
        return wanted + ([self.empty] if row.baseline == 'empty' else [])

    def measure(self, row, rng):
        """All rounds of a row: its part of the results."""
        everyone = self.of_row(row)
        result = {'name': row.name, 'group': row.group, 'says': row.says, 'source': row.source,
                  'command': shlex.join(row.command), 'family': row.family,
                  'threads': row.threads, 'hash': row.hash(),
                  'samples': {a.name: [] for a in everyone}, 'failures': [], 'summary': {}}
        problem = self.prepare(row)
        if problem:
            result['failures'] = [{'allocator': a.name, 'round': 0, 'what': problem}
                                  for a in everyone]
            return result
        for n in range(self.options.rounds):
            order = rng.sample(everyone, len(everyone))
            for place, allocator in enumerate(order):
                show(f'{row.name}: round {n + 1} of {self.options.rounds}, {allocator.name}')
                cost, problem = self.once(row, allocator, row.command)
                if problem:
                    result['failures'].append({'allocator': allocator.name, 'round': n,
                                               'what': problem})
                else:
                    result['samples'][allocator.name].append(dict(cost, round=n, place=place))
        if row.baseline:
            subtract(result['samples'], row.baseline)
        return result

    def count(self, row, result):
        """Instructions and system calls, each in one run of its own because they slow it."""
        for allocator in self.of_row(row):
            if self.options.instructions and not row.is_driver:
                show(f'{row.name}: instructions, {allocator.name}')
                result.setdefault('instructions', {})[allocator.name] = \
                    self.instructions(row, allocator)
            if self.options.syscalls:
                show(f'{row.name}: system calls, {allocator.name}')
                cost, _ = self.once(row, allocator, row.command, ['--syscalls'])
                result.setdefault('syscalls', {})[allocator.name] = cost and cost['syscalls']

    def instructions(self, row, allocator):
        path = os.path.join(self.folder, 'callgrind')
        command = ['valgrind', '--tool=callgrind', f'--callgrind-out-file={path}', '-q', '--']
        _, problem = self.once(row, allocator, command + row.instructions)
        if problem:
            return None
        with open(path, encoding='utf-8') as file:
            totals = [line for line in file if line.startswith(('summary:', 'totals:'))]
        return int(totals[-1].split()[1]) if totals else None


def find_allocators(options):
    """Ours first, then peers; and who is missing."""
    found, missing = allocators.find_peers(options.peers)
    found += options.peer
    if os.path.exists(options.ashlar):
        found.insert(0, allocators.named('ashlar', options.ashlar, role='subject'))
    else:
        missing.append({'what': 'ashlar', 'install': 'make'})
    return found, missing


def read_end(path):
    """The last 64 KiB of a file as text."""
    with open(path, 'rb') as file:
        file.seek(max(0, os.path.getsize(path) - 65536))
        return file.read().decode('utf-8', 'replace')


def last_line(text):
    lines = [line for line in text.split('\n') if line.strip()]
    return lines[-1][:300] if lines else ''


def figures_of(line):
    if not line.startswith('{'):
        return {}
    try:
        return {k: v for k, v in json.loads(line).items() if isinstance(v, (int, float))}
    except ValueError:
        return {}


def subtract(samples, baseline):
    """What each run used above the stand-in's run of the same round becomes figures."""
    measures = {'more_peak_kib': 'peak_kib', 'more_faults_n': 'minflt'}
    plain = {s['round']: {m: verdicts.value(s, m) for m in measures.values()}
             for s in samples[baseline]}
    for s in (s for some in samples.values() for s in some if s['round'] in plain):
        for figure, m in measures.items():
            s['figures'][figure] = verdicts.value(s, m) - plain[s['round']][m]


def show(text):
    if sys.stderr.isatty():
        print('\r\033[K' + text, end='', file=sys.stderr, flush=True)


def write_json(path, results):
    with open(path + '.new', 'w', encoding='utf-8') as file:
        json.dump(results, file, indent=1)
        file.write('\n')
    os.replace(path + '.new', path)


def parse(argv):
    def listed(text):
        return [word for word in text.replace(',', ' ').split() if word]
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('--list', action='store_true', help='print the rows and end')
    parser.add_argument('--rows', type=listed, default=[], help='names or patterns, by commas')
    parser.add_argument('--group', type=listed, default=[], help='|'.join(rowlist.GROUPS))
    parser.add_argument('--peers', type=listed, default=list(allocators.PEERS),
                        help='of ' + ','.join(allocators.PEERS))
    parser.add_argument('--peer', action='append', default=[], metavar='NAME=PATH.so',
                        type=allocators.named_peer, help='one more; may be repeated')
    parser.add_argument('--rounds', type=int, default=verdicts.ROUNDS_MIN)
    parser.add_argument('--seed', type=int, help='of the order of runs and of the intervals')
    parser.add_argument('--json', metavar='FILE')
    parser.add_argument('--html', metavar='FILE')
    parser.add_argument('--instructions', action='store_true', help='count them by callgrind')
    parser.add_argument('--syscalls', action='store_true', help='count system calls')
    parser.add_argument('--huge', choices=('always', 'madvise', 'never'),
                        help='mode of transparent huge pages for this run (root)')
    parser.add_argument('--reference', default='glibc', help='of the means')
    parser.add_argument('--lists', default=rowlist.ROWS, metavar='FOLDER',
                        help='where the lists of rows are')
    parser.add_argument('--build', default=os.path.join(ROOT, 'build'), metavar='FOLDER')
    parser.add_argument('--ashlar', metavar='FILE.so', help='default: the one of the build')
    options = parser.parse_args(argv)
    options.build = os.path.abspath(options.build)
    options.ashlar = options.ashlar or os.path.join(options.build, 'lib/libashlar.so')
    unknown = [p for p in options.peers if p not in allocators.PEERS]
    names = options.peers + [peer.name for peer in options.peer] + ['ashlar', 'empty']
    if unknown or len(set(names)) < len(names):
        parser.error(f'unknown peers: {unknown}' if unknown else f'two of one name: {names}')
    if options.rounds < 1:
        parser.error('--rounds: 1 or more')
    return options


def print_rows(rows):
    lines = [[row.name, row.group, str(row.threads), row.says] for row in rows]
    print(table.layout([['row', 'group', 'threads', '']] + lines))


def write_html(path, results, build):
    with open(path, 'w', encoding='utf-8') as file:
        file.write(report.page(results, build))


def run(options, rows):
    bench = Bench(options)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    begin = time.monotonic()
    everyone = bench.everyone + ([bench.empty] if any(row.baseline for row in rows) else [])
    results = {'format': 'ashlar-bench 1', 'seed': seed, 'rounds': options.rounds,
               'started': datetime.datetime.now(datetime.timezone.utc).strftime('%FT%TZ'),
               'seconds': 0, 'machine': machine.facts(), 'missing': bench.missing,
               'allocators': [a.as_json() for a in everyone], 'rows': [], 'means': {}}
    roles = {a.name: a.role for a in everyone}
    print(f'seed {seed}, {verdicts.rounds_word(options.rounds)}, rows: {len(rows)}, huge pages: '
          f'{machine.huge_pages()}, on {", ".join(a.name for a in bench.everyone)}', flush=True)
    try:
        for row in rows:
            lacking = row.missing_packages()
            if lacking:
                results['missing'].append({'what': row.name, 'install':
                                           'apt-get install -y ' + ' '.join(lacking)})
                continue
            result = bench.measure(row, random.Random(f'{seed} {row.name}'))
            bench.count(row, result)
            result['summary'] = verdicts.summarise(result, row.limits, roles, seed)
            results['rows'].append(result)
            show('')
            print(table.line(result), flush=True)
            results['seconds'] = time.monotonic() - begin
            if options.json:
                write_json(options.json, results)
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)
        show('')
    results['means'] = verdicts.means(results['rows'], roles, options.reference, seed)
    return results


def main(argv):
    options = parse(argv)
    try:
        rows = rowlist.choose(rowlist.read(options.lists), options.rows, options.group)
    except rowlist.RowError as error:
        raise SystemExit(f'run.py: {error}') from None
    if options.list:
        print_rows(rows)
        return 0
    if not os.path.exists(os.path.join(options.build, 'bench/launch')):
        raise SystemExit('run.py: nothing is built yet: make bench, or '
                         'cmake --build build --target bench_programs')
    if options.html:
        try:
            report.template(options.build)
        except report.ReportError as error:
            raise SystemExit(f'run.py: --html: {error}') from None
    for number in (signal.SIGTERM, signal.SIGINT):      # exceptions, so that clean-up runs
        signal.signal(number, lambda n, _: sys.exit(128 + n))
    with machine.in_huge_page_mode(options.huge):
        results = run(options, rows)
    print('\n' + table.page(results))
    if options.json:
        write_json(options.json, results)
    if options.html:
        write_html(options.html, results, options.build)
    return 1 if any(row['failures'] for row in results['rows']) else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
