#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kills the emulator while its guest writes, several times on one image: after each, qemu-img finds
no fault in the image, the file system's journal replays to a clean one, and everything that the
guest had synced is there."""
import argparse
import pathlib
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time

import disk_image
import guest as guests

KILOBYTES = 64 << 10
SYNCED = re.compile(r"ring3-test: synced (\d+)")


def run_and_kill(options, directory, image, rounds, delay):
    """The highest round that the guest said was permanent when it was killed; None: it never did."""
    serial = directory / "serial"
    serial.unlink(missing_ok=True)
    command = [*options.emulator, "-display", "none", "-no-reboot", "-m", "256M",
               "-serial", f"file:{serial}", "-kernel", str(guests.files(options.guest) / "vmlinuz"),
               "-initrd", str(directory / "initrd.gz"), "-append", "console=ttyS0 quiet",
               "-drive", f"file={image},format={options.format},if={options.interface}"]
    deadline = time.monotonic() + options.timeout
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as process:
        seen = []
        while len(seen) < rounds and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
            seen = SYNCED.findall(serial.read_text(errors="replace")) if serial.exists() else []
        time.sleep(delay)
        seen = SYNCED.findall(serial.read_text(errors="replace")) if serial.exists() else []
        process.kill()
        process.wait()
    return int(seen[-1]) if seen else None


def problems(image, raw, synced):
    found = []
    if disk_image.form_of(image) != "raw":
        check = subprocess.run([disk_image.which("qemu-img"), "check", image], capture_output=True,
                               check=False)
        if check.returncode not in (0, 3):
            found.append("qemu-img check: " + guests.text(check.stdout + check.stderr))
    disk_image.convert(image, raw, "raw")
    replay = subprocess.run([disk_image.which("e2fsck"), "-p", raw], capture_output=True, check=False)
    if replay.returncode not in (0, 1):
        found.append("e2fsck -p: " + guests.text(replay.stdout + replay.stderr))
    check = subprocess.run([disk_image.which("e2fsck"), "-fn", raw], capture_output=True, check=False)
    if check.returncode != 0:
        found.append("e2fsck -fn: " + guests.text(check.stdout + check.stderr))
    for number in range(synced + 1):
        wanted = "".join(f"{n}\n" for n in range(number, 3001)).encode()
        if disk_image.read_file(raw, f"/file{number}") != wanted:
            found.append(f"file{number} was synced and is not there")
    return found


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("guest")
    arguments.add_argument("--emulator", required=True, type=shlex.split)
    arguments.add_argument("--interface", default="virtio")
    arguments.add_argument("--format", default="qcow2")
    arguments.add_argument("--create", default=[], type=shlex.split)
    arguments.add_argument("--kills", type=int, default=3)
    arguments.add_argument("--timeout", type=float, default=90)
    options = arguments.parse_args()
    missing = disk_image.missing_tools()
    if missing or not (guests.files(options.guest) / "initrd-disk.gz").exists():
        print(f"skipped: {', '.join(missing) or 'the guest ' + options.guest} is not there")
        return 77
    choice = random.Random(7)
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        raw, image = directory / "raw", directory / "image"
        script = (pathlib.Path(__file__).parent / "killtest").read_bytes()
        disk_image.initrd(options.guest, script, directory / "initrd.gz")
        disk_image.ext4(raw, KILOBYTES, disk_image.random_file(directory / "data", 100_000))
        disk_image.convert(raw, image, options.format, *options.create)
        for kill in range(options.kills):
            synced = run_and_kill(options, directory, image, choice.randint(3, 8), choice.random())
            found = ["the guest wrote nothing"] if synced is None else problems(image, raw, synced)
            print(f"kill {kill + 1}: synced up to {synced}: {'; '.join(found) or 'as it should be'}")
            if found:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
