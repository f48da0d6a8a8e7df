#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots a guest to its self-test and checks what it prints and that it powers off with status 0.
`--emulator "qemu-system-x86_64 -accel tcg"` tries the same guest elsewhere."""
import argparse
import pathlib
import shlex
import sys

import guest as guests

TAIL = 40


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("guest")
    arguments.add_argument("memory")
    arguments.add_argument("--emulator", required=True, type=shlex.split)
    arguments.add_argument("--log", help="where to keep the console")
    arguments.add_argument("--timeout", type=float, default=540)
    options = arguments.parse_args()

    if not (guests.files(options.guest) / "made-from").exists():
        print(f"skipped: the guest '{options.guest}' is not there")
        return 77
    status, console, errors = guests.run(options.emulator, options.guest, options.memory,
                                         options.timeout)
    if options.log:
        pathlib.Path(options.log).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(options.log).write_text(console, encoding="utf-8")
    found = guests.problems(options.guest, status, console)
    for problem in found:
        print(f"{options.guest} -m {options.memory}: {problem}")
    if found:
        print(f"--- the last {TAIL} lines of the console")
        print("\n".join(console.splitlines()[-TAIL:]))
        print(f"--- standard error\n{errors[-4000:]}")
    else:
        print("\n".join(x for x in console.splitlines() if x.startswith("ring3-test:")))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
