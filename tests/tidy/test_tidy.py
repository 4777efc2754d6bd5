#!/usr/bin/env python3
"""test_tidy.py: every rule of tools/tidy.py finds its mistake, and leaves good code alone."""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TIDY = os.path.join(HERE, '..', '..', 'tools', 'tidy.py')

README = '''# rooms
```layers
src    base
src    os wire
src    space
tools  cli
```
```open
base   *
```
```taken-by-tools
base wire
```
## base
## os
## wire
## space
'''
ERRORS = '/* errors.h: codes. Threads: constant. */\nX(E01, "double free")\n'
HEADER = '/* {0}: one noun.\n *\n * S4  A bit is set when free.\n *\n * Threads   Any.\n */\n'
UNIT = '/* {0}: a test. */\n'


def function(body, signature='int ash_thing_do(void)'):
    return signature + '\n{\n' + body + '}\n'


# file, text below its head, rule that must speak. The file gets a right head and a unit twin.
MISTAKES = [
    ('src/space/thing.c', '#include "heap/heap.h"\n', 'include'),
    ('src/space/thing.c', '#include "os/lock.h"\n', 'layer'),
    ('src/os/thing.c', '#include "space/space.h"\n', 'layer'),
    ('src/os/thing.c', '#include "wire/wire.h"\n', 'layer'),
    ('src/space/thing.c', '#include "base/other.c"\n', 'include'),
    ('src/attic/thing.c', '', 'layer'),
    ('tools/cli/thing.c', '#include "space/space.h"\n', 'layer'),
    ('src/space/thing.c', function('    x();\n' * 70), 'function-length'),
    ('src/space/thing.c', function('', 'int ash_f(int a, int b, int c, int d, int e, int f)'),
     'parameters'),
    ('src/space/thing.c', function('    if (a)\n        for (;;)\n            while (b) {\n'
                                   '                if (c)\n                    d();\n'
                                   '            }\n'), 'nesting'),
    ('src/space/thing.c', 'int x;\n' * 600, 'file-length'),
    ('src/space/thing.c', '/* ' + 'x' * 100 + ' */\n', 'line-length'),
    ('src/space/thing.c', 'int x; \n', 'whitespace'),
    ('src/space/thing.c', function('', 'int do_thing(void)'), 'name'),
    ('src/space/thing.c', function('', 'static int ash_thing(void)'), 'name'),
    ('src/space/thing.c', 'typedef struct thing {\n    int x;\n} thing;\n', 'typedef'),
    ('src/space/thing.c', 'typedef int thing_t;\n', 'typedef'),
    ('src/space/thing.c', 'static int tmp;\n', 'empty-name'),
    ('src/space/thing.c', 'static int arena_count;\n', 'vocabulary'),
    ('src/space/thing.c', '#define TWICE(x) ((x) + (x))\n', 'macro'),
    ('src/space/thing.c', function('#if A\n    x();\n#endif\n'), 'preprocessor'),
    ('src/space/thing.c', function('    ASH_CHECK(n++ < 3);\n'), 'assert'),
    ('src/space/thing.c', function('    atomic_load_explicit(&x, memory_order_acquire);\n'),
     'order'),
    ('src/space/thing.c', '/* S9: the bit moves once. */\n', 'citation'),
    ('src/space/thing.c', 'static const char *s = "ashlar: it went wrong";\n', 'message'),
    ('src/space/thing.c', 'static const char *s = "ashlar: E77 it went wrong";\n', 'message'),
    ('src/space/thing.c', '/* TODO: finish */\n', 'marker'),
    ('src/space/thing.c', '/* tidy: parameters: not so. */\n', 'deviation'),
    ('src/space/thing.c', '/* tidy: vocabulary: */\n', 'deviation'),
    ('tests/stress/thing.c', function('    usleep(10);\n'), 'sleep'),
    ('tests/unit/space/test_ghost.c', '', 'twin'),
    ('docs/page.md', 'See [there](missing.md).\n', 'link'),
    ('docs/promises.md', '| F1 | it works | by magic | by trust |\n', 'promise'),
    ('docs/promises.md', '| F1 | it works | by magic | `stress.ghost` |\n', 'promise'),
]

GOOD = [
    ('src/space/thing.c', '#include "space/space.h"\n#include "base/base.h"\n#include "os/os.h"\n'),
    ('src/space/thing.c', function('    /* S4: it is ours. */\n    if (a)\n        b();\n')),
    ('src/space/thing.c', function('    /* acquire; pairs with the release in give (S4) */\n'
                                   '    atomic_load_explicit(&x, memory_order_acquire);\n')),
    ('src/space/thing.c', 'static const char *s = "ashlar: E01 double free";\n'),
    ('src/space/thing.c', '/* tidy: vocabulary: glibc names the member. */\nstatic int arena;\n'),
    ('src/space/thing.c', '/* tidy: function-length: one case per option. */\n'
     + function('    x();\n' * 70)),
    ('src/os/thing.c', function('#if A\n    x();\n#endif\n')),
    ('src/space/thing.c', function('    x();\n' * 67)),
    ('src/space/thing.c', function('    int a[2][2] = {{1, 2}, {3, 4}};\n    do {\n        if (a)\n'
                                   '            b();\n    } while (c);\n')),
    ('src/space/thing.c', 'static const char *url = "https://a.example/TODO_LIST_OF_arguments";\n'),
    ('tests/stress/thing.c', '/* tidy: sleep: polls with a deadline. */\n'
     + function('    usleep(10);\n')),
    ('docs/page.md', 'See [here](page.md#top), [there](https://a.example/x) and `[no](link)`.\n'),
]


def findings_of(path, text):
    """The rules that speak when this file stands in an otherwise clean tree."""
    base = os.path.basename(path)
    files = {'src/README.md': README, 'src/base/errors.h': ERRORS}
    for header in ('base/base.h', 'os/os.h', 'os/lock.h', 'wire/wire.h', 'space/space.h'):
        files['src/' + header] = HEADER.format(os.path.basename(header))
    files[path] = text if path.endswith('.md') else UNIT.format(base) + text
    if path.startswith('src/') and path.endswith('.c'):
        room = path.split('/')[1]
        files[f'tests/unit/{room}/test_{base}'] = UNIT.format('test_' + base)
    with tempfile.TemporaryDirectory() as root:
        for name, content in files.items():
            os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
            with open(os.path.join(root, name), 'w', encoding='utf-8') as file:
                file.write(content)
        done = subprocess.run([sys.executable, TIDY, '--root', root], capture_output=True,
                              text=True, check=False)
    rules = {line.split(': ')[1] for line in done.stdout.splitlines()[:-1]}
    return rules, done.returncode, done.stdout + done.stderr


class EveryRule(unittest.TestCase):
    def test_finds_its_mistake_and_fails(self):
        for path, text, rule in MISTAKES:
            with self.subTest(rule=rule, path=path, text=text[:60]):
                rules, status, output = findings_of(path, text)
                self.assertEqual(rules, {rule}, output)
                self.assertEqual(status, 1)

    def test_leaves_good_code_alone(self):
        for path, text in GOOD:
            with self.subTest(path=path, text=text[:60]):
                rules, status, output = findings_of(path, text)
                self.assertEqual((rules, status), (set(), 0), output)

    def test_asks_a_header_for_its_threads(self):
        rules, _, output = findings_of('src/space/thing.h', 'int x;\n')
        self.assertEqual(rules, {'head'}, output)

    def test_asks_for_a_unit_twin(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, 'src/base'))
            os.makedirs(os.path.join(root, 'tools/lab/strat'))
            for name, text in (('src/README.md', README), ('src/base/x.c', UNIT.format('x.c')),
                               ('tools/lab/strat/y.c', UNIT.format('y.c'))):
                with open(os.path.join(root, name), 'w', encoding='utf-8') as file:
                    file.write(text)
            done = subprocess.run([sys.executable, TIDY, '--root', root], capture_output=True,
                                  text=True, check=False)
        self.assertIn('src/base/x.c:1: twin: tests/unit/base/test_x.c is missing', done.stdout)
        self.assertIn('y.c:1: twin: tests/unit/lab/strat/test_y.c is missing', done.stdout)

    def test_knows_the_tests_of_a_promise(self):
        row = '| F1 | it works | by magic | `unit.base.x`, `conform_x` (its `case_{}`) |\n'
        for case, lines in (('one', 1), ('two', 2)):
            with tempfile.TemporaryDirectory() as root:
                for name, text in (('src/README.md', README), ('src/base/x.c', UNIT.format('x.c')),
                                   ('tests/unit/base/test_x.c', UNIT.format('test_x.c')),
                                   ('tests/conform/x.c', UNIT.format('x.c') + 'int case_one;\n'),
                                   ('docs/promises.md', row.format(case))):
                    os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
                    with open(os.path.join(root, name), 'w', encoding='utf-8') as file:
                        file.write(text)
                done = subprocess.run([sys.executable, TIDY, '--root', root], capture_output=True,
                                      text=True, check=False)
            promises = [line for line in done.stdout.splitlines() if ' promise: ' in line]
            self.assertEqual(len(promises), lines - 1, done.stdout)


if __name__ == '__main__':
    unittest.main()
