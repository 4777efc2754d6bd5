"""test_compare.py: bench/compare.py: its table, marks and JSON, and what it says when it cannot."""
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile

import common
from common import ASHLAR, SOURCES, Case

BENCH = os.path.join(SOURCES, 'bench')
BUILD = os.path.dirname(ASHLAR)
sys.path.insert(0, BENCH)
import allocators   # noqa: E402   (found by the path above)
import compare      # noqa: E402
import rowlist      # noqa: E402

LISTS = 'my @kept = map { [$_ x 9] } 1 .. 60_000; my %h = map { $_ => [$_] } 1 .. 40_000; exit 0'
OPTIONS = ['--rounds', '1', '--peers', 'glibc', '--build', BUILD]


def ask(*words):
    command = [sys.executable, '-B', os.path.join(BENCH, 'compare.py'), *OPTIONS, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env=common.environment())
    return done.returncode, done.stdout, done.stderr


def ask_here(*words):
    """The same in this process, where rows and peers can be replaced."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = compare.main([*OPTIONS, *words])
    return status, out.getvalue(), err.getvalue()


class Compare(Case):
    def test_a_command_gives_the_table(self):
        status, out, err = ask('--', 'perl', '-e', LISTS)
        self.assertEqual((status, err), (0, ''))
        self.assertRegex(out, r'^allocator +speed: CPU, s +fragmentation: peak RSS / live +after')
        for label in ('ptmalloc2', 'Ashlar'):
            self.assertRegex(out, rf'(?m)^{label}( +[\d.]+ +[◎○△]){{3}}$')
        self.assertIn('◎ at most 1.05 of the best of its column, ○ at most 1.25, △ above', out)

    def test_figures_and_marks_agree(self):
        status, out, _ = ask('--json', '-', '--', 'perl', '-e', LISTS)
        said = json.loads(out)
        self.assertEqual((status, said['format'], said['rounds']), (0, 'ashlar-compare 1', 1))
        self.assertEqual(said['allocators'], ['glibc', 'ashlar'])
        row = said['rows'][0]
        self.assertGreater(row['live_peak_bytes'], 4 << 20)
        for column in ('speed', 'fragmentation', 'after'):
            figures = [said['table'][name][column] for name in said['allocators']]
            best = min(f['value'] for f in figures)
            self.assertGreater(best, 0)
            for f in figures:
                self.assertAlmostEqual(f['ratio'], f['value'] / best)
                bounds = said['thresholds']
                self.assertEqual(f['mark'], '◎' if f['ratio'] <= bounds['◎'] else
                                 '○' if f['ratio'] <= bounds['○'] else '△')
        for name, medians in row['medians'].items():
            self.assertAlmostEqual(said['table'][name]['fragmentation']['value'],
                                   medians['peak_kib'] * 1024 / row['live_peak_bytes'])

    def test_marks_at_their_bounds(self):
        self.assertEqual([compare.mark(r) for r in (1, 1.05, 1.051, 1.25, 1.26)], list('◎◎○○△'))

    def test_rows_are_joined_by_geometric_means(self):
        rows = [rowlist.Row(f'tiny-{n}', 'ours', {'says': 'x', 'source': 'x', 'command':
                f'perl -e "@x = map {{ [1] }} 1 .. {n}"'}) for n in (20000, 40000)]
        kept, rowlist.read = rowlist.read, lambda: rows
        try:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, 'out.json')
                status, out, _ = ask_here('--each', '--json', path)
                with open(path, encoding='utf-8') as file:
                    said = json.load(file)
        finally:
            rowlist.read = kept
        self.assertEqual(status, 0)
        self.assertIn('geometric means over 2 rows', out)
        self.assertRegex(out, r'(?m)^tiny-20000 ')
        seconds = [r['medians']['glibc']['cpu_s'] for r in said['rows']]
        self.assertAlmostEqual(said['table']['glibc']['speed']['value'],
                               (seconds[0] * seconds[1]) ** 0.5)

    def test_a_command_that_fails_has_no_figures(self):
        for words, how in ((['sh', '-c', 'echo why >&2; exit 7'], 'status 7: why'),
                           (['sh', '-c', 'kill -SEGV $$'], 'signal 11'),
                           (['no-such-program'], 'status 127: .*No such file')):
            status, out, err = ask('--', *words)
            self.assertEqual((status, out), (2, ''))
            self.assertRegex(err, rf'^compare.py: no figures: .* on (glibc|ashlar): {how}')

    def test_a_missing_peer_is_named_with_its_package(self):
        allocators.PEERS['absent'] = ('libabsent9', 'libabsent.so.9', {})
        try:
            status, out, err = ask_here('--peers', 'glibc,absent', '--', 'true')
        finally:
            del allocators.PEERS['absent']
        self.assertEqual((status, out), (2, ''))
        self.assertIn('absent is missing: apt-get install -y libabsent9\n', err)

    def test_wrong_usage(self):
        for words in (['--'], ['--rounds', '0', '--', 'true'], ['--peers', 'nobody'],
                      ['--rows', 'lua', '--', 'true']):
            status, out, err = ask(*words)
            self.assertEqual((status, out), (2, ''))
            self.assertIn('compare.py: error: ', err)
        self.assertIn('no row nonsense', ask('--rows', 'nonsense')[2])
        self.assertIn('x=nowhere: NAME=PATH.so', ask('--peer', 'x=nowhere', '--', 'true')[2])


if __name__ == '__main__':
    common.main(reads=True)
