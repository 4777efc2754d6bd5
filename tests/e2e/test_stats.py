"""test_stats.py: `ashlar stats`: a living program's numbers, and why there are none."""
import json
import os
import re
import shutil
import signal
import subprocess
import unittest

import common
from common import ASHLAR, LIBRARY, PROGRAMS, PYTHON, Case, Living, environment, on_ashlar

MAGIC = b'\177ASHLAR-ANCHOR\n\0'
LAYOUT_OFFSET = len(MAGIC) + 8


class Numbers(Case):
    def read(self, pid):
        return json.loads(self.must('stats', '--json', '-', str(pid)))

    def test_text_of_a_python(self):
        with on_ashlar() as living:
            self.must_be_golden('stats', self.must('stats', str(living.pid)))
            self.assertEqual(living.finish(), ('done\n', 0))

    def test_json_of_a_python(self):
        with on_ashlar() as living:
            report = self.read(living.pid)
        self.assertEqual((report['schema'], report['pid'], report['command']),
                         (1, living.pid, 'python3'))
        stats = report['stats']
        self.assertGreater(stats['malloc_count'], 1000)
        self.assertEqual(stats['malloc_count'] - stats['free_count'], stats['live_blocks'])
        self.assertLessEqual(stats['live_bytes'], stats['committed_bytes'])
        self.assertLessEqual(stats['committed_bytes'], stats['mapped_bytes'])
        self.assertEqual(stats['thread_count'], 1)

    def test_names_are_those_of_the_report_at_exit(self):
        with on_ashlar(ASHLAR='stats=' + self.path('exit.json')) as living:
            names = list(self.read(living.pid)['stats'])
        with open(self.path('exit.json'), encoding='utf-8') as file:
            self.assertEqual(list(json.load(file)['stats']), names)

    def test_kill_leaves_no_half_report(self):      # F27
        path = self.path('killed.json')
        with on_ashlar(ASHLAR='stats=' + path) as living:
            living.process.kill()
            self.assertEqual(living.finish(), ('', -signal.SIGKILL))
        self.assertFalse(os.path.exists(path), 'written before the end')
        for _ in range(20):     # at its end, the moment the file is there: empty or whole
            with on_ashlar(ASHLAR='stats=' + path) as living:
                living.process.stdin.close()
                living.process.stdin = None
                while not os.path.exists(path) and living.process.poll() is None:
                    pass
                living.process.kill()
                living.finish()
            with open(path, encoding='utf-8') as file:
                text = file.read()
            if text:
                self.assertEqual(json.loads(text)['pid'], living.pid)
            os.remove(path)

    def test_prometheus(self):
        with on_ashlar() as living:
            names = list(self.read(living.pid)['stats'])
            out = self.must('stats', '--prom', '-', str(living.pid))
        for name in names:
            self.assertRegex(out, rf'# HELP ashlar_{name} .+\n# TYPE ashlar_{name} '
                                  rf'(gauge|counter)\nashlar_{name}{{pid="{living.pid}"}} \d+\n')
        self.assertEqual(len(out.splitlines()), 3 * len(names))

    def test_large_and_huge_objects_are_seen(self):
        program = ('import sys; a = bytearray(1 << 20); b = bytearray(700 << 20); '
                   'print("ready", flush=True); sys.stdin.read()')
        with on_ashlar(['python3', '-c', program]) as living:
            stats = self.read(living.pid)['stats']
        self.assertGreaterEqual(stats['large_bytes'], 1 << 20)
        self.assertEqual(stats['huge_count'], 1)
        self.assertGreaterEqual(stats['huge_bytes'], 700 << 20)

    def test_threads_are_counted(self):
        program = ('import sys, threading\n'
                   'go = threading.Barrier(4)\n'
                   'def work():\n'
                   '    kept = [bytearray(2000) for i in range(200)]; go.wait(); go.wait()\n'
                   'for i in range(3): threading.Thread(target=work).start()\n'
                   'go.wait(); print("ready", flush=True); sys.stdin.read(); go.wait()')
        with on_ashlar(['python3', '-c', program]) as living:
            self.assertEqual(self.read(living.pid)['stats']['thread_count'], 4)

    def test_a_stopped_process_is_read(self):
        with on_ashlar() as living:
            os.kill(living.pid, signal.SIGSTOP)
            os.waitpid(living.pid, os.WUNTRACED)
            self.read(living.pid)
            os.kill(living.pid, signal.SIGCONT)
            self.assertEqual(living.finish(), ('done\n', 0))

    def test_options_in_sparse_windows(self):
        with on_ashlar(ASHLAR='region=sparse') as living:
            stats = self.read(living.pid)['stats']
        self.assertGreater(stats['malloc_count'], 1000)
        self.assertEqual(stats['malloc_count'] - stats['free_count'], stats['live_blocks'])

    def test_a_sleep(self):
        process = subprocess.Popen([ASHLAR, 'run', '--', 'sleep', '60'], env=environment())
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.until(lambda status, out, err: status == 0 and f'pid {process.pid}, sleep' in out,
                   'stats', str(process.pid))

    def test_into_files(self):
        with on_ashlar() as living:
            self.assertEqual(self.must('stats', '--json', self.path('f'), str(living.pid)), '')
            with open(self.path('f'), encoding='utf-8') as file:
                self.assertEqual(json.load(file)['pid'], living.pid)
            for bad in ('/dev/full', self.path('none/f')):
                self.must_fail('T05', 'stats', '--json', bad, str(living.pid))


class Finding(Case):
    def named(self, name):
        """A living script of this name, on Ashlar."""
        with open(self.path(name), 'w', encoding='ascii') as file:
            file.write(PYTHON[2])
        return on_ashlar(['python3', self.path(name)])

    def test_by_the_name_of_a_script(self):
        with self.named('only-one.py') as living:
            out = self.must('stats', 'only-one.py')
            self.assertIn(f'pid {living.pid},', out)

    def test_by_the_name_of_a_script_behind_options(self):
        path = self.path('with-options.py')
        with open(path, 'w', encoding='ascii') as file:
            file.write(PYTHON[2])
        with on_ashlar(['python3', '-u', '-B', path]) as living:
            self.assertIn(f'pid {living.pid},', self.must('stats', 'with-options.py'))

    def test_several_of_a_name_are_listed(self):
        with self.named('more.py') as one, self.named('more.py') as two:
            status, out, err = self.ask('stats', 'more.py')
        self.assertEqual((status, out), (2, ''))
        self.assertRegex(err, 'T01 several processes have this name: more.py')
        for living in (one, two):
            self.assertRegex(err, rf'(?m)^  {living.pid}  python3$')

    def test_nobody_of_that_name(self):
        for name in ('no-such-program', '0', '-', '99999999999', ''):
            self.must_fail('T01', 'stats', '--', name)

    def test_a_process_that_has_ended(self):
        process = subprocess.Popen(['true'])
        self.assertEqual(process.wait(), 0)
        self.must_fail('T01', 'stats', str(process.pid))

    def test_wrong_usage(self):
        for words in (('stats',), ('stats', '1', '2'), ('stats', '--wrong', '1'),
                      ('stats', '--json')):
            status, out, err = self.ask(*words)
            self.assertEqual((status, out), (1, ''), words)
            self.assertIn('ashlar stats', err)


class NotOnAshlar(Case):
    def why(self, words):
        with Living(words) as living:
            return self.must_fail('T03', 'stats', str(living.pid))

    def test_a_plain_program(self):
        self.assertIn('Start it with `ashlar run -- CMD`', self.why(PYTHON))

    def test_a_static_program(self):
        self.assertIn('a static program', self.why([PROGRAMS + '/e2e_static_program']))

    def test_a_program_with_its_own_malloc(self):
        self.assertIn('its own malloc', self.why([PROGRAMS + '/e2e_own_malloc']))


class Files(Case):
    """The library has no file, or its file changes under a living program."""

    def test_a_static_program_with_the_library_linked_in(self):
        with Living([PROGRAMS + '/e2e_static_ashlar']) as living:
            self.assertIn('e2e_static_ashl', self.must('stats', str(living.pid)))

    def test_a_deleted_library_is_read_from_memory(self):
        shutil.copy(LIBRARY, self.path('gone.so'))
        with on_ashlar(ASHLAR_LIBRARY=self.path('gone.so')) as living:
            os.remove(self.path('gone.so'))
            self.must('stats', str(living.pid))

    def test_a_replaced_library_is_read_from_memory(self):
        shutil.copy(LIBRARY, self.path('old.so'))
        with on_ashlar(ASHLAR_LIBRARY=self.path('old.so')) as living:
            with open(self.path('new.so'), 'w', encoding='ascii') as file:
                file.write('no library at all')
            os.replace(self.path('new.so'), self.path('old.so'))
            self.must('stats', str(living.pid))

    def test_another_layout_is_said_with_its_version(self):
        with open(LIBRARY, 'rb') as file:
            library = bytearray(file.read())
        at = [found.start() for found in re.finditer(re.escape(MAGIC), library)
              if library[found.start() + LAYOUT_OFFSET] == 1]
        self.assertEqual(len(at), 1)
        library[at[0] + LAYOUT_OFFSET] = 77
        library[at[0] + LAYOUT_OFFSET + 8:at[0] + LAYOUT_OFFSET + 14] = b'9.8.7\0'
        with open(self.path('other.so'), 'wb') as file:
            file.write(library)
        with on_ashlar(ASHLAR_LIBRARY=self.path('other.so')) as living:
            err = self.must_fail('T04', 'stats', str(living.pid))
            self.assertIn('library 9.8.7, layout 77', err)
            self.assertIn('another layout', self.must('ps'))

    @unittest.skipUnless(common.IS_ROOT, 'needs root for a mount namespace')
    def test_a_container_that_hides_the_library_is_read_from_memory(self):
        shutil.copy(LIBRARY, self.path('lib.so'))
        program = ('import ctypes, sys\n'
                   'libc = ctypes.CDLL(None)\n'
                   'ok = libc.unshare(0x20000) == 0 and \\\n'
                   '    libc.mount(b"none", b"/", None, 0x44000, None) == 0 and \\\n'
                   f'    libc.mount(b"none", {self.folder.encode()!r}, b"tmpfs", 0, None) == 0\n'
                   'print("ready", flush=True); print(ok, flush=True); sys.stdin.read()')
        with on_ashlar(['python3', '-c', program], ASHLAR_LIBRARY=self.path('lib.so')) as living:
            if living.process.stdout.readline() != 'True\n':
                self.skipTest('no mount namespace here')
            self.assertFalse(os.path.exists(f'/proc/{living.pid}/root{self.folder}/lib.so'))
            self.must('stats', str(living.pid))


@unittest.skipUnless(common.IS_ROOT, 'needs root to become another user')
class OtherUser(Case):
    def test_permission_is_denied_with_advice(self):
        shutil.copy(ASHLAR, self.path('ashlar'))
        with on_ashlar() as living:
            err = self.must_fail('T02', 'stats', str(living.pid), command=self.path('ashlar'),
                                 user=common.NOBODY)
            self.assertIn('ptrace_scope', err)


if __name__ == '__main__':
    common.main(reads=True)
