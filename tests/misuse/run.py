#!/usr/bin/env python3
"""run.py: runs the misuse programs on the library and compares with what they are to say.

    run.py PROGRAMS LIBRARY FILE.expect...

An .expect file is a transcript: `$` begins a command, `=>` says how it ends, the lines between are
its output, standard error and standard output in their order:

    $ ASHLAR=misuse=report of_stack free
    ashlar: E03 free of a pointer no heap gave out: <addr> (the stack of ...) | ashlar help E03
    went on
    => exit 0

<addr> stands for a hexadecimal address, <n> for a number; the same placeholder with a digit
(<addr1>) stands for the same text each time in a command's output. Lines with # are comments.
"""
import os
import re
import signal
import subprocess
import sys

SECONDS = 60
PATTERNS = {'addr': '0x[0-9a-f]+', 'n': '[0-9]+'}


def read_transcript(path):
    """The commands of a file: (line number, words, expected lines, expected end)."""
    commands, lines = [], []
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip('\n')
            if line.startswith('$ '):
                command, lines = (number, line[2:].split()), []
            elif line.startswith('=> '):
                commands.append(command + (lines, line[3:]))
            elif line and not line.startswith('#'):
                lines.append(line)
    return commands


def pattern_of(lines):
    """A regular expression for the expected lines with their placeholders."""
    named, text = set(), ''
    for part in re.split(r'(<(?:addr|n)\d*>)', ''.join(line + '\n' for line in lines)):
        found = re.fullmatch(r'<((addr|n)\d*)>', part)
        if not found:
            text += re.escape(part)
        elif found.group(1) in PATTERNS:
            text += PATTERNS[found.group(1)]
        elif found.group(1) in named:
            text += f'(?P={found.group(1)})'
        else:
            named.add(found.group(1))
            text += f'(?P<{found.group(1)}>{PATTERNS[found.group(2)]})'
    return text


def run(programs, library, words):
    """Output and end of a command, which gets the library and the variables before its name."""
    environment = {k: v for k, v in os.environ.items() if k != 'ASHLAR'}
    environment['LD_PRELOAD'] = library
    while '=' in words[0]:
        name, value = words[0].split('=', 1)
        environment[name] = value
        words = words[1:]
    command = [os.path.join(programs, 'misuse_' + words[0])] + words[1:]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=SECONDS,
                          stderr=subprocess.STDOUT, check=False)
    end = f'exit {done.returncode}' if done.returncode >= 0 else \
        signal.Signals(-done.returncode).name
    return done.stdout.decode('utf-8', 'replace'), end


def main():
    programs, library, paths = sys.argv[1], sys.argv[2], sys.argv[3:]
    n_passed = n_failed = 0
    for path in paths:
        for number, words, lines, end in read_transcript(path):
            name = f'{os.path.basename(path)}:{number}: {" ".join(words)}'
            try:
                output, ended = run(programs, library, words)
            except subprocess.TimeoutExpired:
                output, ended = '', f'after {SECONDS} s it was still running'
            if ended == end and re.fullmatch(pattern_of(lines), output):
                n_passed += 1
                print(f'ok {name}')
                continue
            n_failed += 1
            print(f'not ok {name}')
            for line in lines + ['=> ' + end]:
                print('  expected ', line)
            for line in output.splitlines() + ['=> ' + ended]:
                print('  got      ', line)
    print(f'{n_passed} passed, {n_failed} failed')
    return 1 if n_failed or not n_passed else 0


if __name__ == '__main__':
    sys.exit(main())
