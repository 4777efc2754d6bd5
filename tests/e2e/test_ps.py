"""test_ps.py: `ashlar ps`: who runs on Ashlar, who does not, and why."""
import json
import os
import pty
import re
import shutil
import unittest

import common
from common import ASHLAR, PROGRAMS, PYTHON, Case, Living, environment, on_ashlar


class Ps(Case):
    def row(self, out, pid):
        """The line of a process."""
        rows = [line for line in out.splitlines() if re.match(rf' *{pid} ', line)]
        self.assertLessEqual(len(rows), 1)
        return rows[0] if rows else None

    def test_a_row(self):
        with on_ashlar(ASHLAR='check=1,misuse=report') as living:
            out = self.must('ps')
        self.must_be_golden('ps_head', out.splitlines()[0] + '\n')
        self.assertRegex(self.row(out, living.pid),
                         rf'^ *{living.pid} python3 +\d+\.\d+\.\d+ +\S+ .iB +\S+ .iB +1 '
                         r'check=1,misuse=report *$')
        self.assertRegex(out, r'\n\nnext: ashlar stats \d+\n$')

    def test_others_only_with_all(self):
        with Living(PYTHON) as living:
            self.assertIsNone(self.row(self.must('ps'), living.pid))
            self.assertRegex(self.row(self.must('ps', '--all'), living.pid),
                             'python3 .*started without it')

    def test_all_says_why(self):
        for words, why in (([PROGRAMS + '/e2e_static_program'], 'a static program'),
                           ([PROGRAMS + '/e2e_own_malloc'], 'brings its own malloc')):
            with Living(words) as living:
                self.assertIn(why, self.row(self.must('ps', '-a'), living.pid))

    def test_json(self):
        with on_ashlar(ASHLAR='seed=3') as living, Living(PYTHON) as other:
            report = json.loads(self.must('ps', '--all', '--json', '-'))
        self.assertEqual(report['schema'], 1)
        rows = {row['pid']: row for row in report['processes']}
        row = rows[living.pid]
        self.assertEqual((row['command'], row['on_ashlar'], row['options'], row['thread_count']),
                         ('python3', True, 'seed=3', 1))
        self.assertGreater(row['committed_bytes'], row['live_bytes'])
        self.assertEqual(rows[other.pid], {'pid': other.pid, 'command': 'python3',
                                           'on_ashlar': False, 'reason': 'started without it'})

    def test_json_into_a_file(self):
        self.assertEqual(self.must('ps', '--json', self.path('f')), '')
        with open(self.path('f'), encoding='utf-8') as file:
            self.assertIn('processes', json.load(file))
        self.must_fail('T05', 'ps', '--json', '/dev/full')

    def test_no_escape_sequence_on_a_terminal(self):
        for more in ({}, {'NO_COLOR': '1'}):
            pid, terminal = pty.fork()
            if pid == 0:
                os.execve(ASHLAR, ['ashlar', 'ps', '--all'], environment(TERM='xterm', **more))
            text = b''
            try:
                while part := os.read(terminal, 4096):
                    text += part
            except OSError:     # the other side has closed
                pass
            os.close(terminal)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
            self.assertIn(b'NOT ON ASHLAR BECAUSE', text)
            self.assertNotIn(b'\033', text)

    def test_names_that_steer_terminals_are_harmless(self):
        program = ('import ctypes, sys; ctypes.CDLL(None).prctl(15, b"a\\033[2Jb", 0, 0, 0); '
                   'print("ready", flush=True); sys.stdin.read()')
        with on_ashlar(['python3', '-c', program], ASHLAR='?x=\033[2J') as living:
            row = self.row(self.must('ps'), living.pid)     # must looks for escape sequences
        self.assertIn('a?[2Jb', row)
        self.assertIn('?x=?[2J', row)

    def test_wrong_usage(self):
        status, out, err = self.ask('ps', 'python3')
        self.assertEqual((status, out), (1, ''))
        self.assertIn('ashlar stats python3', err)

    @unittest.skipUnless(common.IS_ROOT, 'needs root to become another user')
    def test_another_users_processes(self):
        shutil.copy(ASHLAR, self.path('ashlar'))
        command = self.path('ashlar')
        with on_ashlar() as living:
            out = self.must('ps', command=command, user=common.NOBODY)
            self.assertRegex(out, r'\nnot readable for this user: \d+\n')
            self.assertIsNone(self.row(out, living.pid))
            out = self.must('ps', '--all', command=command, user=common.NOBODY)
            self.assertIn('permission denied', self.row(out, living.pid))


if __name__ == '__main__':
    common.main(reads=True)
