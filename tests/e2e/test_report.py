"""test_report.py: the HTML page of the benchmarks: all is in it, and it asks for nothing."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import common
from common import ASHLAR, SOURCES, Case

BUILD = os.path.dirname(ASHLAR)
sys.path.insert(0, os.path.join(SOURCES, 'bench'))
import report       # noqa: E402   (found by the path above)
import verdicts     # noqa: E402

NAMES = {'ashlar': 'subject', 'glibc': 'peer', 'mimalloc': 'peer', 'own-one': 'peer'}
ROWS = (('churn-1', 'ours', 1), ('churn-4', 'ours', 4), ('lua', 'programs', 1),
        ('idle', 'memory', 1))


def results():
    rows = []
    for name, group, threads in ROWS:
        samples = {a: [{'round': n, 'place': 0, 'cpu_s': (i + n + 2) * threads, 'wall_s': i + 1,
                        'peak_kib': 9000 * (i + 1), 'exit_rss_kib': 4000 + i, 'minflt': 100 * i + 1,
                        'figures': {'thread_kib': 7 + i} if group == 'memory' else {}}
                       for n in range(2)] for i, a in enumerate(NAMES)}
        row = {'name': name, 'group': group, 'says': 'says </script><b>' + name, 'source': 'x',
               'command': 'x', 'family': name.split('-')[0], 'threads': threads, 'hash': 'x',
               'samples': samples, 'failures': []}
        row['summary'] = verdicts.summarise(row, {}, NAMES, 1)
        rows.append(row)
    rows[2]['failures'] = [{'allocator': 'own-one', 'round': 1, 'what': 'status 3: no reason'}]
    return {'format': 'ashlar-bench 1', 'started': '2025-01-31T12:00:00Z', 'seconds': 1, 'seed': 1,
            'rounds': 2, 'machine': {'kernel': '6.1', 'cpu': 'one', 'cpus': 2},
            'allocators': [{'name': n, 'role': r, 'path': n, 'env': {}, 'version': '1'}
                           for n, r in NAMES.items()],
            'missing': [{'what': 'jemalloc', 'install': 'apt-get install -y libjemalloc2'}],
            'rows': rows, 'means': verdicts.means(rows, NAMES, 'glibc', 1)}


@unittest.skipUnless(os.path.exists(os.path.join(BUILD, 'report/page.html')),
                     'built without esbuild or with ASHLAR_REPORT=OFF')
class Page(Case):
    @classmethod
    def setUpClass(cls):
        cls.page = report.page(results(), BUILD)

    def test_it_asks_for_nothing(self):
        self.assertNotRegex(self.page, r'(?i)\b(src|href|action)\s*=')
        self.assertNotRegex(self.page, r'(?i)@import|url\(|\bfetch\(|XMLHttpRequest|import\(')
        self.assertEqual(set(re.findall(r'https?://[^\s"\'`)]+', self.page)),
                         {'http://www.w3.org/2000/svg'})
        self.assertIn("default-src 'none'", self.page)
        self.assertLess(len(self.page), 200_000)

    def test_no_marker_is_left_and_texts_stay_texts(self):
        self.assertNotRegex(self.page, r'@(STYLE|SCRIPT|RESULTS)@')
        self.assertEqual(self.page.count('</script>'), 2)

    def test_it_holds_all_rows_and_allocators(self):
        held = json.loads(re.search(r'id="results">(.*?)</script>', self.page, re.S).group(1))
        self.assertEqual([row['name'] for row in held['rows']], [name for name, _, _ in ROWS])
        self.assertEqual([a['name'] for a in held['allocators']], list(NAMES))
        self.assertNotIn('samples', held['rows'][0])

    @unittest.skipUnless(shutil.which('chromium'), 'chromium is not here')
    def test_a_browser_shows_all_of_it(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'page.html')
            with open(path, 'w', encoding='utf-8') as file:
                file.write(self.page)
            done = subprocess.run(['chromium', '--headless', '--no-sandbox', '--disable-gpu',
                                   f'--user-data-dir={folder}/profile', '--dump-dom',
                                   'file://' + path], capture_output=True, text=True, check=True,
                                  timeout=60)
        shown = done.stdout.split('<script type="application/json"')[0]
        for name, _, _ in ROWS:
            self.assertIn(f'>{name}', shown)
        for name in NAMES:
            self.assertRegex(shown, rf'</svg>{name}</button>')
        self.assertGreaterEqual(len(re.findall('class="dot"', shown)), 3 * len(NAMES))
        self.assertIn('<figcaption>churn</figcaption>', shown)
        self.assertIn('status 3: no reason', shown)
        self.assertIn('apt-get install -y libjemalloc2', shown)


class Missing(Case):
    def test_a_build_without_the_page_names_the_package(self):
        for line, hint in (('ASHLAR_REPORT:BOOL=OFF\n', '-DASHLAR_REPORT=ON'), ('', 'make bench')):
            with tempfile.TemporaryDirectory() as build:
                with open(os.path.join(build, 'CMakeCache.txt'), 'w', encoding='utf-8') as file:
                    file.write(line)
                with self.assertRaisesRegex(report.ReportError, 'install -y esbuild') as held:
                    report.template(build)
                self.assertIn(hint, str(held.exception))


if __name__ == '__main__':
    common.main()
