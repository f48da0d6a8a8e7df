# SPDX-License-Identifier: MIT
"""Runs a Linux guest under an emulator with QEMU's options, and reads what its self-test says."""
import pathlib
import re
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
INIT_MARKER = "ring3-test: init reached"
CHECKS = "mounts pipeline sort md5 gzip fork background awk fp32 sleep".split()
CHECKS_64 = CHECKS + ["fp64"]
OOPS = re.compile(r"WARNING:|BUG:|Oops|Call Trace|general protection|Kernel panic|"
                  r"unable to handle|stack segment|double fault|invalid opcode|soft lockup|"
                  r"rcu: INFO|Clocksource .* skewed|Marking clocksource .* unstable", re.IGNORECASE)

# What the kernel says when the host does not give the emulator its time; a busy machine provokes it
# under any emulator. tools/compare-logs shows these lines without counting them.
HOST_LOAD = re.compile(r"^hrtimer: interrupt took # ns$")


def files(guest, guests=TOP / "build/guests"):
    return pathlib.Path(guests) / guest


def command(emulator, guest, memory, initrd="initrd-test.gz"):
    """`emulator`: the program with options of its own, a list."""
    where = files(guest)
    return [*emulator, "-nographic", "-no-reboot", "-m", memory,
            "-kernel", str(where / "vmlinuz"), "-initrd", str(where / initrd),
            "-append", "console=ttyS0"]


def run(emulator, guest, memory, timeout):
    """(exit status or None after the timeout, the console as text, standard error)."""
    try:
        done = subprocess.run(command(emulator, guest, memory), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=timeout, check=False)
        return done.returncode, text(done.stdout), text(done.stderr)
    except subprocess.TimeoutExpired as late:
        return None, text(late.stdout), text(late.stderr)


def text(raw):
    return (raw or b"").decode("utf-8", "replace").replace("\r", "")


def problems(guest, status, console):
    """What is wrong with a run, as lines; none if all is well."""
    found = []
    if status != 0:
        found.append("timeout" if status is None else f"exit status {status}, expected 0")
    for check in CHECKS if guest.startswith("686") else CHECKS_64:
        if f"ring3-test: {check} ok" not in console:
            found.append(f"check '{check}' did not pass")
    if "ring3-test: done, 0 failures" not in console:
        found.append("the self-test did not end well")
    return found


def complaints(console):
    """Kernel lines at level warning or worse, and oopses on the console, without what differs from
    run to run (times, addresses, numbers)."""
    lines = set()
    for line in console.splitlines():
        logged = re.match(r"ring3-test: log <\d>(.*)", line)
        if logged or (OOPS.search(line) and not line.startswith("ring3-test:")):
            lines.add(normal(logged.group(1) if logged else line))
    return lines


def normal(line):
    line = re.sub(r"^\s*\[[^\]]*\]\s*", "", line)
    line = re.sub(r"\b(0x)?[0-9a-f]{8,}\b|\b0x[0-9a-f]+\b|\d+", "#", line, flags=re.IGNORECASE)
    return line.strip()
