# SPDX-License-Identifier: MIT
"""The VNC client of tests/display/vnc as an object, and a free display number for a server."""
import socket
import subprocess


def free_display():
    """A number N whose port 5900 + N nobody has."""
    for number in range(100, 1000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", 5900 + number))
                return number
            except OSError:
                continue
    raise OSError("no port is free")


class VncClient:
    def __init__(self, program, display):
        self.process = subprocess.Popen([program, "127.0.0.1", str(5900 + display)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self._answer() != ("ok", []):
            raise OSError("the VNC server does not answer")

    def _answer(self):
        lines = []
        for line in self.process.stdout:
            if line.rstrip("\n") in ("ok", "failed"):
                return line.rstrip("\n"), lines
            lines.append(line.rstrip("\n"))
        return "failed", lines

    def ask(self, command):
        """(all is well, the lines of the answer)."""
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        end, lines = self._answer()
        return end == "ok", lines

    def wait_for(self, text, seconds):
        good, lines = self.ask(f"wait {seconds} {text}")
        if not good:
            print(f"'{text}' does not show; the screen:", *lines, sep="\n  ")
        return good

    def type(self, text):
        return self.ask("type " + text.replace("\n", "\\n"))[0]

    def watch(self, seconds):
        """(rectangles, pixels) that came."""
        _, lines = self.ask(f"watch {seconds}")
        words = lines[-1].split()
        return int(words[1]), int(words[3])

    def close(self):
        self.process.stdin.close()
        self.process.wait()
