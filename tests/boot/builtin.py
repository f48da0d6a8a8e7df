#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""builtin.py RING3 poweroff|reboot: the embedded guest, which `ring3` boots without arguments: it
says hello, runs its two processes, answers its prompt and leaves with status 0."""
import os
import subprocess
import sys
import threading

TIMEOUT = 60
PROMPT = b"> "

# What each run types, and what must be on the console in the end, in this order.
HELLO = ["hello from protected mode", "hello from long mode", "process A: step 3 of 3",
         "both processes ended"]
SESSIONS = {
    "poweroff": ([], ["help", "ps", "cpuid", "poweroff"],
                 ["> help", "run ps time mem cpuid reboot poweroff", "> ps", "shell", "process A",
                  "process B", "> cpuid", "> poweroff"]),
    "reboot": (["-no-reboot"], ["reboot"], ["> reboot"]),
}


def read_until(stream, marker):
    """The console up to and with the marker; less at its end."""
    seen = b""
    while not seen.endswith(marker):
        byte = os.read(stream.fileno(), 1)
        if not byte:
            break
        seen += byte
    return seen


def converse(guest, lines):
    """Types each line once the prompt is there; the whole console."""
    console = b""
    for line in lines:
        console += read_until(guest.stdout, b"\n" + PROMPT)
        guest.stdin.write(line.encode() + b"\n")
        guest.stdin.flush()
    return (console + guest.stdout.read()).decode("utf-8", "replace")


def problems(status, console, wanted):
    if status != 0:
        yield f"exit status {status}, expected 0"
    if "process B: step 3 of 3" not in console:
        yield "process B did not end"
    at = 0
    for text in wanted:
        found = console.find(text, at)
        if found < 0:
            yield f"'{text}' is missing, or comes too early"
        else:
            at = found + len(text)


def main():
    ring3, session = sys.argv[1:]
    options, lines, wanted = SESSIONS[session]
    with subprocess.Popen([ring3, *options], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as guest:
        late = threading.Timer(TIMEOUT, guest.kill)
        late.start()
        try:
            console = converse(guest, lines)
        except BrokenPipeError:
            console = guest.stdout.read().decode("utf-8", "replace")
        status = guest.wait()
        late.cancel()
    found = list(problems(status, console, HELLO + wanted))
    print(console)
    for problem in found:
        print(f"FAILED: {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
