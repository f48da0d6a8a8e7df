#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""memtest.py [--until N|--pass] [--like "QEMU ..."] RING3 [OPTION...]: memtest86+ from its CD, read off
the VGA screen: it gets to test N (10 is the last one, a fade of minutes), or through a whole pass,
without an error. --like: its screen has the same words in the same places, dot by dot, as on another
emulator, which runs beside it. Skipped (77) where its package is not installed."""
import argparse
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

from screen import LINES, Screen

DISC = pathlib.Path("/usr/lib/memtest86+/memtest86+x64.iso")
TIMEOUT = 280
PASS_TIMEOUT = 1200
LABELS = ["Memtest86+ v6", "CLK/Temp:", "L1 Cache:", "L2 Cache:", "Memory  :", "Pass", "Test ", "Test #",
          "Testing:", "Pattern:", "CPU:", "SMP:", "Time:", "Status: Testing", "Using:", "Errors: 0",
          "<ESC> Exit  <F1> Configuration  <Space> Scroll Lock"]
COLUMN = 9  # dots of a character's


class Machine:
    def __init__(self, command, folder, name):
        socket = f"{folder}/{name}"
        self.process = subprocess.Popen([*command, "-m", "24", "-display", "none", "-serial", "null",
                                         "-cdrom", str(DISC), "-qmp", f"unix:{socket},server,nowait"],
                                        stdin=subprocess.DEVNULL)
        self.screen = Screen(socket)

    def wait(self, what, seen, timeout):
        """What went wrong until `seen` says yes to the screen's text, or None."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            shown = self.screen.text()
            errors = re.search(r"Errors: (\d+)", shown)
            if errors and errors.group(1) != "0":
                return f"memory errors:\n{shown}"
            if seen(shown):
                return None
            time.sleep(0.3)
        return f"{what} did not come:\n{self.screen.text()}"

    def end(self):
        self.process.kill()
        self.process.wait()


def places(text):
    """{label: where it is}, of those that are there."""
    found = {}
    for row, line in enumerate(text.splitlines()):
        for label in LABELS:
            if label in line:
                found.setdefault(label, (row, line.index(label)))
    return found


def differences(one, other):
    """Labels that are elsewhere, or whose dots differ."""
    pictures = [m.screen.picture() for m in (one, other)]
    texts = ["\n".join(m.screen.reader.lines(p)) for m, p in zip((one, other), pictures)]
    here, there = map(places, texts)
    for label in LABELS:
        if label not in here or here[label] != there.get(label):
            yield f"'{label}' is at {here.get(label)}, there at {there.get(label)}\n{texts[0]}"
            continue
        row, column = here[label]
        area = (COLUMN * column, LINES * row, COLUMN * len(label), LINES)
        if list(pictures[0].rows(*area)) != list(pictures[1].rows(*area)):
            yield f"'{label}' looks different"


def testing(text):
    return "Status: Testing" in text


def test_number(text):
    found = re.search(r"Test #(\d+)", text)
    return int(found.group(1)) if found else -1


def whole_pass(text):
    return bool(re.search(r"Pass: +[1-9]", text))


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--until", type=int, default=10)
    arguments.add_argument("--pass", dest="whole", action="store_true")
    arguments.add_argument("--like", type=shlex.split)
    arguments.add_argument("ring3", nargs=argparse.REMAINDER)
    options = arguments.parse_args()
    if not DISC.exists():
        print(f"skipped: no {DISC}: install the Debian package memtest86+")
        return 77
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(options.ring3, folder, "ring3")
        other = Machine(options.like, folder, "other") if options.like else None
        try:
            problems = [machine.wait("the begin", testing, TIMEOUT)]
            if other and not problems[0]:
                problems += [other.wait("the other's begin", testing, TIMEOUT), *differences(machine, other)]
                other.end()
            if options.whole:
                problems.append(machine.wait("the end of the pass", whole_pass, PASS_TIMEOUT))
            else:
                problems.append(machine.wait(f"test {options.until}",
                                             lambda text: test_number(text) >= options.until, TIMEOUT))
            shown = machine.screen.text()
        finally:
            machine.end()
            if other:
                other.end()
    problems = [p for p in problems if p]
    print(shown.rstrip())
    print("\n".join(f"FAILED: {p}" for p in problems) or
          f"good, after {time.monotonic() - start:.0f} s")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
