"""test_lab.py: `ashlar lab`: table, verdict, options, and what it says when it cannot."""
import gzip
import json
import os
import random
import re
import signal
import subprocess
import time

import common
from common import ASHLAR, LIBRARY, SOURCES, Case, environment

SMALL = '9\n3\n6\n1\na 0 100\na 1 5000\na 2 40\nf 1\nf 0\nf 2\n'


def varint(x):
    out = bytearray()
    while x > 127:
        out.append(x & 127 | 128)
        x >>= 7
    out.append(x)
    return bytes(out)


def bench(calls):
    """A malloc-bench file: calls are (kind, {field: number})."""
    lines = []
    for kind, fields in calls:
        inner = b''.join(varint(n << 3) + varint(x) for n, x in fields.items())
        line = varint(kind << 3 | 2) + varint(len(inner)) + inner
        lines.append(b'\x0a' + varint(len(line)) + line)
    return gzip.compress(b''.join(lines))


def churn(n, seed=1):
    """n births of mixed sizes that mostly die, with reallocs: about 3 MiB live."""
    rng = random.Random(seed)
    calls, live = [], []
    for i in range(n):
        if len(live) > 3000 and rng.random() < 0.5:
            calls.append((2, {1: live.pop(rng.randrange(len(live)))}))
        if live and rng.random() < 0.05:
            block = rng.choice(live)
            calls.append((3, {1: block, 2: block, 3: rng.randrange(8000)}))
        kind = rng.choice((1, 1, 1, 4))
        size = rng.choice((24, 40, 100, 300, rng.randrange(5000)))
        calls.append((kind, {1: i, 2: size} if kind == 1 else {1: i, 2: 1, 3: size}))
        live.append(i)
        if len(live) > 4000:
            calls.append((2, {1: live.pop(rng.randrange(len(live)))}))
    return calls


with open(os.path.join(SOURCES, 'docs/guide/pow2.c'), encoding='utf-8') as pow2_file:
    POW2 = pow2_file.read()
# Broken on purpose: what is replaced, by what, and what is said of it.
FLAWS = {
    'each': ('    visit(arg, (uintptr_t)pow2->top,', '    if (0) visit(arg, (uintptr_t)pow2->top,',
             r'entry \d+: each \(LC7\) leaves out: \d+ bytes'),
    'cut': ('pow2->top += need;', 'pow2->top += need - (size == 256 ? 64 : 0);',
            r'entry 13: each \(LC7\) names twice: 64 bytes at'),
    'overlap': ('pow2->free[log2] = *(struct head **)(head + 1);', ';',
                r'entry 82: block 42 \(10 bytes at (0x\w+)\) overlaps block 41 \(10 bytes at \1'),
    'align': ('return head + 1;', 'return (char *)(head + 1) + (size == 130 ? 8 : 0);',
              r'entry 13: block 13 \(130 bytes\) is at 0x\w+8, which is no multiple of 16'),
    'lost': ('*list = head;', '*list = head; ((char *)block)[head->size + 16] ^= 1;',
             r'entry \d+: block \d+ \(\d+ bytes at 0x\w+\) lost its content at byte 0'),
    'usable': ('return ((struct head *)block - 1)->size;', 'return 16;',
               r'entry 2: block 2 has 16 usable bytes of 20 asked for'),
    'crash': ('head->is_live = 1;', 'head->is_live = 1; if (size == 50) *(volatile int *)8 = 0;',
              r'entry 5: crashed \(SIGSEGV\) in malloc, 50 bytes'),
    'refusal': ('head->is_live = 1;', 'head->is_live = 1; if (size == 50) return 0;',
                r'entry 5: each \(LC7\) shows 5 live blocks'),
}


class Lab(Case):
    def write(self, name, content):
        path = self.path(name)
        with open(path, 'wb') as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def small(self):
        return self.write('small.rep', SMALL)

    def replay(self, *words, **more):
        """The parsed JSON of a replay."""
        status, out, err = self.ask('lab', '--json', '-', *words, **more)
        self.assertEqual(status, 0, err)
        return json.loads(out)

    def test_the_table_and_the_verdict(self):
        trace = self.write('churn.trace.gz', bench(churn(12000)))
        out = self.must('lab', '--with', 'first_fit,best_fit,buddy,tlsf,ashlar', '--runs', '1',
                        trace)
        self.assertRegex(out, r'^\S+churn.trace.gz: malloc-bench, \d+ entries, 12\d\d\d births, ')
        self.assertRegex(out, r'(?m)^CONTENDER +PEAK +PEAK/LIVE +AVERAGE +ROUNDING +HEADERS ')
        for name in ('first_fit \\*', 'best_fit', 'buddy', 'tlsf', 'ashlar'):
            self.assertRegex(out, rf'(?m)^{name} +\d+\.\d MiB +\d\.\d\d ')
        self.assertRegex(out, r'(?m)^(Stay with|Your program|No contender|\w+ would hold)')
        self.assertRegex(out, r'\nnext: ashlar .+\n$')

    def test_the_worked_example_in_json(self):
        said = self.replay('--with', 'first_fit', self.small())
        self.assertEqual(said['format'], 'ashlar-lab 1')
        samples = said['contenders'][0]['samples']
        fourth = {k: v[3] for k, v in samples.items()}
        self.assertEqual([fourth[k] for k in ('entry', 'asked', 'rounding', 'headers', 'holes',
                                              'kept')], [4, 140, 4, 16, 8024, 0])
        for i in range(len(samples['entry'])):  # LA1
            self.assertEqual(samples['resident'][i], sum(samples[k][i] for k in (
                'asked', 'rounding', 'headers', 'holes', 'kept', 'meta')))
        self.assertEqual(said['verdict']['rule'], 'LV2')

    def test_the_same_trace_gives_the_same_bytes(self):
        trace = self.write('churn.trace.gz', bench(churn(3000)))
        words = ('lab', '--json', '-', '--with', 'first_fit,tlsf,buddy', trace)
        self.assertEqual(self.ask(*words)[1], self.ask(*words)[1])

    def test_without_the_index_everything_lies_at_the_same_place(self):
        trace = self.write('churn.trace.gz', bench(churn(2000)))
        names = 'first_fit,best_fit:split=64,next_fit,worst_fit'
        said = [self.replay('--with', names, *words, trace) for words in ((), ('--plain',))]
        for a, b in zip(said[0]['contenders'], said[1]['contenders']):
            self.assertEqual(a['samples']['holes'], b['samples']['holes'], a['name'])
            self.assertEqual(a['samples']['mapped'], b['samples']['mapped'], a['name'])

    def test_every_option(self):
        trace = self.small()
        for words in (['--verify'], ['--thp'], ['--seed', '7'], ['--touch=calloc-lazy'],
                      ['--touch=all'], ['--limit', '1G'], ['--base', 'tlsf'], ['--hang', '5000'],
                      ['--pace', '2'], ['--runs', '2']):
            out = self.must('lab', '--with', 'first_fit,tlsf', *words, trace)
            self.assertIn('tlsf', out)
        self.assertIn('tlsf *', self.must('lab', '--with', 'first_fit,tlsf', '-b', 'tlsf', trace))

    def test_a_limit_refuses(self):
        trace = self.write('big.rep', '9\n2\n3\n1\na 0 100\na 1 9000000\nf 0\n')
        out = self.must('lab', '--with', 'first_fit', '--limit', '1M', trace)
        self.assertIn('Out: first_fit (1 refused).', out)

    def test_libraries_take_part_with_all_their_threads(self):
        trace = self.write('churn.trace.gz', bench(churn(3000)))
        said = self.replay('--with', f'ashlar,{LIBRARY},tlsf', trace)
        ours, same, tlsf = said['contenders']
        self.assertEqual([c['is_foreign'] for c in (ours, same, tlsf)], [True, True, False])
        self.assertEqual(ours['runs'], 3)
        for row in (ours, same):
            self.assertGreaterEqual(row['figures']['peak'], row['figures']['live_peak'])
        self.assertEqual(ours['samples']['live'][-1], tlsf['samples']['live'][-1])

    def test_what_cannot_be_replayed(self):
        for name, content, why in (
                ('empty', '', 'it is empty'),
                ('text', 'hello\n', 'it is no trace that is known here'),
                ('cut.gz', bench(churn(500))[:900], 'the gzip data ends too early'),
                ('bad.rep', '1\n2\na 0 1\nz\n', "line 4 is no operation of a .rep file: 'z'"),
                ('none.rep', '1\n1\nf -1\n', 'it holds no allocation')):
            said = self.must_fail('T10', 'lab', '--with', 'tlsf', self.write(name, content))
            self.assertIn(why, said)
        self.assertIn('No such file', self.must_fail('T10', 'lab', self.path('missing')))

    def test_a_strategy_of_ones_own(self):
        trace = self.write('churn.trace.gz', bench(churn(3000)))
        own = self.write('pow2.c', POW2)
        self.assertIn('pow2.c *', self.must('lab', '--verify', '--with', own + ',tlsf', trace))
        self.assertIn('pow2.c *', self.must('lab', '--limit', '100M', '--with', own, trace))
        self.assertEqual([n for n in os.listdir(self.folder) if n.startswith('ashlar-lab-')], [])

    def test_flaws_are_told_at_their_entry(self):
        births = ''.join(f'a {i} {i * 10 + 10}\n' for i in range(40))
        deaths = ''.join(f'f {i}\n' for i in range(40))
        trace = self.write('up.rep', f'9\n42\n82\n1\n{births}{deaths}a 40 10\na 41 10\n')
        self.must('lab', '--verify', '--with', self.write('pow2.c', POW2), trace)
        for name, (old, new, said) in FLAWS.items():
            with self.subTest(flaw=name):
                self.assertEqual(POW2.count(old), 1)
                own = self.write('pow2.c', POW2.replace(old, new))
                status, out, _ = self.ask('lab', '--with', own + ',first_fit', trace)
                self.assertEqual(status, 0)
                self.assertRegex(out, rf'(?m)^pow2.c: at {said}')
                self.assertRegex(out, r'(?m)^first_fit +\d')

    def test_a_strategy_that_cannot_be_loaded(self):
        for name, text, said in (
                ('bad.c', 'int x = ;\n', 'bad.c does not compile'),
                ('none.c', 'int x;\n', 'no constant struct ash_lab_strategy ash_lab_none'),
                ('hole.c', '#include <ashlar/lab.h>\n'
                 'const struct ash_lab_strategy ash_lab_hole = {.name = "hole"};\n',
                 'ash_lab_hole lacks open, alloc')):
            status, out, err = self.ask('lab', '--with', self.write(name, text), self.small(),
                                        TMPDIR=self.folder)
            self.assertEqual(status, 2)
            self.assertIn(said, out + err)
        self.assertEqual([n for n in os.listdir(self.folder) if n.startswith('ashlar-lab-')], [])

    def test_the_page_holds_everything_and_asks_for_nothing(self):
        path = self.path('lab.html')
        status, _, err = self.ask('lab', '--html', path, '--with', 'first_fit,tlsf', self.small())
        if 'this build has no page' in err:
            self.skipTest('built without esbuild')
        self.assertEqual((status, err), (0, ''))
        with open(path, encoding='utf-8') as file:
            page = file.read()
        self.assertNotRegex(page, r'(?i)\b(src|href|action)\s*=')
        self.assertNotRegex(page, r'(?i)@import|url\((?!#)|\bfetch\(|XMLHttpRequest|import\(')
        self.assertEqual(set(re.findall(r'https?://[^\s"\'`)]+', page)),
                         {'http://www.w3.org/2000/svg'})
        self.assertIn("default-src 'none'", page)
        said = json.loads(re.search(r'id="results">(.*?)</script>', page).group(1))
        for contender in said['contenders']:
            self.assertEqual(len(contender['steps']), 6)
            self.assertEqual(len(contender['lives']), 3)
            self.assertGreaterEqual(len(contender['picture']['entries']), 6)
            self.assertEqual(contender['steps'][1]['size'], 5000)
            self.assertTrue(contender['steps'][0]['why'])
            runs = contender['steps'][3]['runs']
            self.assertEqual(sum(runs[2::3][i] == 0 for i in range(len(runs) // 3)), 2)

    def test_wrong_usage(self):
        trace = self.small()
        for words in ([], [trace, trace], ['--touch=some', trace], ['--limit', '1X', trace],
                      ['--pace', '0', trace], ['--runs', '0', trace]):
            status, out, err = self.ask('lab', *words)
            self.assertEqual((status, out), (1, ''), words)
        for words, why in ((['frist_fit'], "there is no strategy 'frist_fit'; there are first_fit"),
                           (['tlsf,,tlsf'], 'the name of a contender is empty'),
                           (['tlsf:x'], "'x' is no key=value"),
                           (['./no.so'], 'there is no file ./no.so')):
            err = self.must_fail('T09', 'lab', '--with', *words, trace, status=1)
            self.assertIn(why, err)
        self.assertIn('no contender', self.must_fail('T09', 'lab', '--with', 'tlsf', '--base', 'x',
                                                     trace, status=1))

    def test_an_adversary(self):
        out = self.must('lab', '--adversary', 'robson:live=256K:block=4K', '--with',
                        'first_fit,buddy,ashlar', '--runs', '1')
        self.assertRegex(out, r'Robson: .* to do with less than .* = 1020\.1 KiB \(3\.98 M\)')
        for name in ('first_fit', 'buddy', 'ashlar'):
            driven = float(re.search(rf'(?m)^{name} was driven to (\d\.\d\d) M', out).group(1))
            self.assertGreater(driven, 3.9)
        self.assertEqual(self.ask('lab', '--adversary', 'robin')[0], 1)

    def test_an_interrupt_keeps_what_there_is(self):
        trace = self.write('churn.trace.gz', bench(churn(60000)))
        process = subprocess.Popen(
            [ASHLAR, 'lab', '--verify', '--json', self.path('out.json'), '--with',
             'first_fit,tlsf', trace], stdout=subprocess.PIPE, text=True, env=environment())
        self.wait_for_children(process.pid, 2)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=common.SECONDS)
        self.assertIn('stopped', out)
        self.assertEqual(process.returncode, 2)
        with open(self.path('out.json'), encoding='utf-8') as file:
            said = json.load(file)
        self.assertEqual(said['contenders'][0]['fault']['words'], 'stopped')

    def wait_for_children(self, pid, n):
        end = time.monotonic() + common.SECONDS
        path = f'/proc/{pid}/task/{pid}/children'
        while True:
            with open(path, encoding='ascii') as file:
                if len(file.read().split()) >= n:
                    return
            self.assertLess(time.monotonic(), end)


if __name__ == '__main__':
    common.main()
