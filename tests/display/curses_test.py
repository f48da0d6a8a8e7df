#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""curses_test.py RING3: -display curses on a pseudo-terminal shows what a guest writes to the text
screen and sends it keys; Ctrl-A X quits. Status 77 if ring3 was built without curses."""
import os
import pty
import select
import sys
import tempfile
import time

# A flat real-mode image: writes "HI" to B8000h, then for each key that goes down the character of its
# set 1 code plus 23h ('a' has 1Eh: 'A').
GUEST = bytes.fromhex("fafcb800b88ec031ffb84807abb049abe464a80174fae460a88075f43c0174070423b407abebe930c0e6f4ebe3")
TIMEOUT = 20


class Terminal:
    def __init__(self, command):
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(command[0], command)
        self.seen = b""

    def wait_for(self, text):
        deadline = time.monotonic() + TIMEOUT
        while text not in self.seen and time.monotonic() < deadline:
            if not select.select([self.handle], [], [], 0.1)[0]:
                continue
            try:
                self.seen += os.read(self.handle, 65536)
            except OSError:
                break
        found = text in self.seen
        print(f"{'ok' if found else 'FAILED'}: {text!r} is shown")
        self.seen = self.seen.partition(text)[2]
        return found

    def type(self, keys):
        os.write(self.handle, keys)

    def status(self):
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            self.wait_briefly()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, 9)
        return None

    def wait_briefly(self):
        if select.select([self.handle], [], [], 0.1)[0]:
            try:
                os.read(self.handle, 65536)
            except OSError:
                pass


def main():
    with tempfile.NamedTemporaryFile() as image:
        image.write(GUEST)
        image.flush()
        terminal = Terminal([sys.argv[1], "-display", "curses", "-image", image.name])
        good = terminal.wait_for(b"HI")
        if not good and b"built without" in terminal.seen:
            sys.exit(77)
        terminal.type(b"a")
        good = terminal.wait_for(b"A") and good
        terminal.type(b"\x01x")
        status = terminal.status()
    print(f"status {status}")
    sys.exit(0 if good and status == 0 else 1)


if __name__ == "__main__":
    main()
