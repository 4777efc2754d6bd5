#!/usr/bin/env python3
"""start.py: means over many starts of the smallest program.

    start.py N          a driver: runs /bin/true N times by the words in BENCH_LAUNCH

How many pages of a file one fault maps depends on the random place of the file in memory: one start
says 100 KiB more than the next. The mean of a hundred stands still.
"""
import json
import os
import shlex
import statistics
import subprocess
import sys

MEASURES = ('peak_kib', 'exit_rss_kib', 'minflt')


def start():
    subprocess.run(shlex.split(os.environ['BENCH_LAUNCH']) + ['measured.json', '--', '/bin/true'],
                   check=True)
    with open('measured.json', encoding='ascii') as file:
        return json.load(file)


costs = [start() for _ in range(int(sys.argv[1]))]
print(json.dumps({m: statistics.fmean(cost[m] for cost in costs) for m in MEASURES}))
