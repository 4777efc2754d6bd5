#!/usr/bin/env python3
"""input.py: writes the input of a row into the current folder, the same on every machine.

    input.py text LINES          text: words, common ones more often
    input.py image SIDE          picture.ppm: gradients with noise
    input.py c FUNCTIONS         work.i: C functions, alike and not equal; cc1: a link to gcc's
    input.py queens N            work.smt2: N queens over integers, then factors of a prime
    input.py repository FILES    repository: FILES text files in git, 80 commits
    input.py redis ROUNDS        load: commands of redis' protocol
    input.py memcached ROUNDS    load: commands of memcached's protocol
    input.py postgres            base: a database cluster
"""
import itertools
import os
import random
import shutil
import subprocess
import sys

import serve

chance = random.Random(20240229)
SYLLABLES = [consonant + vowel for consonant in 'bdgklmnprst' for vowel in 'aeiou']
VOCABULARY = [''.join(chance.choices(SYLLABLES, k=chance.randint(1, 4))) for _ in range(6000)]
WEIGHTS = list(itertools.accumulate(1 / (rank + 1) for rank in range(len(VOCABULARY))))


def words(count):
    return ' '.join(chance.choices(VOCABULARY, cum_weights=WEIGHTS, k=count))


def write(path, content):
    with open(path, 'wb') as file:
        file.write(content.encode() if isinstance(content, str) else content)


def text(lines):
    write('text', ''.join(words(chance.randint(1, 14)) + '\n' for _ in range(lines)))


def image(side):
    noise = chance.randbytes(side * side * 3)
    pixels = bytearray()
    for y in range(side):
        for x in range(side):
            n = noise[3 * (y * side + x)] >> 4
            pixels += bytes(((x * 240 // side + n) & 255, (y * 240 // side + n) & 255,
                             (x * y >> 4) & 255))
    write('picture.ppm', b'P6 %d %d 255\n' % (side, side) + pixels)


FUNCTION = '''
struct record_{n} {{ long key, count_{n}; char name[{size}]; struct record_{n} *next; }};
static struct record_{n} *find_{n}(struct record_{n} *list, long key)
{{
    for (; list; list = list->next)
        if (list->key == key * {n} && list->name[{half}])
            return list;
    return 0;
}}
long step_{n}(long x, char *text, struct record_{n} *list)
{{
    struct record_{n} *found = find_{n}(list, x);
    for (int i = 0; i < {loops}; i++) {{
        x = x * {factor} + (x >> 3) + i;
        text[(unsigned long)x % 64] ^= (char)(x + {n});
        switch (x % {cases}) {{
{labels}        default: x ^= found ? found->count_{n} : {n};
        }}
        if (found && x % {size} == 0)
            x += step_{before}(x / 2, text, 0) * {n};
    }}
    return x;
}}
'''


def c(functions):
    parts = ['long step_0(long x, char *text, void *list) { return x + text[0] + (list != 0); }\n']
    for n in range(1, functions + 1):
        cases = n % 9 + 3
        labels = ''.join(f'        case {i}: x += text[{i * n % 64}] * {i + n}; break;\n'
                         for i in range(cases - 1))
        parts.append(FUNCTION.format(n=n, size=n % 40 + 9, half=n % 9, loops=n % 13 + 2,
                                     cases=cases, factor=n * 7 + 3, labels=labels, before=n - 1))
    write('work.i', ''.join(parts))
    if not os.path.lexists('cc1'):
        asked = subprocess.run(['gcc', '-print-prog-name=cc1'], capture_output=True, check=True)
        os.symlink(asked.stdout.decode().strip(), 'cc1')


def queens(n):
    out = ['(set-option :smt.random_seed 1)']
    for i in range(n):
        out.append(f'(declare-const q{i} Int) (assert (and (<= 0 q{i}) (< q{i} {n})))')
    for i in range(n):
        out += [f'(assert (and (distinct q{i} q{j}) (distinct (- q{i} q{j}) {i - j}) '
                f'(distinct (- q{j} q{i}) {i - j})))' for j in range(i)]
    out += ['(check-sat)', '(reset)', '(declare-const x (_ BitVec 26))',
            '(declare-const y (_ BitVec 26))', '(assert (= (bvmul x y) (_ bv1000003 26)))',
            '(assert (bvugt x (_ bv16 26)))', '(assert (bvugt y x))',
            '(assert (bvult y (_ bv8192 26)))', '(check-sat)', '']
    write('work.smt2', '\n'.join(out))


def repository(files):
    texts = [[words(8) for _ in range(5 + n % 60)] for n in range(files)]
    stream = []
    for commit in range(80):
        said = f'commit {commit}'
        stream.append('commit refs/heads/main\ncommitter bench <bench@example.org> '
                      f'{1700000000 + commit} +0000\ndata {len(said)}\n{said}\n')
        for n, lines in enumerate(texts):
            if commit and (n + commit) % 7:
                continue
            lines[chance.randrange(len(lines))] = words(9)
            content = '\n'.join(lines) + '\n'
            stream.append(f'M 100644 inline d{n % 23:02}/e{n % 7}/f{n:05}.txt\n'
                          f'data {len(content)}\n{content}\n')
    subprocess.run(['git', 'init', '-q', '--bare', 'repository'], check=True)
    subprocess.run(['git', '--git-dir=repository', 'fast-import', '--quiet'], check=True,
                   input=''.join(stream).encode())


def redis_command(*parts):
    encoded = [str(part).encode() for part in parts]
    return b'*%d\r\n' % len(encoded) + b''.join(b'$%d\r\n%s\r\n' % (len(p), p) for p in encoded)


def redis(rounds):
    out = []
    for n in range(rounds):
        out += [redis_command('SET', f'key:{n}', 'x' * chance.randrange(1, 600)),
                redis_command('HSET', f'hash:{n % 500}', f'field{n}', n),
                redis_command('RPUSH', f'list:{n % 300}', 'y' * (n % 90)),
                redis_command('ZADD', 'board', n * 7 % 1000, f'm{n % 5000}'),
                redis_command('GET', f'key:{chance.randrange(n + 1)}'),
                redis_command('LRANGE', f'list:{n % 300}', -10, -1)]
        if n % 4:
            out.append(redis_command('DEL', f'key:{n // 2}'))
        if n % 5 == 0:
            out.append(redis_command('APPEND', f'key:{n}', 'z' * 500))
    write('load', b''.join(out) + redis_command('ECHO', 'the end'))


def memcached(rounds):
    out = []
    for n in range(rounds):
        value = b'v' * chance.randrange(1, 2500)
        out += [b'set k%d 0 0 %d noreply\r\n%s\r\n' % (n, len(value), value),
                b'get k%d k%d k%d\r\n' % (n, n // 2, chance.randrange(n + 1))]
        if n % 3 == 0:
            out.append(b'append k%d 0 0 3 noreply\r\nend\r\n' % n)
        if n % 5 == 0:
            out.append(b'delete k%d noreply\r\n' % (n // 2))
    out.append(b'set end 0 0 7 noreply\r\nthe end\r\nget end\r\n')
    write('load', b''.join(out))


def postgres():
    with serve.open_folder() as top:
        os.chmod(top, 0o711)
        os.mkdir(f'{top}/base', 0o700)
        serve.give(f'{top}/base')
        subprocess.run([*serve.unprivileged(), f'{serve.POSTGRES}/initdb', '-D', f'{top}/base',
                        '-A', 'trust', '-U', 'bench', '--no-sync', '--no-instructions'],
                       check=True, stdout=subprocess.DEVNULL)
        shutil.copytree(f'{top}/base', 'base')


KINDS = {f.__name__: f for f in (text, image, c, queens, repository, redis, memcached, postgres)}

if __name__ == '__main__':
    if len(sys.argv) < 2 or sys.argv[1] not in KINDS:
        sys.exit(__doc__)
    KINDS[sys.argv[1]](*map(int, sys.argv[2:]))
