#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Flips bits of a log and asks verify_log.py whether it notices.

One bit in every byte of the checkpoint, and in 40 bytes spread over each other file; which ones, by a
fixed rule.

usage: flip_log.py VKEY_FILE LOG_DIRECTORY
"""
import os
import shutil
import sys
import tempfile

import verify_log

SPREAD = 40


def holds(key, directory):
    try:
        verify_log.Log(directory, key).verify()
    except verify_log.Wrong:
        return False
    return True


def flip_each(path, notices):
    """(flips, how many were missed)."""
    with open(path, "rb") as f:
        data = bytearray(f.read())
    flips = missed = 0
    step = 1 if path.endswith("/checkpoint") else max(1, len(data) // SPREAD)
    for at in range(0, len(data), step):
        data[at] ^= 1 << at % 8
        with open(path, "wb") as f:
            f.write(data)
        flips += 1
        if not notices():
            missed += 1
            print("%s: byte %d changed, and nobody noticed" % (path, at))
        data[at] ^= 1 << at % 8
    with open(path, "wb") as f:
        f.write(data)
    return flips, missed


def main(arguments):
    with open(arguments[0], encoding="utf-8") as f:
        key = verify_log.Key(f.read().rstrip("\n"))
    with tempfile.TemporaryDirectory() as work:
        copy = os.path.join(work, "log")
        shutil.copytree(arguments[1], copy)
        if not holds(key, copy):
            print("the log does not hold as it is")
            return 1
        flips = missed = 0
        for directory, _, files in sorted(os.walk(copy)):
            for file in sorted(files):
                n, m = flip_each(os.path.join(directory, file), lambda: not holds(key, copy))
                flips, missed = flips + n, missed + m
        if not holds(key, copy):
            print("the log does not hold when everything is put back")
            return 1
    print("%d of %d changed bits were noticed" % (flips - missed, flips))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
