"""test_record.py: `ashlar record` and `ashlar lab info`: what a program asked of its heap."""
import glob
import json
import os
import random
import resource
import signal
import subprocess
import sys

import common
from common import ASHLAR, LIBRARY, PROGRAMS, Case, environment

BUSY = 'x = [bytearray(i % 3000) for i in range(20000)]; del x\n'
ENDLESS = 'print("ready", flush=True)\nwhile True: x = [bytearray(i % 999) for i in range(999)]\n'
PYTHON = os.path.realpath(sys.executable)


class Record(Case):
    def record(self, *words, options=(), status=0, **more):
        """Runs the verb into a.ashtrace; its numbers."""
        got, out, err = self.ask('record', '-o', self.path('a.ashtrace'), *options, '--', *words,
                                 PYTHONMALLOC='malloc', **more)
        self.assertEqual(got, status, err)
        self.assertRegex(err, r'(?m)^recorded \d+ events of \d+ threads in .+ dropped.*\n'
                              r'next: ashlar lab .*\n\Z')
        return self.numbers('a.ashtrace')

    def numbers(self, name):
        return json.loads(self.must('lab', 'info', '--json', '-', self.path(name)))

    def test_a_program_is_recorded_and_told(self):
        found = self.record(PYTHON, '-c', BUSY)
        self.assertGreater(found['birth_count'], 20000)
        self.assertGreater(found['death_count'], 20000)
        self.assertGreater(found['peak_bytes'], 20000 * 1000)
        self.assertLess(found['event_bytes'], 5 * found['event_count'])
        self.assertEqual((found['dropped_count'], found['missed_count'], found['damaged_windows'],
                          found['ended']), (0, 0, 0, True))
        text = self.must('lab', 'info', self.path('a.ashtrace'))
        self.assertRegex(text, r'live peak \d+\.\d MiB in \d+ blocks')
        self.assertRegex(text, r'next: ashlar lab .*a\.ashtrace\n$')

    def test_output_and_status_are_the_programs(self):
        status, out, _ = self.ask('record', '-o', self.path('a.ashtrace'), '--', 'sh', '-c',
                                  'echo "$0"; exit 7', 'word')
        self.assertEqual((status, out), (7, 'word\n'))
        self.record('sh', '-c', 'kill -9 $$', status=128 + 9)

    def test_the_name_is_the_programs(self):
        subprocess.run([ASHLAR, 'record', 'ls', '-l', '/'], cwd=self.folder, check=True,
                       capture_output=True, env=environment())
        self.assertTrue(os.path.exists(self.path('ls.ashtrace')))

    def test_threads(self):
        found = self.record(PYTHON, '-c', 'import threading\n'
                            f'def f(): {BUSY}\n'
                            't = [threading.Thread(target=f) for _ in range(8)]\n'
                            '[x.start() for x in t]; [x.join() for x in t]')
        self.assertEqual(found['thread_count'], 9)
        self.assertEqual((found['missed_count'], found['damaged_windows']), (0, 0))
        self.assertGreater(found['birth_count'], 160000)

    def test_killed_at_any_moment_it_can_be_read(self):
        seed = random.randrange(10**6)
        moment = random.Random(seed)
        for _ in range(12):
            env = environment(LD_PRELOAD=os.path.realpath(LIBRARY), PYTHONMALLOC='malloc',
                              ASHLAR='trace=' + self.path('k.ashtrace'))
            process = subprocess.Popen([PYTHON, '-c', ENDLESS], stdout=subprocess.PIPE, env=env)
            process.stdout.readline()
            wanted = 65536 * moment.randrange(2, 40)
            while os.path.getsize(self.path('k.ashtrace')) < wanted:
                pass
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
            found = self.numbers('k.ashtrace')
            self.assertEqual((found['damaged_windows'], found['missed_count'], found['ended']),
                             (0, 0, False), f'seed {seed}')
            self.assertLessEqual(found['open_windows'], 1)  # none: between two windows
            self.assertGreater(found['event_count'], 10000)

    def test_a_fork_is_left_out_or_followed(self):
        fork = ('import os\npid = os.fork()\n' + BUSY +
                'if pid == 0: os._exit(0)\nos.waitpid(pid, 0)\n')
        found = self.record(PYTHON, '-c', fork)
        self.assertEqual(len(os.listdir(self.folder)), 1)
        self.assertEqual(found['missed_count'], 0)
        self.record(PYTHON, '-c', fork, options=['--follow-fork'])
        others = set(os.listdir(self.folder)) - {'a.ashtrace'}
        self.assertEqual(len(others), 1)
        child = self.numbers(others.pop())
        self.assertGreater(child['birth_count'], 20000)
        self.assertFalse(child['ended'])

    def test_programs_it_starts_do_not_write_over_it(self):
        found = self.record('sh', '-c', 'ls / >/dev/null; ls / >/dev/null; true')
        self.assertEqual(len(os.listdir(self.folder)), 1)
        self.record('sh', '-c', 'ls / >/dev/null; ls / >/dev/null; true',
                    options=['--follow-fork'])
        self.assertEqual(len(glob.glob(self.path('a.*.ashtrace'))), 2)
        self.assertEqual(self.numbers('a.ashtrace')['birth_count'], found['birth_count'])

    def test_a_file_that_two_write_is_the_last_ones_and_neither_dies(self):
        env = environment(LD_PRELOAD=os.path.realpath(LIBRARY), PYTHONMALLOC='malloc',
                          ASHLAR='trace=' + self.path('t.ashtrace'))
        done = subprocess.run(['timeout', '20', PYTHON, '-c', BUSY], env=env, check=False)
        self.assertEqual(done.returncode, 0)
        found = self.numbers('t.ashtrace')
        self.assertGreater(found['birth_count'], 20000)
        self.assertEqual((found['damaged_windows'], found['missed_count']), (0, 0))

    def test_a_program_that_becomes_another_is_the_other(self):
        found = self.record('sh', '-c', f'exec {PYTHON} -c "{BUSY.strip()}"')
        self.assertGreater(found['birth_count'], 20000)

    def test_where_there_is_no_room_events_are_dropped(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000))
        done = subprocess.run([ASHLAR, 'record', '-o', self.path('a.ashtrace'), '--', PYTHON, '-c',
                               BUSY * 5 + 'print("done")'], preexec_fn=limit, capture_output=True,
                              text=True, env=environment(PYTHONMALLOC='malloc'), check=False)
        self.assertEqual((done.returncode, done.stdout), (0, 'done\n'))
        self.assertRegex(done.stderr, r'recorded \d+ events .*, [1-9]\d+ dropped\n')
        found = self.numbers('a.ashtrace')
        self.assertGreater(found['dropped_count'], 1000)
        self.assertTrue(found['ended'])

    def test_a_path_that_cannot_be_written_is_said_at_once(self):
        err = self.must_fail('T05', 'record', '-o', '/no/such/folder/a', '--', 'echo', 'ran')
        self.assertIn('No such file or directory', err)
        err = self.must_fail('T05', 'record', '-o', self.folder, '--', 'echo', 'ran')
        self.assertIn('not a plain file', err)
        env = environment(LD_PRELOAD=os.path.realpath(LIBRARY), ASHLAR='trace=/no/such/folder/a')
        done = subprocess.run(['echo', 'ran'], capture_output=True, text=True, env=env, check=True)
        self.assertEqual(done.stdout, 'ran\n')
        self.assertRegex(done.stderr, r'^ashlar: E08 cannot write the trace to /no/such/folder/a ')

    def test_stacks_are_told_as_sites(self):
        for stacks, least in (('all', 100), ('sampled', 5)):
            found = self.record(PYTHON, '-c', BUSY, options=[f'--stacks={stacks}'])
            self.assertGreater(found['site_count'], least)
            self.assertEqual((found['damaged_windows'], found['missed_count']), (0, 0))
        text = self.must('lab', 'info', self.path('a.ashtrace'))
        self.assertRegex(text, r'SITE\n(.*\n)*.*(python|PyByteArray)')
        self.assertEqual(self.record('ls', '/')['site_count'], 1)
        self.assertEqual(self.ask('record', '--stacks=some', 'ls')[0], 1)

    def test_sites_have_names(self):
        found = self.record(os.path.join(PROGRAMS, 'e2e_sites'), options=['--stacks=all'])
        self.assertGreaterEqual(found['site_count'], 2)
        text = self.must('lab', 'info', self.path('a.ashtrace'))
        self.assertRegex(text, r'(?m)^976\.5 KiB +1000 +0 B first_site \(sites\.c:6\) < main '
                               r'\(sites\.c:\d+\)')
        self.assertRegex(text, r'(?m)^ *9\.7 KiB +1000 +9\.7 KiB second_site \(sites\.c:\d+\)')

    def test_a_compact_trace_tells_the_same(self):
        before = self.record(PYTHON, '-c', BUSY)
        size = os.path.getsize(self.path('a.ashtrace'))
        out = self.must('lab', 'compact', '-o', self.path('b.ashtrace'), self.path('a.ashtrace'))
        self.assertRegex(out, r'b\.ashtrace: \d+ events in .* bytes each\n\nnext: ashlar lab info ')
        after = self.numbers('b.ashtrace')
        for numbers in (before, after):
            del numbers['event_bytes']
        self.assertEqual(before, after)
        self.assertLess(os.path.getsize(self.path('b.ashtrace')), size / 2)
        self.must('lab', 'compact', self.path('b.ashtrace'))
        self.assertEqual({**before}, {k: v for k, v in self.numbers('b.ashtrace').items()
                                      if k != 'event_bytes'})
        self.must_fail('T05', 'lab', 'compact', '-o', '/no/such/file', self.path('b.ashtrace'))

    def test_a_missing_program(self):
        self.must_fail('T06', 'record', '-o', self.path('a'), '--', 'no-such-program')

    def test_no_command_is_wrong_usage(self):
        status, _, err = self.ask('record')
        self.assertEqual(status, 1)
        self.assertIn('which program?', err)

    def test_what_is_no_trace_is_said(self):
        with open(self.path('text'), 'w', encoding='ascii') as file:
            file.write('no trace at all, but a text of some length\n' * 3)
        err = self.must_fail('T11', 'lab', 'info', self.path('text'))
        self.assertIn('does not begin with ASHTRACE', err)
        self.must_fail('T11', 'lab', 'info', self.path('none'))

    def test_every_cut_of_a_file_is_read(self):
        self.record('ls', '/')
        with open(self.path('a.ashtrace'), 'rb') as file:
            whole = file.read()
        for n in (63, 64, 100, 4095, 4096, 4140, 4500, 6000):
            with open(self.path('cut'), 'wb') as file:
                file.write(whole[:n])
            status, _, err = self.ask('lab', 'info', self.path('cut'))
            self.assertEqual(status, 2 if n < 64 else 0, err)


if __name__ == '__main__':
    common.main()
