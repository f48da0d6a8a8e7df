# SPDX-License-Identifier: MIT
"""A machine whose console is on standard input and output: wait for a text, type, leave."""
import os
import re
import select
import subprocess
import time


# A firmware that shows the screen on a serial line moves about when it pleases, inside words too.
MOVES = re.compile(rb"\x1b\[\d+;\d+H")


class Console:
    """`command` runs until the `with` block ends; the whole console is in `seen`, without moves of
    the cursor."""

    def __init__(self, command, timeout):
        self.command, self.deadline = command, time.monotonic() + timeout
        self.raw, self.seen, self.at = b"", b"", 0

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def _read(self):
        """More of the console; False at its end or at the deadline."""
        left = self.deadline - time.monotonic()
        stream = self.process.stdout.fileno()
        if left <= 0 or not select.select([stream], [], [], left)[0]:
            return False
        more = os.read(stream, 65536)
        self.raw += more
        self.seen = MOVES.sub(b"", self.raw)
        return bool(more)

    def wait_for(self, text):
        """Until `text` stands on the console after what was waited for before; False: it never
        came."""
        wanted = text.encode()
        while (found := self.seen.find(wanted, self.at)) < 0:
            if not self._read():
                return False
        self.at = found + len(wanted)
        return True

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def status(self):
        """The exit status, once the machine has left by itself; None at the deadline."""
        while self._read():
            pass
        try:
            return self.process.wait(max(0, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return None

    def text(self):
        return self.seen.decode("utf-8", "replace")
