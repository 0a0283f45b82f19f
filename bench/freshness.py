#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long it takes until a leaf stands under a signed checkpoint.

    freshness.py watch LOG_DIRECTORY OUT     until it is ended: "<Unix ms> <size>" of each checkpoint
    freshness.py report REMIT LOG_DIRECTORY OUT

The report takes each leaf's own time, which is when it became a fact and so before it was durable, and
the first checkpoint seen that covers it. A watcher looks every 2 ms.
"""
import json
import subprocess
import sys
import time


def watch(directory, out):
    last = -1
    with open(out, "w") as f:
        while True:
            try:
                with open(directory + "/checkpoint") as c:
                    size = int(c.read().split("\n")[1])
            except (OSError, IndexError, ValueError):
                size = -1
            if size > last:
                last = size
                f.write("%d %d\n" % (time.time() * 1000, size))
                f.flush()
            time.sleep(0.002)


def report(remit, directory, out):
    with open(out) as f:
        seen = [tuple(map(int, line.split())) for line in f]
    # Those before the first that was seen were not watched.
    first = seen[0][1]
    lines = subprocess.run([remit, "log", "tail", "--log", directory, "--since", str(first)],
                           check=True, capture_output=True, text=True).stdout.splitlines()
    delays, at = [], 0
    for line in lines:
        leaf = json.loads(line)
        while at < len(seen) and seen[at][1] <= leaf["leaf"]:
            at += 1
        if at < len(seen):
            delays.append(seen[at][0] - leaf["record"]["t"])
    delays.sort()
    n = len(delays)
    print("p50 %d ms  p99 %d ms  max %d ms of %d leaves" %
          (delays[n // 2], delays[n * 99 // 100], delays[-1], n))


if __name__ == "__main__":
    {"watch": watch, "report": report}[sys.argv[1]](*sys.argv[2:])
