#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_command.py RING3: `ring3 bench` measures the bench guest and keeps its word about bad input, Ctrl-C,
engines that disagree, and results that became slower. Timings are not looked at."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SECONDS = 120
SHORT = ["--seconds", "0.001", "--workloads", "ring3/cpuid,ring0/port_out"]
FAILURES = []


def expect(name, good, what=""):
    print(f"{'ok' if good else 'FAILED'}: {name}")
    if not good:
        FAILURES.append(name)
        print(f"  {what}")


def bench(ring3, *options):
    return subprocess.run([ring3, "bench", *map(str, options)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=SECONDS, check=False)


def bad_lines(folder):
    """(options, what the line must have)."""
    version = folder / "version.json"
    version.write_text('{"format": "ring3-bench", "version": 99}')
    other = folder / "other.json"
    other.write_text('{"programs": []}')
    yield ["--engines", "abacus"], ["--engines abacus", "jit", "qemu-tcg"]
    yield ["--engines", "native", "--workloads", "ring3/cpuid"], ["--engines native", "program"]
    yield ["--workloads", "nothing"], ["--workloads nothing", "ring0", "cpuid"]
    yield ["--workloads", "program", "--binaries", folder], ["--workloads program", "--binaries FOLDER"]
    yield ["--workloads", "boot", "--guests", folder], ["--workloads boot", "tools/fetch-guest"]
    yield ["--workloads", "disk/ide", "--guests", folder], ["--workloads disk/ide", "tools/fetch-guest"]
    yield ["--json", folder / "no/such.json"], ["--json", "no/such.json", "another file"]
    yield ["--html", folder], ["--html", str(folder), "another file"]
    yield ["--compare", version], ["--compare", "version 99"]
    yield ["--compare", other], ["--compare", str(other)]
    yield ["--compare", folder / "none.json"], ["--compare", "none.json"]
    yield ["--load", version], ["--load", "version 99"]
    yield ["--rounds", "0"], ["--rounds 0"]
    yield ["--also", "new=/nowhere"], ["--also new=/nowhere"]
    yield ["--frobnicate"], ["--frobnicate", "--help"]


def check_bad_input(ring3, folder):
    for options, words in bad_lines(folder):
        done = bench(ring3, *options)
        one_line = done.stderr.count("\n") == 1 and not done.stdout
        expect(f"bench {' '.join(map(str, options))}: one line, status 1",
               done.returncode == 1 and one_line and all(w in done.stderr for w in words), done)
    done = subprocess.run([ring3, "bench", "--engines", "qemu-tcg"], capture_output=True, text=True, check=False,
                          env={"PATH": "/nowhere"}, timeout=SECONDS)
    expect("a peer that is not installed: its package is named",
           done.returncode == 1 and "qemu-system-x86" in done.stderr, done)
    kept = folder / "kept.json"
    kept.write_text("old")
    bench(ring3, "--json", kept, "--engines", "abacus")
    expect("a refused run leaves the old file alone", kept.read_text() == "old")
    bench(ring3, "--json", folder / "new.json", "--engines", "abacus")
    expect("and makes no new one", not (folder / "new.json").exists())


def check_measurement(ring3, folder):
    out = folder / "out.json"
    done = bench(ring3, *SHORT, "--engines", "jit,interp", "--rounds", "3", "--json", out, "--html",
                 folder / "out.html")
    expect("a short run: status 0", done.returncode == 0, done)
    result = json.loads(out.read_text())
    rows = {row["id"]: row for row in result["workloads"]}
    expect("both workloads, each engine, three rounds",
           sorted(rows) == ["ring0/port_out", "ring3/cpuid"] and
           all(len(c["runs"]) == 3 for row in rows.values() for c in row["engines"].values()), result)
    expect("their hashes agree", not result["disagreements"] and
           all(c["hash"] for row in rows.values() for c in row["engines"].values()), result)
    reasons = [e["reason"] for e in rows["ring3/cpuid"]["engines"]["jit"]["exits"] if e["a_unit"] > 0.9]
    expect("CPUID leaves once a unit, as VMX exit 10", 10 in reasons, rows["ring3/cpuid"])
    expect("the host is described", all(result["host"][k] for k in ("cpu", "kernel", "load", "virtualization")))
    expect("progress is shown", "[6/6]" in done.stderr, done.stderr)
    return out


def check_whole_runs(ring3, folder):
    out = folder / "whole.json"
    done = bench(ring3, "--workloads", "firmware/builtin", "--engines", "jit", "--rounds", "2", "--seconds", "60",
                 "--json", out)
    runs = json.loads(out.read_text())["workloads"][0]["engines"]["jit"]["runs"]
    expect("a boot is one unit, however short", done.returncode == 0 and [r["units"] for r in runs] == [1, 1], done)


def slower(path, to, times):
    result = json.loads(path.read_text())
    for row in result["workloads"]:
        for run in row["engines"]["jit"]["runs"]:
            run["ns"] = 100.0 * times
        for run in row["engines"]["interp"]["runs"]:
            run["ns"] = 300.0
    to.write_text(json.dumps(result))
    return to


def check_comparison(ring3, folder, out):
    old, now = slower(out, folder / "old.json", 1), slower(out, folder / "now.json", 1.5)
    done = bench(ring3, "--load", now, "--compare", old)
    expect("slower than the old result: status 2, and which",
           done.returncode == 2 and "ring3/cpuid jit: SLOWER 1.50 times" in done.stdout, done)
    done = bench(ring3, "--load", old, "--compare", now)
    expect("faster: status 0", done.returncode == 0 and "faster 0.67 times" in done.stdout, done)
    done = bench(ring3, "--load", old, "--compare", old)
    expect("the same: status 0", done.returncode == 0 and "SLOWER" not in done.stdout, done)


def check_disagreement(ring3, folder):
    liar = folder / "liar"
    liar.write_text(f'#!/bin/sh\n"{ring3}" "$@" | sed -u "s/hash=....$/hash=0000/;s/hash=..../hash=0000/"\n')
    liar.chmod(0o755)
    done = bench(ring3, *SHORT, "--engines", "jit", "--also", f"liar={liar}", "--rounds", "1", "--no-exits")
    expect("engines that leave different states: status 1, marked",
           done.returncode == 1 and "FAILED: ring3/cpuid: hashes differ" in done.stdout, done)


def check_interrupt(ring3, folder):
    out = folder / "partial.json"
    with subprocess.Popen([ring3, "bench", "--engines", "jit", "--workloads", "ring3", "--rounds", "100",
                           "--json", str(out)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if line.startswith("[3/"):
                process.send_signal(signal.SIGINT)
                break
        start = time.monotonic()
        text = process.stdout.read()
        process.stderr.read()
        process.wait(SECONDS)
    expect("Ctrl-C ends it soon, status 130", process.returncode == 130 and time.monotonic() - start < 30)
    result = json.loads(out.read_text())
    measured = sum(bool(row["engines"].get("jit", {}).get("runs")) for row in result["workloads"])
    expect("what was measured is kept, and said to be partial",
           result["interrupted"] and measured >= 3 and "interrupted" in text, result)
    left = [p for p in pathlib.Path("/dev/shm").glob("ring3-bench-*")
            if p.is_dir() and p.stat().st_mtime > time.time() - 1 and not any(p.iterdir())]
    expect("its files are gone", not left, left)


def check_full_disk(ring3, out):
    if not os.path.exists("/dev/full"):
        return
    done = bench(ring3, "--load", out, "--html", "/dev/full")
    expect("a full disk: one line, status 1", done.returncode == 1 and "--html /dev/full" in done.stderr, done)


def main():
    ring3 = shutil.which(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_bad_input(ring3, folder)
        out = check_measurement(ring3, folder)
        check_whole_runs(ring3, folder)
        check_comparison(ring3, folder, out)
        check_disagreement(ring3, folder)
        check_interrupt(ring3, folder)
        check_full_disk(ring3, out)
    sys.exit(1 if FAILURES else 0)


if __name__ == "__main__":
    main()
