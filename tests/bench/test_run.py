"""test_run.py: one round of small rows on glibc and on ours: the JSON, the table, failures."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCES = sys.argv[1:3]
RUN = os.path.join(SOURCES, 'bench/run.py')
OURS = """
[small]
says = small
source = test
command = {bin}/glibc_simple 1

[handed]
says = small, too
source = test
command = {bin}/larson 1 100 2 1000
family = larson
threads = 1
"""
MEMORY = """
[start]
says = small
source = test
command = /bin/true
baseline = empty
limit_more_peak_kib = 1000

[driven]
says = a driver, and its figures
source = test
command = sh {prepared}/driver
prepare = cp FOLDER/driver .
preload = inner

[broken]
says = ends badly
source = test
command = sh -c "echo reason >&2; exit 3"

[absent]
says = needs what no archive has
source = test
command = true
packages = no-such-package-of-ours
"""
DRIVER = """
$BENCH_LAUNCH measured.json -- sh -c "cat $0; exit 0" && echo '{"a_kib": 7}'
"""


class Run(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory(prefix='ashlar-bench-') as folder:
            for name, text in (('ours.ini', OURS), ('memory.ini', MEMORY), ('driver', DRIVER)):
                with open(os.path.join(folder, name), 'w', encoding='ascii') as file:
                    file.write(text.replace('FOLDER', folder))
            out = os.path.join(folder, 'out.json')
            done = subprocess.run([sys.executable, '-B', RUN, '--lists', folder, '--peers', 'glibc',
                                   '--rounds', '1', '--seed', '3', '--syscalls', '--build', BUILD,
                                   '--json', out], capture_output=True, text=True, check=False)
            cls.status, cls.out, cls.err = done.returncode, done.stdout, done.stderr
            with open(out, encoding='utf-8') as file:
                cls.results = json.load(file)
        cls.rows = {r['name']: r for r in cls.results['rows']}

    def test_head(self):
        results = self.results
        self.assertEqual(results['format'], 'ashlar-bench 1')
        self.assertEqual((results['seed'], results['rounds']), (3, 1))
        self.assertEqual([(a['name'], a['role']) for a in results['allocators']],
                         [('ashlar', 'subject'), ('glibc', 'peer'), ('empty', 'baseline')])
        self.assertEqual(set(results['machine']), {'kernel', 'architecture', 'cpu', 'cpus', 'libc',
                                                   'memory_kib', 'huge_pages', 'load'})
        self.assertEqual(results['missing'], [
            {'what': 'absent', 'install': 'apt-get install -y no-such-package-of-ours'}])

    def test_samples(self):
        for name in ('small', 'handed'):
            self.assertEqual(set(self.rows[name]['samples']), {'ashlar', 'glibc'})
            for samples in self.rows[name]['samples'].values():
                self.assertEqual(len(samples), 1)
                sample = samples[0]
                self.assertGreater(sample['cpu_s'], 0)
                self.assertTrue(500 < sample['peak_kib'] < 100000, sample)
                self.assertTrue(0 < sample['exit_rss_kib'] <= sample['peak_kib'], sample)
                self.assertGreater(sample['minflt'], 10)
        self.assertEqual(self.rows['handed']['family'], 'larson')
        self.assertGreater(self.rows['handed']['syscalls']['glibc'], 10)

    def test_summary(self):
        entry = self.rows['small']['summary']['cpu_s']
        self.assertEqual((entry['best'], entry['limit'], entry['verdict']),
                         ('glibc', 1.10, '1 round: no verdict'))
        self.assertGreater(entry['ratio'], 0)
        self.assertEqual(self.results['means']['cpu_s']['rows'], ['small', 'handed'])

    def test_what_is_above_an_empty_library(self):
        medians = self.rows['start']['summary']['more_peak_kib']['medians']
        self.assertEqual(medians['empty'], 0)
        self.assertLess(medians['ashlar'], 1000)

    def test_a_driver_measures_what_it_starts(self):
        row = self.rows['driven']
        self.assertEqual(row['failures'], [])
        self.assertEqual(row['summary']['a_kib']['medians'], {'ashlar': 7, 'glibc': 7})
        self.assertEqual(row['samples']['ashlar'][0]['processes'], 2)

    def test_failures_are_told_and_are_the_status(self):
        failures = self.rows['broken']['failures']
        self.assertEqual({(f['allocator'], f['what']) for f in failures},
                         {('ashlar', 'status 3: reason'), ('glibc', 'status 3: reason')})
        self.assertEqual((self.status, self.err), (1, ''))

    def test_the_table_names_rows_and_what_is_missing(self):
        for word in ('seed 3', 'small', 'handed', 'CPU time', 'Peak RSS', 'more_peak_kib',
                     'System calls', 'failed: broken on ashlar, round 0: status 3: reason',
                     'missing: absent: apt-get install -y no-such-package-of-ours'):
            self.assertIn(word, self.out)


unittest.main(argv=[sys.argv[0]])
