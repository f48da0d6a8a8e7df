#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots a guest twice with -icount and compares the state hashes of both runs line by line."""
import argparse
import pathlib
import sys
import tempfile

import guest as guests


def hashes(options, name, folder):
    path = pathlib.Path(folder) / name
    emulator = [options.ring3, "-icount", "shift=1", "-rtc", "base=2026-01-31T12:00:00",
                "-state-hash", f"{path},every={options.every}"]
    status, console, errors = guests.run(emulator, options.guest, options.memory, options.timeout)
    for problem in guests.problems(options.guest, status, console):
        sys.exit(f"run {name}: {problem}\n{console[-2000:]}\n{errors[-2000:]}")
    return path.read_text(encoding="ascii").splitlines()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("guest")
    arguments.add_argument("--ring3", required=True)
    arguments.add_argument("--memory", default="128M")
    arguments.add_argument("--every", type=int, default=20_000_000, help="instructions")
    arguments.add_argument("--timeout", type=float, default=540)
    options = arguments.parse_args()
    if not (guests.files(options.guest) / "made-from").exists():
        print(f"skipped: the guest '{options.guest}' is not there")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        first, second = hashes(options, "1", folder), hashes(options, "2", folder)
    for number, (a, b) in enumerate(zip(first, second)):
        if a != b:
            print(f"hash {number} differs: {a} and {b}")
            return 1
    print(f"{len(first)} state hashes, {options.every} instructions apart, agree")
    return 0 if first and len(first) == len(second) else 1


if __name__ == "__main__":
    sys.exit(main())
