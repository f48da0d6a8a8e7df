#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bad_input.py RUN: bench/run answers a bad option in one line, with status 1."""
import subprocess
import sys

LINES = [["--programs", "nothing"], ["--classes", "integer,speed"], ["--rounds", "0"],
         ["--engines", "jit,abacus"], ["--compare", "/nowhere.json"], ["--json", "/nowhere/out.json"],
         ["--guest", "nowhere"], ["--also", "new"], ["--seconds", "x"]]


def main():
    bad = 0
    for options in LINES:
        done = subprocess.run([sys.argv[1], *options], capture_output=True, text=True, check=False,
                              timeout=30)
        if done.returncode != 1 or done.stderr.count("\n") != 1 or done.stdout:
            bad += 1
            print(f"{' '.join(options)}: status {done.returncode}, says:\n{done.stdout}{done.stderr}")
    print(f"{len(LINES)} bad options, {bad} badly answered")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
