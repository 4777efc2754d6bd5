#!/usr/bin/env python3
"""qemu.py: instructions of the fast paths on an emulated machine.

    qemu.py CALLS LIBRARY EMULATOR...

The emulator logs every instruction that it executes, one to a block; what lies between the entry of
malloc or free and the first instruction outside the library is one call.
"""
import collections
import re
import subprocess
import sys
import tempfile

GOLDEN = {'malloc': 14, 'free': 22}     # at most
SIZES = (1, 24, 512, 1024)


def count(command, path, size):
    """The count that most calls had, from the log of one run."""
    with tempfile.NamedTemporaryFile() as log:
        done = subprocess.run(command + [path, str(size)], capture_output=True, text=True,
                              env={'QEMU_SINGLESTEP': '1', 'QEMU_LOG': 'exec,nochain',
                                   'QEMU_LOG_FILENAME': log.name}, check=True)
        entry, low, high = (int(word, 16) for word in done.stdout.split())
        calls, running = [], 0
        for line in log:
            found = re.search(rb'\[[0-9a-f]+/([0-9a-f]+)/', line)
            if not found:
                continue
            pc = int(found.group(1), 16)
            if running and not low <= pc < high:
                calls.append(running)
                running = 0
            elif running or pc == entry:
                running += 1
    return collections.Counter(calls).most_common(1)[0]


def main():
    program, library, *emulator = sys.argv[1:]
    command = emulator + ['-E', f'LD_PRELOAD={library}', program]
    wrong = False
    for path, golden in GOLDEN.items():
        for size in SIZES:
            found, times = count(command, path, size)
            print(f'{path}({size}): {found} instructions in {times} calls, at most {golden}')
            wrong = wrong or found > golden
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
