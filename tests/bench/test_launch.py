"""test_launch.py: what the launcher says of programs whose cost is known."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCES = sys.argv[1:3]
LAUNCH = os.path.join(BUILD, 'bench/launch')
PYTHON = [sys.executable, '-I', '-S', '-c']
MIB = 1024      # in KiB
BALLAST = b'x' * (30 << 20)     # a launcher that took its peak from its parent would show this


class Launcher(unittest.TestCase):
    def launch(self, *words, options=(), **more):
        """(status of the launcher, what it wrote, output of the program)."""
        with tempfile.TemporaryDirectory(prefix='ashlar-bench-') as folder:
            out = os.path.join(folder, 'out.json')
            done = subprocess.run([LAUNCH, out, *options, '--', *words], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, check=False, timeout=50, **more)
            with open(out, encoding='ascii') as file:
                return done.returncode, json.load(file), done.stdout

    def test_it_is_static_and_under_a_megabyte(self):
        self.assertLess(os.path.getsize(LAUNCH), 1 << 20)
        with open(LAUNCH, 'rb') as file:
            self.assertNotIn(b'/ld-linux', file.read())

    def test_a_small_program_has_a_small_peak(self):
        _, cost, _ = self.launch('/bin/true')
        self.assertTrue(cost['traced'], 'ptrace is forbidden here')
        self.assertLess(cost['peak_kib'], 4 * MIB)
        self.assertLess(cost['cpu_s'], 0.2)
        self.assertLessEqual(cost['exit_rss_kib'], cost['peak_kib'])
        self.assertEqual((cost['status'], cost['signal'], cost['timeout'], cost['processes']),
                         (0, 0, False, 1))

    def test_fifty_touched_mib_are_the_peak_and_gone_after_it(self):
        _, plain, _ = self.launch(*PYTHON, 'pass')
        _, cost, _ = self.launch(*PYTHON, "x = b'x' * (50 << 20); del x")
        self.assertAlmostEqual(cost['peak_kib'] - plain['peak_kib'], 50 * MIB, delta=2 * MIB)
        self.assertLess(cost['exit_rss_kib'], plain['peak_kib'] + 2 * MIB)

    def test_the_peak_of_a_child_counts_as_its_time_does(self):
        inner = "x = b'x' * (50 << 20)\nimport time\nwhile time.process_time() < 0.2: pass"
        outer = f'import subprocess, sys; subprocess.run([sys.executable, "-ISc", {inner!r}])'
        _, cost, _ = self.launch(*PYTHON, outer)
        self.assertGreater(cost['peak_kib'], 50 * MIB)
        self.assertLess(cost['exit_rss_kib'], 40 * MIB)
        self.assertGreater(cost['cpu_s'], 0.2)
        self.assertEqual(cost['processes'], 2)

    def test_spinning_is_user_time(self):
        _, cost, _ = self.launch(*PYTHON,
                                 'import time\nwhile time.process_time() < 0.3: pass')
        self.assertGreaterEqual(cost['cpu_s'], 0.29)
        self.assertLess(cost['cpu_s'], 0.8)
        self.assertGreaterEqual(cost['wall_s'], cost['cpu_s'] * 0.9)

    def test_status_and_signal_are_told(self):
        status, cost, _ = self.launch('sh', '-c', 'exit 7')
        self.assertEqual((status, cost['status'], cost['signal']), (7, 7, 0))
        status, cost, _ = self.launch('sh', '-c', 'kill -9 $$')
        self.assertEqual((status, cost['status'], cost['signal']), (137, -1, 9))
        self.assertEqual(self.launch('/does/not/exist')[0], 127)

    def test_an_endless_program_is_ended_with_its_children(self):
        spin = 'setsid sh -c "while :; do :; done" & while :; do :; done'
        status, cost, _ = self.launch('sh', '-c', spin, options=['--timeout', '1'])
        self.assertEqual((status, cost['timeout']), (124, True))

    def test_orphans_are_ended_and_counted(self):
        spin = f'{sys.executable} -ISc "import os\nos.setsid()\nwhile True: pass" & exit 0'
        status, cost, _ = self.launch('sh', '-c', spin)
        self.assertEqual((status, cost['processes']), (0, 2))

    def test_only_the_program_is_preloaded(self):
        library = os.path.join(BUILD, 'bench/libempty.so')
        said = 'import os; print(os.environ.get("LD_PRELOAD"), os.environ.get("A"))\n' \
               'print("libempty" in open("/proc/self/maps").read())'
        _, _, out = self.launch(*PYTHON, said, options=['--preload', library, '--env', 'A=b'])
        self.assertEqual(out, f'{library} b\nTrue\n')
        _, _, out = self.launch(*PYTHON, said, env=dict(os.environ, LD_PRELOAD=library))
        self.assertEqual(out, 'None None\nFalse\n')

    def test_system_calls_of_all_threads_are_counted(self):
        body = 'import os, threading\ndef work():\n for i in range(1000): os.getppid()\n' \
               't = threading.Thread(target=work); t.start(); t.join()'
        _, plain, _ = self.launch(*PYTHON, 'import os, threading', options=['--syscalls'])
        _, cost, _ = self.launch(*PYTHON, body, options=['--syscalls'])
        self.assertGreaterEqual(cost['syscalls'] - plain['syscalls'], 1000)
        self.assertLess(cost['syscalls'] - plain['syscalls'], 1200)


unittest.main(argv=[sys.argv[0]])
