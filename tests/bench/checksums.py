#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""checksums.py BENCH-GUEST: runs two units of each program here and compares with checksums.txt.
`--print` gives the lines of that file. The class real needs a busybox and is left to ring3 bench."""
import pathlib
import re
import subprocess
import sys
import tempfile

GOLDEN = pathlib.Path(__file__).parent / "checksums.txt"


def output(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, **more).stdout


def checksums(binary):
    """Lines "program checksum"."""
    with tempfile.TemporaryDirectory() as work:
        for line in output(binary, "--list").splitlines():
            group, name, _ = line.split()
            if group != "real":
                said = output(binary, name, "2", env={"BENCH_DIRECTORY": work})
                result = re.match(r"bench: result ([0-9a-f]{16}) ", said)
                yield f"{name} {result[1] if result else said.strip()}"


def main():
    got = list(checksums(sys.argv[1]))
    if "--print" in sys.argv:
        print("\n".join(got))
        return 0
    want = [line for line in GOLDEN.read_text().splitlines() if not line.startswith("#")]
    # A processor without AVX2 or FMA cannot say anything about them.
    wrong = [line for line in set(got) ^ set(want)
             if not any(f"{line.split()[0]} bench: unsupported" == g for g in got)]
    for line in sorted(wrong):
        print(f"{'expected' if line in want else 'got     '} {line}")
    print(f"{len(got)} programs, {'checksums differ' if wrong else 'all checksums as everywhere'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
