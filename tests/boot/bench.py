#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench.py RING3 ENGINE [ENGINE...]: the bench guest under each engine: every workload runs, and the
state that it leaves is the same. kvm is left out, with the reason, where it is not to be had."""
import re
import subprocess
import sys

TIMEOUT = 240
SKIP = 77
LINE = re.compile(r"bench: name=(\w+) ring=([03]) units=(\d+) cycles=(\d+) ns=(\d+) "
                  r"hash=([0-9A-F]{16})\r?")


def run(ring3, engine):
    return subprocess.run([ring3, "-accel", engine, "-vga", "none", "-image", "builtin:bench"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=TIMEOUT, check=False, text=True, errors="replace")


def hashes(output):
    """{(name, ring): hash} of the lines."""
    return {(m[1], m[2]): m[6] for m in map(LINE.fullmatch, output.splitlines()) if m}


def problems(engine, result, reference):
    if result.returncode != 0 or "bench: done" not in result.stdout:
        yield f"{engine}: status {result.returncode}, it did not come to its end"
    found = hashes(result.stdout)
    for workload in sorted(reference.keys() | found.keys()):
        if found.get(workload) != reference.get(workload):
            yield (f"{engine}: {workload[0]} in ring {workload[1]}: hash {found.get(workload)}, "
                   f"not {reference.get(workload)}")


def main():
    ring3, *engines = sys.argv[1:]
    reference, failed, skipped = {}, 0, False
    for engine in engines:
        result = run(ring3, engine)
        print(result.stdout)
        if engine == "kvm" and result.returncode == 1 and "-accel kvm" in result.stderr:
            print(f"skipped: {result.stderr.strip()}")
            skipped = True
            continue
        reference = reference or hashes(result.stdout)
        if not reference:
            failed += 1
        for problem in problems(engine, result, reference):
            print(f"FAILED: {problem}")
            failed += 1
    if failed:
        return 1
    return SKIP if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
