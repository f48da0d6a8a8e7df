#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots a guest with a disk (and a CD on IDE): it must see the bytes that are there, and what it
writes must be in the image afterwards, in a clean file system."""
import argparse
import hashlib
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

import disk_image
import guest as guests

# Bytes of the file that is read, KiB of the image.
SIZES = {"floppy": (150_000, 1440)}
OTHERS = (3_000_000, 48 << 10)
MOST_AFTER_TRIM = 16 << 20  # bytes on the host: the guest has deleted as many


def boot(options, directory, drives):
    initrd = directory / "initrd.gz"
    disk_image.initrd(options.guest, (pathlib.Path(__file__).parent / "disktest").read_bytes(), initrd)
    command = [*options.emulator, "-nographic", "-no-reboot", "-m", "256M", *drives,
               "-kernel", str(guests.files(options.guest) / "vmlinuz"), "-initrd", str(initrd),
               "-append", "console=ttyS0 quiet " + options.append]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=options.timeout, check=False)
    return done.returncode, guests.text(done.stdout), guests.text(done.stderr)


def make_disc(directory, data):
    """An ISO image, if the program for it is there."""
    if not disk_image.which("xorriso"):
        return None
    disc = directory / "disc.iso"
    disk_image.run("xorriso", "-as", "mkisofs", "-quiet", "-o", disc, "-graft-points", f"data={data}")
    return disc


def check(options, directory):
    size, kilobytes = SIZES.get(options.interface, OTHERS)
    data = disk_image.random_file(directory / "data", size)
    total = hashlib.md5(data.read_bytes()).hexdigest()
    raw, image = directory / "raw", directory / "image"
    disk_image.ext4(raw, kilobytes, data)
    disk_image.convert(raw, image, options.format, *options.create)
    drives = ["-drive", f"file={image},format={options.format},if={options.interface},discard=unmap"]
    disc = make_disc(directory, data)
    if disc:
        drives += ["-cdrom", str(disc)]
    status, console, errors = boot(options, directory, drives)

    found = [f"exit status {status}: {errors[-2000:]}"] if status else []
    for name in ("disk-sum", "copy-sum") + (("disc-sum",) if disc else ()):
        if not re.search(f"ring3-test: {name} {total}", console):
            found.append(f"no {name} of {total}")
    if "ring3-test: done" not in console:
        found.append("the guest did not end")
    found += re.findall("ring3-test: log .*", console)
    found += [f"no '{text}'" for text in options.expect if not re.search(text, console)]
    used = os.stat(image).st_blocks * 512
    if options.interface == "virtio" and options.format == "raw" and used > MOST_AFTER_TRIM:
        found.append(f"the image takes {used} bytes after fstrim: it is not trimmed")
    found += disk_image.problems(image, raw)
    if disk_image.read_file(raw, "/copy") != data.read_bytes():
        found.append("what the guest wrote is not in the image")
    wanted = "".join(f"{n}\n" for n in range(7, 2001)).encode()
    if disk_image.read_file(raw, "/many/7") != wanted:
        found.append("a small file that the guest wrote is wrong")
    return found, console


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("guest")
    arguments.add_argument("--emulator", required=True, type=shlex.split)
    arguments.add_argument("--interface", default="ide")
    arguments.add_argument("--format", default="raw")
    arguments.add_argument("--create", default=[], type=shlex.split,
                           help="options of qemu-img convert")
    arguments.add_argument("--append", default="", help="for the kernel's command line")
    arguments.add_argument("--expect", default=[], action="append",
                           help="a pattern that the console must have")
    arguments.add_argument("--timeout", type=float, default=300)
    options = arguments.parse_args()
    missing = disk_image.missing_tools()
    if missing or not (guests.files(options.guest) / "initrd-disk.gz").exists():
        print(f"skipped: {', '.join(missing) or 'the guest ' + options.guest} is not there")
        return 77
    with tempfile.TemporaryDirectory() as name:
        found, console = check(options, pathlib.Path(name))
    print("\n".join(found) if found else "the disk is as it should be")
    if found:
        print(console[-4000:])
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
