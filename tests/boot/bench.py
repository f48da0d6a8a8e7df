#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench.py RING3 ENGINE [ENGINE...]: the bench guest under each engine: every workload runs, and the
state that it leaves is the same. kvm is left out, with the reason, where it is not to be had; where it
emulates ring 0 code (KVM-PVM) the guest may end early, but what it did is compared."""
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


def ended(result):
    return result.returncode == 0 and "bench: done" in result.stdout


def problems(engine, result, reference, emulated):
    if not ended(result) and not emulated:
        yield f"{engine}: status {result.returncode}, it did not come to its end"
    found = hashes(result.stdout)
    if not found:
        yield f"{engine}: it told nothing"
    for workload in sorted(found.keys() if emulated else reference.keys() | found.keys()):
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
        emulated = "(KVM-PVM)" in result.stderr
        for problem in problems(engine, result, reference, emulated):
            print(f"FAILED: {problem}")
            failed += 1
        if emulated and not ended(result):
            print(f"skipped: {engine}: its end and what is missing above: {result.stderr.strip()}")
            skipped = True
    if failed:
        return 1
    return SKIP if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
