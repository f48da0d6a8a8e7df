# SPDX-License-Identifier: MIT
"""What runs a benchmark program: hardware, or an emulator whose guest is the agent of bench/guest.

A Guest boots once and then runs programs on request through its serial line. The time of a program
is the CPU time of the emulator's process, all threads, read on the host between the program's
"ready" and its result: the guest's own clocks are not trusted."""
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import tty

import bochs
import profile_runs

BOOT_SECONDS = 300
END_SECONDS = 10
RESULT = re.compile(r"bench: result ([0-9a-f]{16}) cpu (\d+) wall (\d+)")


class Failed(Exception):
    """A run that gave no result; the text says why."""


class Unsupported(Exception):
    """The (guest's) processor lacks what the program needs."""


def process_nanoseconds(pid):
    """CPU time of a process with all its threads: the clock of clock_getcpuclockid(3)."""
    return time.clock_gettime_ns(~pid << 3 | 2)


class Lines:
    """What a process prints, by lines, with a deadline."""

    def __init__(self, descriptor):
        self.descriptor, self.rest, self.last = descriptor, b"", []

    def find(self, pattern, seconds):
        """The match of the first line that has `pattern` or ends the program badly."""
        deadline = time.monotonic() + seconds
        while True:
            line = self.next_line(deadline, pattern)
            self.last = [*self.last[-9:], line]
            if match := re.search(pattern, line):
                return match
            if "bench: unsupported" in line:
                raise Unsupported()
            if "bench: error:" in line:
                raise Failed(line.partition("error: ")[2])

    def next_line(self, deadline, pattern):
        while b"\n" not in self.rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.descriptor], [], [], left)[0]:
                raise Failed(f"no '{pattern}' in time; last: {' | '.join(self.last[-3:])}")
            data = self.read()
            if not data:
                raise Failed(f"ended without '{pattern}'; last: {' | '.join(self.last[-3:])}")
            self.rest += data
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode("utf-8", "replace").strip("\r")

    def read(self):
        try:
            return os.read(self.descriptor, 65536)
        except OSError:  # a terminal whose other side is closed
            return b""


class Sample:
    """One run: nanoseconds of CPU for a unit, and what the program said."""

    def __init__(self, units, cpu, result):
        self.units, self.cpu, self.checksum = units, cpu, result[1]
        self.per_unit, self.wall_per_unit = cpu / units, int(result[3]) / units


class Native:
    """The host's hardware, on one processor as in the guests."""
    name = "native"

    def __init__(self, binaries, busyboxes):
        self.binaries, self.busyboxes = binaries, busyboxes
        where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.directory = tempfile.TemporaryDirectory(prefix="ring3-bench-", dir=where)

    def start(self):
        pass

    def run(self, bits, program, units, seconds):
        environment = {"BENCH_DIRECTORY": self.directory.name,
                       "BENCH_BUSYBOX": str(self.busyboxes.get(bits, "/none"))}
        processor = max(os.sched_getaffinity(0))
        with subprocess.Popen([self.binaries[bits], program, str(units)], env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              preexec_fn=lambda: os.sched_setaffinity(0, {processor})) as process:
            try:
                result = Lines(process.stdout.fileno()).find(RESULT, seconds)
            finally:
                process.kill()
        return Sample(units, int(result[2]), result)

    def stop(self):
        pass


class Guest:
    """An emulator with its console on standard input and output."""

    def __init__(self, name, command, profiles=None):
        self.name, self.command, self.profiles = name, command, profiles
        self.process, self.console, self.lines = None, None, None

    def start(self):
        if not self.process:
            self.process, self.console = self.launch()
            self.lines = Lines(self.console[0])
            self.lines.find("bench: agent", BOOT_SECONDS)

    def launch(self):
        """The process, and the descriptors to read its console from and to write to."""
        process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        return process, (process.stdout.fileno(), process.stdin.fileno())

    def send(self, line):
        try:
            os.write(self.console[1], line.encode() + b"\n")
        except OSError:
            raise Failed("the emulator has ended") from None

    def run(self, bits, program, units, seconds):
        """A failure of the emulator ends it; the next start() boots again."""
        self.start()
        try:
            self.send(f"/bin/bench-guest{bits} {program} {units} --wait")
            self.lines.find("bench: ready", seconds)
            with profile_runs.Profile(self.profiles, f"{self.name}-{bits}-{program}", self.process.pid):
                before = process_nanoseconds(self.process.pid)
                self.send("go")
                result = self.lines.find(RESULT, seconds)
                cpu = process_nanoseconds(self.process.pid) - before
            self.lines.find("bench: exit 0$", seconds)
            return Sample(units, cpu, result)
        except Unsupported:
            self.lines.find("bench: exit 0$", seconds)
            raise
        except Failed:
            self.kill()
            raise

    def stop(self):
        if not self.process:
            return
        try:
            self.send("poweroff")
            self.process.wait(END_SECONDS)
        except (Failed, subprocess.TimeoutExpired):
            pass
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.communicate()
        self.process = None


class BochsGuest(Guest):
    """Its console is a terminal. It turns while its guest is idle, so it stands still between runs."""

    def launch(self):
        host, guest = os.openpty()
        tty.setraw(guest)
        work = tempfile.mkdtemp(prefix="ring3-bench-bochs-")
        self.work = work
        command = bochs.command(pathlib.Path(work), serial=f"mode=term, dev={os.ttyname(guest)}",
                                **self.command)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.guest = guest
        return process, (host, host)

    def start(self):
        super().start()
        self.process.send_signal(signal.SIGSTOP)

    def send(self, line):
        self.process.send_signal(signal.SIGCONT)
        super().send(line)

    def run(self, bits, program, units, seconds):
        try:
            return super().run(bits, program, units, seconds)
        finally:
            if self.process:
                self.process.send_signal(signal.SIGSTOP)

    def kill(self):
        super().kill()
        for descriptor in (self.console[0], self.guest):
            os.close(descriptor)
        shutil.rmtree(self.work, ignore_errors=True)
