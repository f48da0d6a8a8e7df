# SPDX-License-Identifier: MIT
"""Where an emulator spends a program's time, by Linux's perf, as a text file for each run: shares of the
libraries, of ring3's functions, and of places in translated code (their offsets)."""
import re
import signal
import subprocess
import time

ATTACH_SECONDS = 0.3
ROW = re.compile(r"^\s*(\d+\.\d+)%\s+(\S.*?)\s+\[(.)\]\s+(.*?)(\s+-\s+-\s*)?$")
TRANSLATED = "memfd:ring3-code"
FUNCTIONS, PLACES = 25, 10


class Profile:
    """A context in which the process `pid` is watched; without a folder nothing happens."""

    def __init__(self, folder, name, pid):
        self.folder, self.name, self.pid, self.perf = folder, name, pid, None

    def __enter__(self):
        if self.folder:
            self.data = self.folder / f"{self.name}.data"
            self.perf = subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-p", str(self.pid),
                                          "-o", self.data], stderr=subprocess.DEVNULL)
            time.sleep(ATTACH_SECONDS)

    def __exit__(self, *_):
        if self.perf:
            self.perf.send_signal(signal.SIGINT)
            self.perf.wait()
            (self.folder / f"{self.name}.txt").write_text(summary(self.data))
            self.data.unlink(missing_ok=True)


def rows(data):
    """(share, library, function) of a recording."""
    done = subprocess.run(["perf", "report", "-i", data, "--stdio", "--sort", "dso,symbol"],
                          capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        if match := ROW.match(line):
            yield float(match[1]), match[2].split()[0], match[4].strip()


def summary(data):
    libraries, functions, places = {}, {}, []
    for share, library, function in rows(data):
        libraries[library] = libraries.get(library, 0) + share
        if library.startswith(TRANSLATED):
            places.append((share, function))
        else:
            name = f"{function[:90]}" if library == "ring3" else f"{function[:60]} ({library})"
            functions[name] = functions.get(name, 0) + share
    text = ["libraries"] + table(libraries, FUNCTIONS) + ["functions"] + table(functions, FUNCTIONS)
    return "\n".join(text + ["translated code"] + [f"  {s:5.1f} %  {f}" for s, f in places[:PLACES]]) + "\n"


def table(shares, count):
    ordered = sorted(shares.items(), key=lambda item: -item[1])[:count]
    return [f"  {share:5.1f} %  {name}" for name, share in ordered]
