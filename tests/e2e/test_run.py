"""test_run.py: `ashlar run`: the program in its own place, on Ashlar or with a word why not."""
import os
import pty
import re
import shutil
import signal
import subprocess
import unittest

import common
from common import ASHLAR, LIBRARY, PROGRAMS, Case, Living, environment, on_ashlar

TRUE = shutil.which('true')


class Run(Case):
    def test_output_status_and_arguments_are_the_programs(self):
        status, out, err = self.ask('run', '--', 'sh', '-c', 'echo "$0 $1"; exit 7', 'a', '--b c')
        self.assertEqual((status, out, err), (7, 'a --b c\n', ''))

    def test_dashes_are_optional_and_options_behind_the_command_are_its_own(self):
        self.assertEqual(self.must('run', 'echo', '-n', '--help'), '--help')

    def test_pid_stays(self):
        process = subprocess.Popen([ASHLAR, 'run', '--', 'sh', '-c', 'echo $$'],
                                   stdout=subprocess.PIPE, text=True, env=environment())
        self.assertEqual(process.communicate()[0], f'{process.pid}\n')

    def test_a_signal_ends_it_as_it_ends_the_program(self):
        status, _, _ = self.ask('run', '--', 'sh', '-c', 'kill -TERM $$')
        self.assertEqual(status, -signal.SIGTERM)

    def test_input_and_unknown_descriptors_pass(self):
        done = subprocess.run([ASHLAR, 'run', '--', 'cat'], input='text', capture_output=True,
                              text=True, env=environment(), check=True)
        self.assertEqual(done.stdout, 'text')

    def test_the_terminal_and_its_interrupt_reach_the_program(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(ASHLAR, ['ashlar', 'run', '--', 'sh', '-c',
                               'test -t 0 && test -t 1 && echo ready; exec cat'], environment())
        text = b''
        while b'ready' not in text:
            text += os.read(terminal, 1000)
        os.write(terminal, b'\x03')
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), -signal.SIGINT)
        os.close(terminal)

    def test_it_is_in_force_and_silent(self):
        out = self.must('run', '--', 'cat', '/proc/self/maps')
        self.assertIn(os.path.realpath(LIBRARY), out)
        _, _, err = self.ask('run', '--', 'ls', '-l', '/', ASHLAR='stats')
        self.assertRegex(err, r'malloc_count +[1-9]')

    def test_children_run_on_it_too(self):
        out = self.must('run', '--', 'sh', '-c', 'cat /proc/self/maps; true')
        self.assertIn(os.path.realpath(LIBRARY), out)

    def test_an_existing_preload_stays_behind_ours(self):
        out = self.must('run', '--', 'sh', '-c', 'echo $LD_PRELOAD', LD_PRELOAD='libm.so.6')
        self.assertRegex(out, r'^/.*/libashlar\.so\.0:libm\.so\.6\n$')

    def test_off_does_not_preload(self):
        for text in ('off', 'stats,off', 'off=1'):
            out = self.must('run', '--', 'sh', '-c', 'echo [$LD_PRELOAD]', ASHLAR=text)
            self.assertEqual(out, '[]\n')


class Library(Case):
    def install(self, folder):
        for name in ('bin', folder):
            os.makedirs(self.path(name))
        shutil.copy(ASHLAR, self.path('bin/ashlar'))
        shutil.copy(LIBRARY, self.path(folder + '/libashlar.so.0'))
        return self.path('bin/ashlar')

    def test_an_installed_command_finds_its_library_wherever_the_tree_lies(self):
        command = self.install('lib')
        out = self.must('run', '--', 'sh', '-c', 'echo $LD_PRELOAD', command=command)
        self.assertEqual(os.path.realpath(out[:-1]), self.path('lib/libashlar.so.0'))

    def test_another_library_can_be_named(self):
        shutil.copy(LIBRARY, self.path('other.so'))
        out = self.must('run', '--', 'cat', '/proc/self/maps', ASHLAR_LIBRARY=self.path('other.so'))
        self.assertIn(self.path('other.so'), out)

    def test_a_missing_library_is_said(self):
        self.must_fail('T07', 'run', '--', 'true', ASHLAR_LIBRARY=self.path('none.so'))
        os.mkdir(self.path('a b'))
        shutil.copy(LIBRARY, self.path('a b/lib.so'))
        err = self.must_fail('T07', 'run', '--', 'true', ASHLAR_LIBRARY=self.path('a b/lib.so'))
        self.assertIn('space or colon', err)


class Refused(Case):
    """Programs that cannot be started, or not on Ashlar."""

    def copy_of_true(self, name, change=lambda program: None, cut=None):
        with open(TRUE, 'rb') as file:
            program = bytearray(file.read()[:cut])
        change(program)
        with open(self.path(name), 'wb') as file:
            file.write(program)
        os.chmod(self.path(name), 0o755)
        return self.path(name)

    def must_warn(self, words, *command, **more):
        status, _, err = self.ask('run', '--', *command, **more)
        self.assertRegex(err, rf'^ashlar: T03 /.* will not run on Ashlar: .*{words}.* \| '
                              r'ashlar help T03\n')
        return status

    def test_no_command_is_wrong_usage(self):
        status, out, err = self.ask('run')
        self.assertEqual((status, out), (1, ''))
        self.assertIn('which program?', err)

    def test_a_missing_program(self):
        err = self.must_fail('T06', 'run', '--', 'no-such-program')
        self.assertIn('no-such-program: No such file or directory', err)
        self.must_fail('T06', 'run', '--', '/no/such/program')

    def test_a_file_that_is_not_executable(self):
        with open(self.path('text'), 'w', encoding='ascii') as file:
            file.write('text')
        err = self.must_fail('T06', 'run', '--', self.path('text'))
        self.assertIn('Permission denied', err)

    def test_a_cut_program(self):
        for n in (4, 20, 64, 200, 5000, os.path.getsize(TRUE) // 2):
            err = self.must_fail('T06', 'run', '--', self.copy_of_true('cut', cut=n))
            self.assertIn('ends too early', err)

    def test_a_static_program_runs_without(self):
        program = PROGRAMS + '/e2e_static_program'
        self.assertEqual(self.must_warn('a static program', program), 0)

    def test_a_script_of_a_static_program(self):
        script = self.path('script')
        with open(script, 'w', encoding='ascii') as file:
            file.write(f'#!{PROGRAMS}/e2e_static_program\n')
        os.chmod(script, 0o755)
        self.assertEqual(self.must_warn('a static program', script), 0)

    def test_a_program_with_its_own_malloc_runs_on_that(self):
        status, out, err = self.ask('run', '--', PROGRAMS + '/e2e_own_malloc')
        self.assertEqual((status, out), (0, 'ready\n'))
        self.assertIn('brings its own malloc', err)

    def test_another_architecture_is_no_riddle_of_a_shell(self):
        def other(program):
            program[18:20] = (22).to_bytes(2, 'little')     # e_machine: S/390
        program = self.copy_of_true('other', other)
        status, out, err = self.ask('run', '--', program)
        self.assertEqual((status, out), (2, ''))
        self.assertRegex(err, r'T03 .* another architecture .*\n.*T06 .*another architecture')

    @unittest.skipUnless(common.IS_ROOT, 'needs root to make a setuid file')
    def test_a_setuid_program_runs_without(self):
        program = self.copy_of_true('setuid')
        os.chown(program, common.NOBODY, common.NOBODY)
        os.chmod(program, 0o4755)
        self.assertEqual(self.must_warn('raised privileges', program), 0)

    def test_the_warning_leaves_the_status_alone(self):
        with Living([ASHLAR, 'run', '--', PROGRAMS + '/e2e_static_program']) as living:
            status, _, err = self.ask('stats', str(living.pid))
            self.assertEqual(status, 2)
            self.assertTrue(re.search('T03 .*a static program', err), err)

    def test_two_programs_at_once(self):
        with on_ashlar() as one, on_ashlar() as two:
            self.assertEqual(one.finish(), ('done\n', 0))
            self.assertEqual(two.finish(), ('done\n', 0))


if __name__ == '__main__':
    common.main()
