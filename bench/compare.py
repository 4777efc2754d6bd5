#!/usr/bin/env python3
"""compare.py: the field's table: allocators side by side, as figures and as marks.

    bench/compare.py [--rows NAMES] [--rounds N]    over the rows of the groups ours and programs
    bench/compare.py [--rounds N] -- CMD...         over your command

Speed is CPU time, fragmentation is peak RSS divided by the peak of live bytes, memory after the
peak is what is resident when the program ends. Live bytes are counted by Ashlar, in a run of its
own that is asked for its numbers again and again; they are one number per row, for all allocators.

Your command runs in this folder, with this environment and without input; its output is dropped.
It must end with status 0 on every allocator, or there are no figures.
"""
import argparse
import json
import os
import random
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import threading

import allocators
import machine
import rowlist
import run
import table
import verdicts

FIELD = {'glibc': 'ptmalloc2', 'jemalloc': 'jemalloc', 'tcmalloc': 'tcmalloc',
         'mimalloc': 'mimalloc', 'ashlar': 'Ashlar'}
GROUPS = ('ours', 'programs')
BEST, GOOD = 1.05, 1.25             # a mark's bounds, relative to the best of the column
ASK_SECONDS = 0.02                  # between two questions for live bytes
SHORT_SECONDS = 0.1                 # below, start and end of the process are most of it
COLUMNS = {'speed': 'speed: CPU, s', 'fragmentation': 'fragmentation: peak RSS / live',
           'after': 'after the peak: MiB'}


class CompareError(Exception):
    """Why there is no table."""


class Command(run.Bench):
    """A command of the user: it runs where he is, as he would run it."""

    def once(self, row, allocator, command, extra=()):
        cost_path, errors_path = (os.path.join(self.folder, name) for name in ('cost', 'errors'))
        words = [self.launcher, cost_path, *allocator.launcher_words(), *extra, '--', *command]
        with open(errors_path, 'wb') as errors:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=errors, check=False)
        said = run.last_line(run.read_end(errors_path))
        if done.returncode:
            how = f'signal {done.returncode - 128}' if done.returncode > 128 else \
                f'status {done.returncode}'
            return None, how + (f': {said}' if said else '')
        with open(cost_path, encoding='ascii') as file:
            return dict(json.load(file), figures={}), None


class LiveBytes:
    """Asks all processes below this one that run on Ashlar for their live bytes; keeps the most."""

    def __init__(self, tool):
        self.tool, self.peak, self.is_over = tool, 0, threading.Event()
        self.thread = threading.Thread(target=self.ask_on, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    def ask_on(self):
        while not self.is_over.wait(ASK_SECONDS):
            for pid in below(os.getpid()):
                self.ask(pid)

    def ask(self, pid):
        if 'libashlar.so' not in read(f'/proc/{pid}/maps'):
            return
        done = subprocess.run([self.tool, 'stats', '--json', '-', str(pid)], capture_output=True,
                              check=False)
        if done.returncode == 0:
            self.take(done.stdout)

    def take(self, text):
        try:
            self.peak = max(self.peak, json.loads(text)['stats']['live_bytes'])
        except (ValueError, KeyError):
            pass    # a process that ends while it is asked


def read(path):
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
    except OSError:
        return ''


def below(top):
    """The processes that this one started, and those that they started."""
    found, at = [top], 0
    while at < len(found):
        task = f'/proc/{found[at]}/task'
        try:
            threads = os.listdir(task)
        except OSError:
            threads = []
        for thread in threads:
            found += [int(pid) for pid in read(f'{task}/{thread}/children').split()]
        at += 1
    return found[1:]


def live_peak(bench, row):
    """The greatest number of live bytes in one process of the row; None when nobody could tell."""
    ours = next(a for a in bench.everyone if a.role == 'subject')
    folder = os.path.join(bench.folder, 'live')
    os.makedirs(folder, exist_ok=True)
    asked = ','.join(filter(None, [os.environ.get('ASHLAR'), f'stats={folder}/%p.json']))
    counted = allocators.Allocator(ours.name, ours.path, role='subject', env={'ASHLAR': asked})
    with LiveBytes(os.path.join(bench.options.build, 'ashlar')) as live:
        bench.once(row, counted, row.command)
    for name in os.listdir(folder):     # what was live at the end counts too
        live.take(read(os.path.join(folder, name)))
    shutil.rmtree(folder)
    return live.peak or None


def medians(result):
    """{allocator: {figure: median}} of a row, or None when one allocator failed."""
    if result['failures']:
        return None
    found = {}
    for name, samples in result['samples'].items():
        def median(key, samples=samples):
            values = [s[key] for s in samples]
            return None if None in values else statistics.median(values)
        found[name] = {'cpu_s': median('cpu_s'), 'peak_kib': median('peak_kib'),
                       'exit_rss_kib': median('exit_rss_kib')}
    return found


def measure(bench, rows, seed):
    """One entry per row: its medians, its live bytes, its failures."""
    entries = []
    for row in rows:
        result = bench.measure(row, random.Random(f'{seed} {row.name}'))
        entry = {'name': row.name, 'command': result['command'], 'medians': medians(result),
                 'failures': result['failures'], 'live_peak_bytes': None}
        if entry['medians']:
            run.show(f'{row.name}: live bytes')
            entry['live_peak_bytes'] = live_peak(bench, row)
        entries.append(entry)
    run.show('')
    return entries


def mean(entries, value):
    """Geometric mean over rows; None when a row has no value."""
    values = [value(entry) for entry in entries]
    if not values or None in values:
        return None
    return verdicts.geometric_mean([max(v, 1e-6) for v in values])


def mark(ratio):
    return '◎' if ratio <= BEST else '○' if ratio <= GOOD else '△'


def judge(entries, names):
    """{allocator: {column: {value, ratio, mark}}}; a column without values is left out."""
    def fragmentation(name):
        return lambda e: e['live_peak_bytes'] and \
            e['medians'][name]['peak_kib'] * 1024 / e['live_peak_bytes']

    def after(name):
        return lambda e: e['medians'][name]['exit_rss_kib'] and \
            e['medians'][name]['exit_rss_kib'] / 1024
    table_of = {name: {} for name in names}
    for column, value_of in (
            ('speed', lambda name: lambda e: e['medians'][name]['cpu_s']),
            ('fragmentation', fragmentation), ('after', after)):
        values = {name: mean(entries, value_of(name)) for name in names}
        if None in values.values():
            continue
        best = min(values.values())
        for name, value in values.items():
            table_of[name][column] = {'value': value, 'ratio': value / best,
                                      'mark': mark(value / best)}
    return table_of


def figure(value):
    return table.number(value) if value >= SHORT_SECONDS else f'{value:.4f}'


def layout(judged, title):
    columns = [c for c in COLUMNS if all(c in figures for figures in judged.values())]
    lines = [[title] + [word for c in columns for word in (COLUMNS[c], '')] + ['']]
    for name, figures in judged.items():
        lines.append([FIELD.get(name, name)] +
                     [word for c in columns
                      for word in (figure(figures[c]['value']), figures[c]['mark'])] + [''])
    return table.layout(lines)


def legend(comparison):
    entries = [e for e in comparison['rows'] if e['medians']]
    many = len(entries) > 1
    lines = [f'◎ at most {BEST} of the best of its column, ○ at most {GOOD}, △ above',
             f'{comparison["rounds"]} round{"s" * (comparison["rounds"] > 1)}: '
             'medians' + (f', geometric means over {len(entries)} rows' if many else '')]
    if not many and entries[0]['live_peak_bytes']:
        lines.append(f'live at the peak: {entries[0]["live_peak_bytes"] / 2**20:.1f} MiB; after the'
                     ' peak: what is resident when the program ends')
    if any(not e['live_peak_bytes'] for e in entries):
        lines.append('no fragmentation: Ashlar could not be asked for live bytes (too short a run, '
                     'or kernel.yama.ptrace_scope)')
    if any(m['exit_rss_kib'] is None for e in entries for m in e['medians'].values()):
        lines.append('no memory after the peak: ptrace is forbidden here')
    short = [e['name'] for e in entries
             if min(m['cpu_s'] for m in e['medians'].values()) < SHORT_SECONDS]
    if short:
        lines.append(f'below {SHORT_SECONDS} s of CPU time, these figures say little: '
                     + ', '.join(short))
    lines += [f'failed, not in the table: {e["name"]} on {f["allocator"]}: {f["what"]}'
              for e in comparison['rows'] for f in e['failures'][:1]]
    lines += [f'left out: {m["what"]}: {m["install"]}' for m in comparison['missing']]
    return lines


def page(comparison, each):
    entries = [e for e in comparison['rows'] if e['medians']]
    names = comparison['allocators']
    parts = []
    if each and len(entries) > 1:
        parts += [layout(judge([e], names), e['name']) for e in entries]
    parts.append(layout(comparison['table'], 'allocator'))
    return '\n\n'.join(parts) + '\n\n' + '\n'.join(legend(comparison))


def choose_rows(options):
    """(rows that can run, rows whose packages are missing)"""
    chosen = rowlist.choose(rowlist.read(), options.rows, [] if options.rows else GROUPS)
    ready, missing = [], []
    for row in chosen:
        lacking = row.missing_packages()
        if lacking:
            missing.append({'what': row.name, 'install': 'apt-get install -y ' + ' '.join(lacking)})
        else:
            ready.append(row)
    if not ready:
        raise CompareError('no row can run\n' + '\n'.join(m['install'] for m in missing))
    return ready, missing


def compare(options):
    if options.command:
        keys = {'says': 'your command', 'source': 'you', 'command': shlex.join(options.command)}
        rows, missing = [rowlist.Row('command', 'ours', keys)], []
    else:
        rows, missing = choose_rows(options)
    for needed in ('bench/launch', 'ashlar'):
        if not os.path.exists(os.path.join(options.build, needed)):
            raise CompareError(f'{needed} is not built: make && '
                               'cmake --build build --target bench_programs')
    bench = (Command if options.command else run.Bench)(options)
    try:
        if bench.missing:
            raise CompareError('\n'.join(f'{m["what"]} is missing: {m["install"]}'
                                         for m in bench.missing)
                               + '\n--peers leaves out those you do not want')
        bench.everyone.sort(key=lambda a: a.role == 'subject')
        entries = measure(bench, rows, options.seed)
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)
    measured = [e for e in entries if e['medians']]
    if not measured:
        raise CompareError('no figures: ' + '\n'.join(
            f'{shlex.join(options.command) or e["name"]} on {f["allocator"]}: {f["what"]}'
            for e in entries for f in e['failures'][:1]))
    names = [a.name for a in bench.everyone]
    return {'format': 'ashlar-compare 1', 'machine': machine.facts(), 'rounds': options.rounds,
            'seed': options.seed, 'command': options.command or None,
            'thresholds': {'◎': BEST, '○': GOOD}, 'allocators': names,
            'versions': {a.name: a.version for a in bench.everyone}, 'missing': missing,
            'table': judge(measured, names), 'rows': entries}


def parse(argv):
    own, command = argv, None
    if '--' in argv:
        own, command = argv[:argv.index('--')], argv[argv.index('--') + 1:]

    def listed(text):
        return [word for word in text.replace(',', ' ').split() if word]
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0],
                                     usage='%(prog)s [options] [-- CMD...]')
    parser.add_argument('--rows', type=listed, default=[], help='names or patterns, by commas')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--each', action='store_true', help='a table for each row as well')
    parser.add_argument('--json', metavar='FILE', help='- is standard output, without the table')
    parser.add_argument('--peers', type=listed, default=[n for n in FIELD if n != 'ashlar'],
                        help='of ' + ','.join(allocators.PEERS))
    parser.add_argument('--peer', action='append', default=[], metavar='NAME=PATH.so',
                        type=allocators.named_peer)
    parser.add_argument('--seed', type=int, default=1, help='of the order of runs')
    parser.add_argument('--build', default=os.path.join(run.ROOT, 'build'), metavar='FOLDER')
    parser.add_argument('--ashlar', metavar='FILE.so', help='default: the one of the build')
    options = parser.parse_args(own)
    options.command = command
    options.build = os.path.abspath(options.build)
    options.ashlar = options.ashlar or os.path.join(options.build, 'lib/libashlar.so')
    unknown = [p for p in options.peers if p not in allocators.PEERS]
    if command == [] or (command and options.rows):
        parser.error('a command after --, or --rows')
    if unknown or options.rounds < 1:
        parser.error(f'unknown peers: {unknown}' if unknown else '--rounds: 1 or more')
    return options


def main(argv):
    options = parse(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))     # so that clean-up runs
    try:
        comparison = compare(options)
    except (CompareError, rowlist.RowError, ValueError) as error:
        print(f'compare.py: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    if options.json == '-':
        json.dump(comparison, sys.stdout, indent=1, ensure_ascii=False)
        print()
    else:
        print(page(comparison, options.each))
        if options.json:
            run.write_json(options.json, comparison)
    return 1 if any(e['failures'] for e in comparison['rows']) else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
