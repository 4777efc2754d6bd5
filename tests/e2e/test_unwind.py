"""test_unwind.py: call stacks of real programs, by our unwinder and by the compiler's: each PC."""
import os
import shutil
import subprocess
import sys

import common
from common import PROGRAMS, Case, environment

SHADOW = os.path.join(PROGRAMS, 'libe2e_unwound.so')
PYTHON = os.path.realpath(sys.executable)
JSON = ('import json\nd = json.loads(json.dumps([{"a": i} for i in range(2000)]))\n'
        'print(sorted(d, key=lambda x: -x["a"])[0])')
SORT = 'my %h; $h{$_} = "x$_" for 1..5000; print join(",", sort { $a <=> $b } keys %h)'
SQL = ('create table t(a, b); with recursive c(x) as (select 1 union all select x + 1 from c '
       'where x < 2000) insert into t select x, x from c; select sum(a) from t;')
COMMANDS = [
    [PYTHON, '-c', JSON],
    ['perl', '-e', SORT],
    ['bash', '-c', 'for i in 1 2 3; do x=$(echo $i); done; echo $x'],
    ['sqlite3', ':memory:', SQL],
    ['git', '--version'],
    ['cmake', '--version'],
    ['ls', '-l', '/'],
]


class Unwind(Case):
    def test_every_pc_is_the_same(self):
        total = 0
        for command in COMMANDS:
            if not shutil.which(command[0]):
                continue
            report = self.path('report')
            done = subprocess.run(command, capture_output=True, text=True, check=False,
                                  env=environment(LD_PRELOAD=SHADOW, UNWOUND=report,
                                                  UNWOUND_SAY='1', PYTHONMALLOC='malloc'))
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(report, encoding='ascii') as file:
                lines = [line.split() for line in file]
            os.unlink(report)
            for compared, different, _, _ in lines:
                total += int(compared)
                self.assertEqual(int(different), 0, (command, done.stderr))
        self.assertGreater(total, 1000)


if __name__ == '__main__':
    common.main()
