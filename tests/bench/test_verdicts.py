"""test_verdicts.py: medians, intervals, verdicts and means of samples whose answer is known."""
import math
import os
import random
import sys
import unittest

BUILD, SOURCES = sys.argv[1:3]
sys.path.insert(0, os.path.join(SOURCES, 'bench'))
import rowlist      # noqa: E402
import verdicts     # noqa: E402

ROLES = {'ashlar': 'subject', 'glibc': 'peer', 'jemalloc': 'peer', 'empty': 'baseline'}


def row(name='r', group='ours', **series):
    """A row whose allocators have these values of cpu_s; peak_kib is a thousand times as much."""
    return {'name': name, 'group': group, 'failures': [],
            'samples': {who: [{'round': i, 'cpu_s': v, 'peak_kib': 1000 * v, 'wall_s': v,
                               'exit_rss_kib': None, 'minflt': 1, 'figures': {}}
                              for i, v in enumerate(values)] for who, values in series.items()}}


def around(value, n=11, spread=0.02):
    rng = random.Random(f'{value} {n}')
    return [value * (1 + rng.uniform(-spread, spread)) for _ in range(n)]


class Statistics(unittest.TestCase):
    def test_geometric_mean(self):
        self.assertAlmostEqual(verdicts.geometric_mean([1, 4, 16]), 4)
        self.assertAlmostEqual(verdicts.geometric_mean([0.5, 2]), 1)

    def test_percentiles(self):
        self.assertEqual(verdicts.percentiles(range(1001)), [25, 975])
        self.assertEqual(verdicts.percentiles([3]), [3, 3])

    def test_interval_of_equal_values_is_a_point(self):
        pair = verdicts.ratio_interval([2.0] * 11, [4.0] * 11, random.Random(1))
        self.assertEqual(pair, [0.5, 0.5])

    def test_interval_holds_the_true_ratio_nearly_always(self):
        held, rng = 0, random.Random(5)
        for _ in range(60):
            ours = [rng.gauss(1.2, 0.1) for _ in range(11)]
            peer = [rng.gauss(1.0, 0.1) for _ in range(11)]
            low, high = verdicts.ratio_interval(ours, peer, rng)
            held += low <= 1.2 <= high
        self.assertGreaterEqual(held, 52)

    def test_a_slow_round_hits_both_sides_of_a_ratio(self):
        noise = [1, 1, 5, 1, 3, 1, 9, 1, 1, 2, 1]
        pair = verdicts.ratio_interval([1.1 * n for n in noise], noise, random.Random(1))
        self.assertAlmostEqual(pair[0], 1.1)
        self.assertAlmostEqual(pair[1], 1.1)


class Verdicts(unittest.TestCase):
    def judge(self, limits=None, **series):
        return verdicts.summarise(row(**series), limits or {}, ROLES, 1)

    def test_lost_only_when_the_interval_lies_above_the_limit(self):
        cases = [(1.0, 'ok'), (1.05, 'ok'), (1.30, 'lost')]
        for ours, verdict in cases:
            with self.subTest(ours):
                entry = self.judge(ashlar=around(ours), glibc=around(2), jemalloc=around(1))
                self.assertEqual(entry['cpu_s']['verdict'], verdict)
                self.assertEqual(entry['cpu_s']['best'], 'jemalloc')
        wide = self.judge(ashlar=around(1.12, spread=0.5), glibc=around(1, spread=0.5))
        self.assertEqual(wide['cpu_s']['verdict'], 'ok')

    def test_limits_of_time_and_memory_differ(self):
        entry = self.judge(ashlar=[1.12] * 11, glibc=[1.0] * 11)
        self.assertEqual((entry['cpu_s']['verdict'], entry['peak_kib']['verdict']), ('lost', 'ok'))

    def test_ten_rounds_give_no_verdict(self):
        entry = self.judge(ashlar=[3.0] * 10, glibc=[1.0] * 10)
        self.assertEqual(entry['cpu_s']['verdict'], '10 rounds: no verdict')
        self.assertAlmostEqual(entry['cpu_s']['ratio'], 3)

    def test_a_failure_of_ours_is_no_ratio(self):
        failed = row(ashlar=[1.0] * 10, glibc=[1.0] * 11)
        failed['failures'] = [{'allocator': 'ashlar', 'round': 3, 'what': 'status 1'}]
        entry = verdicts.summarise(failed, {}, ROLES, 1)
        self.assertEqual((entry['cpu_s']['verdict'], entry['cpu_s']['ratio']), ('failed', None))

    def test_a_failed_peer_is_not_the_best(self):
        failed = row(ashlar=[1.0] * 11, glibc=[2.0] * 11, jemalloc=[0.1] * 5)
        failed['failures'] = [{'allocator': 'jemalloc', 'round': 5, 'what': 'status 1'}]
        self.assertEqual(verdicts.summarise(failed, {}, ROLES, 1)['cpu_s']['best'], 'glibc')

    def test_absolute_limits(self):
        self.assertEqual(rowlist.limit('16'), (16.0, None))
        self.assertEqual(rowlist.limit('1.2*glibc'), (1.2, 'glibc'))
        for text, verdict in (('1', 'met'), ('0.9', 'missed'), ('0.6*glibc', 'met'),
                              ('0.4*glibc', 'missed')):
            entry = self.judge({'cpu_s': rowlist.limit(text)}, ashlar=[1.0] * 11, glibc=[2.0] * 11)
            self.assertEqual(entry['cpu_s']['verdict'], verdict, text)

    def test_memory_rows_are_not_compared_without_a_limit(self):
        entry = verdicts.summarise(row(group='memory', ashlar=[9.0] * 11, glibc=[1.0] * 11), {},
                                   ROLES, 1)
        self.assertIsNone(entry['cpu_s']['verdict'])


class OverRows(unittest.TestCase):
    def test_means_over_rows_that_all_ran(self):
        rows = [row('a', ashlar=[1.0] * 11, glibc=[2.0] * 11, jemalloc=[4.0] * 11),
                row('b', ashlar=[2.0] * 11, glibc=[2.0] * 11, jemalloc=[1.0] * 11),
                row('c', ashlar=[9.0] * 11, glibc=[1.0] * 11),
                row('d', 'memory', ashlar=[9.0] * 11, glibc=[1.0] * 11, jemalloc=[1.0] * 11)]
        roles = {k: v for k, v in ROLES.items() if k != 'empty'}
        mean = verdicts.means(rows, roles, 'glibc', 1)['cpu_s']
        self.assertEqual(mean['rows'], ['a', 'b'])
        self.assertAlmostEqual(mean['allocators']['ashlar']['mean'], math.sqrt(0.5))
        self.assertEqual(mean['best'], 'glibc')
        self.assertAlmostEqual(mean['ratio'], math.sqrt(0.5))
        self.assertAlmostEqual(mean['rows_best'], 1)     # 1/2 of glibc, 2 times jemalloc

    def test_means_have_intervals(self):
        rows = [row(str(i), ashlar=around(1 + i / 10), glibc=around(1)) for i in range(5)]
        mean = verdicts.means(rows, {'ashlar': 'subject', 'glibc': 'peer'}, 'glibc', 1)['cpu_s']
        low, high = mean['interval']
        self.assertTrue(low <= mean['ratio'] <= high and high - low < 0.05, mean)


class Lists(unittest.TestCase):
    def test_the_lists_can_be_read_and_name_what_is_there(self):
        rows = rowlist.read()
        self.assertEqual(len({r.name for r in rows}), len(rows), 'two rows of one name')
        self.assertTrue({'larson-2', 'idle-freed'} <= {r.name for r in rows})
        for one in rows:
            program = one.command[0].replace('{rows}', rowlist.ROWS)
            if program.startswith('{bin}/'):
                source = program.replace('{bin}', os.path.join(rowlist.ROWS, one.group)) + '.c'
                self.assertTrue(os.path.exists(source), source)
            elif program.startswith('/'):
                self.assertTrue(os.access(program, os.X_OK), program)

    def test_a_wrong_key_is_refused(self):
        keys = {'says': 's', 'source': 's', 'command': 'true', 'comand': 'x'}
        self.assertRaises(rowlist.RowError, rowlist.Row, 'r', 'ours', keys)


unittest.main(argv=[sys.argv[0]])
