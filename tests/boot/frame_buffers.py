#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""frame_buffers.py GUEST RING3: Linux' drivers for the VGA (the text console, bochs-drm) show a text; where QEMU is installed, its picture of the same screen is equal to the pixel. Status 77: the
guest is not there."""
import pathlib
import re
import shutil
import sys
import tempfile

import guest as guests
from console import Console
from screen import Screen

TIMEOUT = 180
PROMPT = "guest:/root# "
QEMU = "qemu-system-x86_64"
# What is loaded, what /proc/fb says then, the width and the height of the screen (0: any).
DRIVERS = {"vga": (None, r"^$", 720, 400), "bochs": ("bochs", r"bochs", 0, 0)}
TEXT = "The quick brown fox 0123456789"
# Clears the screen, hides the cursor, shows the text in colours.
SHOW = (r"printf '\033[2J\033[H\033[?25l\033[1;33;44m" + TEXT + r"\033[0m\n\033[31mred\033[0m\n'"
        " >/dev/tty0")
failures = 0


def expect(name, good, shown=""):
    global failures
    print(f"{'ok' if good else 'FAILED'}: {name}", flush=True)
    if not good:
        failures += 1
        print(f"  {shown}")


def command_of(emulator, guest, qmp):
    where = guests.files(guest)
    return [emulator, "-m", "256", "-no-reboot", "-display", "none", "-vga", "std",
            "-kernel", where / "vmlinuz", "-initrd", where / "initrd-screen.gz",
            "-append", "console=tty0 console=ttyS0 quiet", "-serial", "stdio",
            "-qmp", f"unix:{qmp},server,nowait"]


def shown_by(emulator, guest, driver, directory):
    """What /proc/fb says, the picture and its text."""
    module = DRIVERS[driver][0]
    qmp = directory / f"{pathlib.Path(emulator).name}-{driver}"
    with Console(command_of(emulator, guest, qmp), TIMEOUT) as console:
        screen = Screen(qmp)
        expect(f"{emulator}: the shell comes", console.wait_for(PROMPT), console.text()[-1000:])
        for command in ([f"load {module}"] if module else []) + ["sleep 1", SHOW, "sleep 1"]:
            console.type(command + "\n")
            console.wait_for(PROMPT)
        start = console.at
        console.type("cat /proc/fb\n")
        console.wait_for(PROMPT)
        said = console.seen[start:console.at].decode().replace("\r", "").split("\n")[1:-1]
        return "\n".join(said), screen.picture(), screen.text()


def check(guest, ring3, driver, directory):
    _, name, width, height = DRIVERS[driver]
    said, picture, text = shown_by(ring3, guest, driver, directory)
    expect(f"{driver}: the driver", re.search(name, said), said)
    expect(f"{driver}: the size", (picture.width, picture.height) == (width, height) or not width,
           f"{picture.width}x{picture.height}")
    expect(f"{driver}: the text", text.split("\n")[0] == TEXT, text)
    if not shutil.which(QEMU):
        return
    _, qemus, _ = shown_by(QEMU, guest, driver, directory)
    expect(f"{driver}: QEMU's picture is equal ({picture.width}x{picture.height})",
           picture.different(qemus) == 0, f"{picture.different(qemus)} pixels differ")


def main():
    guest, ring3, *drivers = sys.argv[1:]
    if not (guests.files(guest) / "initrd-screen.gz").exists():
        print(f"skipped: the guest {guest} is not there")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as name:
        for driver in drivers or DRIVERS:
            check(guest, ring3, driver, pathlib.Path(name))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
