#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""monitor.py RING3: the monitor on standard input, behind Ctrl-A C and on a socket, and QMP, as
people and programs use them."""
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

TIMEOUT = 20
# A flat guest: prints 'hi' on COM1, then waits for interrupts for ever.
GUEST = bytes.fromhex("baf803b068eeb069eef4ebfd")
failures = 0


def expect(name, good, shown=""):
    global failures
    print(f"{'ok' if good else 'FAILED'}: {name}")
    if not good:
        failures += 1
        print(f"  {shown!r}")


def run(ring3, image, typed, *options):
    return subprocess.run([ring3, "-image", image, *options], input=typed.encode(),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT,
                          check=False)


def check_stdio(ring3, image):
    result = run(ring3, image, "info status\nx/2xb 0x7c00\nstop\ninfo status\nquit\n",
                 "-monitor", "stdio")
    text = result.stdout.decode()
    expect("-monitor stdio", result.returncode == 0 and "(ring3) VM status: running" in text and
           "0xba 0xf8" in text and "VM status: paused" in text, result)
    result = run(ring3, image, "\x01cinfo version\n\x01cx\x01cquit\n")
    text = result.stdout.decode()
    expect("Ctrl-A C on the serial line", result.returncode == 0 and
           "monitor - type 'help'" in text and "\nring3 " in text.split("info version")[-1],
           result)
    result = run(ring3, image, "info status\ncont\ninfo status\nquit\n", "-S", "-monitor", "stdio")
    text = result.stdout.decode()
    expect("-S starts stopped", "VM status: paused" in text and "VM status: running" in text,
           result)
    result = run(ring3, image, "\x01x", "-S")
    expect("Ctrl-A X while stopped", result.returncode == 0, result)


class Client:
    """A socket of a guest that runs."""

    def __init__(self, ring3, image, option, path, *more):
        self.guest = subprocess.Popen([ring3, "-image", image, "-serial", "null", option,
                                       f"unix:{path},server,nowait", *more],
                                      stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + TIMEOUT
        while not self.listens(path) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.connect(path)

    @staticmethod
    def listens(path):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(path) == 0

    def connect(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r", encoding="utf-8")

    def send(self, text):
        self.socket.sendall(text.encode())

    def json(self, event=None):
        """The next reply, or the next event of this name."""
        while True:
            message = json.loads(self.lines.readline())
            if message.get("event") == event:
                return message

    def ask(self, command, **arguments):
        self.send(json.dumps({"execute": command, "arguments": arguments}))
        return self.json()

    def end(self):
        self.socket.close()
        try:
            return self.guest.wait(timeout=TIMEOUT)
        finally:
            self.guest.kill()


def check_socket(ring3, image, directory):
    path = str(directory / "monitor")
    client = Client(ring3, image, "-monitor", path)
    client.lines.readline()
    client.send("info status\n")
    expect("-monitor unix:", "VM status: running" in client.lines.readline())
    client.socket.close()
    client.connect(path)
    expect("a second client", "monitor" in client.lines.readline())
    client.send("quit\n")
    expect("quit", client.end() == 0)
    expect("the socket's file is gone", not os.path.exists(path))


def check_qmp(ring3, image, directory, accel):
    client = Client(ring3, image, "-qmp", str(directory / "qmp"), "-accel", accel,
                    "-monitor", "none")
    greeting = client.json()
    expect(f"{accel}: greeting", "QMP" in greeting, greeting)
    expect("capabilities", client.ask("qmp_capabilities") == {"return": {}})
    expect("stop", client.ask("stop") == {"return": {}})
    expect("query-status", client.ask("query-status")["return"]["status"] == "paused")
    client.ask("cont")
    names = {c["name"] for c in client.ask("query-commands")["return"]}
    expect("query-commands", {"stop", "cont", "quit", "system_reset", "query-status"} <= names, names)
    client.ask("system_reset")
    reset = client.json("RESET")
    expect("RESET", reset["data"]["guest"] is False, reset)
    client.send('{"execute":"system_powerdown"}')
    expect("POWERDOWN", client.json("POWERDOWN")["timestamp"]["seconds"] > 1_600_000_000)
    client.json()
    client.send('{"execute":"quit"}')
    shutdown = client.json("SHUTDOWN")
    expect("SHUTDOWN", shutdown["data"]["reason"] == "host-qmp-quit", shutdown)
    expect("quit ends the run", client.end() == 0)


def check_bad(ring3, image, directory):
    file, taken = directory / "file", directory / "taken"
    file.write_text("x", encoding="utf-8")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(taken))
    server.listen(1)
    port = socket.socket()
    port.bind(("127.0.0.1", 0))
    port.listen(1)
    tcp = f"tcp:127.0.0.1:{port.getsockname()[1]}"
    for arguments, word in ((["-monitor", "nope"], "-monitor nope"),
                            (["-monitor", f"unix:{file},server,nowait"], str(file)),
                            (["-qmp", f"unix:{taken},server,nowait"], "in use"),
                            (["-qmp", "unix:/nowhere/at/all,server,nowait"], "/nowhere"),
                            (["-qmp", "unix:" + "x" * 200], "characters"),
                            (["-gdb", tcp], "-gdb 127.0.0.1"), (["-gdb", "tcp:1234"], "-gdb"),
                            (["-gdb", "tcp::1234,arch=arm"], "x86-64"),
                            (["-monitor", "unix:/tmp/x,servant"], "servant"),
                            (["-monitor", "stdio", "-serial", "stdio"], "Ctrl-A C"),
                            (["-monitor", "stdio", "-qmp", "stdio"], "-qmp")):
        result = run(ring3, image, "", *arguments)
        lines = result.stderr.decode().splitlines()
        expect("bad: " + " ".join(arguments)[:60], result.returncode == 1 and len(lines) == 1 and
               word in lines[0], result)
    expect("a file in the way is left alone", file.read_text(encoding="utf-8") == "x")


def main():
    ring3 = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        (directory / "guest.bin").write_bytes(GUEST)
        image = str(directory / "guest.bin")
        check_stdio(ring3, image)
        check_socket(ring3, image, directory)
        for accel in ("interp", "jit"):
            check_qmp(ring3, image, directory, accel)
        check_bad(ring3, image, directory)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
