"""test_shim.py: `ashlar run --strategy=`: real programs on each strategy, with unchanged output."""
import json
import os
import shutil
import subprocess

import common
from common import ASHLAR, PROGRAMS, Case, environment

SQL = ('create table t(a, b); with recursive r(n) as (select 1 union all select n + 1 from r '
       'where n < 20000) insert into t select n, hex(n * 7919 % 20011) from r; '
       'create index i on t(b); select count(*), max(b), min(b) from t; '
       'select a from t order by b limit 5; delete from t where a % 3; select count(*) from t;')
PYTHON = ('import json, zlib, re\n'
          'd = {str(i): [i] * (i % 50) for i in range(20000)}\n'
          'for i in range(0, 20000, 3): del d[str(i)]\n'
          's = json.dumps(d)\nprint(len(s), zlib.crc32(s.encode()), len(re.findall("7+", s)))\n')
BASH = ('for i in $(seq 300); do a[$i]=$(printf "%0*d" $i $i); done; '
        'echo "${#a[@]} ${a[299]}" | md5sum | cut -c1-8; (echo sub; exit 3); echo $? | cat')
PROGRAMS_OF_ALL = [
    (['bash', '-c', BASH], None), (['python3', '-c', PYTHON], None),
    (['perl', '-e', 'my %h; $h{$_ * 7} = "x" x ($_ % 99) for 1 .. 40000; '
      'print scalar(keys %h), length(join "", values %h), "\n"'], None),
    (['sqlite3', ':memory:'], SQL), (['sort', '-r'], '\n'.join(map(str, range(30000)))),
]


def strategies():
    """Those for which a library was built."""
    folder = os.path.join(os.path.dirname(ASHLAR), 'lib')
    return sorted(name[len('libashlar-lab-'):-len('.so')] for name in os.listdir(folder)
                  if name.startswith('libashlar-lab-'))


class Shim(Case):
    def test_there_is_a_library_for_each_strategy(self):
        path = os.path.join(self.folder, 'one.rep')
        with open(path, 'w', encoding='ascii') as file:
            file.write('9\n1\n1\n1\na 0 1\n')
        said = json.loads(self.ask('lab', '--json', '-', path)[1])
        names = [c['name'] for c in said['contenders'] if c['name'] != 'ashlar']
        self.assertEqual(sorted(names), strategies())
        self.assertGreaterEqual(len(names), 8)

    def test_programs_give_the_same_output_on_each(self):
        for words, given in PROGRAMS_OF_ALL:
            if not shutil.which(words[0]):
                continue
            plain = self.outcome(words, given)
            self.assertEqual(plain[0], 0)
            for name in strategies():
                with self.subTest(program=words[0], strategy=name):
                    on = [ASHLAR, 'run', f'--strategy={name}', '--'] + words
                    self.assertEqual(self.outcome(on, given), plain)

    def outcome(self, words, given):
        done = subprocess.run(words, input=given, capture_output=True, text=True, check=False,
                              env=environment(PYTHONMALLOC='malloc'), timeout=common.SECONDS)
        return done.returncode, done.stdout, done.stderr

    def test_threads_forks_and_promises(self):
        storm = os.path.join(PROGRAMS, 'e2e_storm')
        for name in strategies():
            with self.subTest(strategy=name):
                self.assertEqual(self.must('run', '-s', name, storm), 'good\n')

    def test_parameters_reach_the_strategy(self):
        out = self.must('run', '-s', 'tlsf:grow=131072', '--', 'sh', '-c', 'echo $ASHLAR')
        self.assertEqual(out, 'lab.grow=131072\n')
        out = self.must('run', '-s', 'tlsf:grow=131072', '--', 'sh', '-c', 'echo $ASHLAR',
                        ASHLAR='stats')
        self.assertEqual(out, 'stats,lab.grow=131072\n')

    def test_what_is_no_strategy(self):
        err = self.must_fail('T09', 'run', '-s', 'frist_fit', '--', 'true', status=1)
        self.assertIn('there are first_fit, next_fit', err)
        self.must_fail('T09', 'run', '-s', 'tlsf:x', '--', 'true', status=1)

    def test_a_foreign_pointer_ends_the_program(self):
        code = 'import ctypes; ctypes.CDLL(None).free(ctypes.c_void_p(0x1230))'
        status, _, err = self.ask('run', '-s', 'first_fit', '--', 'python3', '-c', code)
        self.assertEqual(status, -6)
        self.assertIn('ashlar: E03 ', err)


if __name__ == '__main__':
    common.main()
