#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""boot_order.py EMULATOR [OPTION...]: which drive is booted: by -boot, past drives that are not
bootable, after a reset, and from the boot menu by its keys. Every drive's boot sector says its name
on COM2. The same for our BIOS, SeaBIOS and QEMU."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from screen import Screen

TIMEOUT = 60
# xor ax,ax; mov ds,ax; mov si,7C20h; next: lodsb; test al,al; jz end; mov dx,2F8h; out dx,al; jmp next
# end: (then what the drive does)
SAY = bytes.fromhex("31c08ed8be207cac84c07406baf802eeebf5")
LEAVE = bytes.fromhex("b010e6f4f4ebfd")  # isa-debug-exit
RESET = bytes.fromhex("b0fee664f4ebfd")  # the 8042's
NAMES = ("floppy", "disk", "second", "cd")

# -boot, drives without a boot sector, drives that reset, what is booted.
CASES = [
    ("a", "", "", "floppy"),
    ("c", "", "", "disk"),
    ("d", "", "", "cd"),
    ("order=dc", "", "", "cd"),
    ("order=cd", "", "", "disk"),
    ("order=ad", "floppy", "", "cd"),
    ("order=cad", "disk second", "", "floppy"),
    ("order=cad", "disk second floppy", "", "cd"),
    ("order=c,once=d", "", "cd", "cd disk"),
    ("order=c,once=a", "", "floppy", "floppy disk"),
    ("order=c", "", "", "disk"),
]
# In the menu: a line with this, what is booted.
MENU = [(r"(\d)\. .*[Ff]loppy", "floppy"), (r"(\d)\. .*(DVD|CD)", "cd"),
        (r"(\d)\. (?:.*ata0-1|Hard disk 2)", "second")]


def boot_sector(name, end):
    return (SAY + end).ljust(32, b"\0") + (name + " ").encode().ljust(478, b"\0") + b"\x55\xaa"


def make(folder, names, empty, resets):
    """The drives' options."""
    made = {}
    for name in names:
        code = bytes(512) if name in empty else boot_sector(name, RESET if name in resets else LEAVE)
        made[name] = folder / f"{name}.img"
        made[name].write_bytes(code.ljust(1440 << 10, b"\0"))
    tree = folder / "tree"
    tree.mkdir(exist_ok=True)
    (tree / "boot").write_bytes(made["cd"].read_bytes()[:2048])
    disc = folder / "cd.iso"
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-o", disc, "-no-emul-boot",
                    "-boot-load-size", "4", "-b", "boot", tree], check=True, capture_output=True)
    return ["-drive", f"file={made['floppy']},format=raw,if=floppy",
            "-drive", f"file={made['disk']},format=raw,index=0",
            "-drive", f"file={made['second']},format=raw,index=1", "-cdrom", str(disc)]


def command_of(emulator, folder, drives, boot):
    return [*emulator, "-m", "32", "-display", "none", "-serial", "null", "-serial",
            f"file:{folder}/out", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", *drives, "-boot", boot]


def booted(emulator, folder, drives, boot):
    subprocess.run(command_of(emulator, folder, drives, boot), stdin=subprocess.DEVNULL,
                   capture_output=True, timeout=TIMEOUT, check=False)
    return (folder / "out").read_text().strip()


def chosen(emulator, folder, drives, line):
    """What is booted when the menu's line that matches is picked."""
    command = command_of(emulator, folder, drives, "menu=on")
    (folder / "out").write_text("")
    with subprocess.Popen([*command, "-qmp", f"unix:{folder}/qmp,server,nowait"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            screen = Screen(folder / "qmp")
            prompt = screen.wait_for("boot menu", TIMEOUT) or ""
            screen.press("f12" if "F12" in prompt else "esc")
            deadline = time.monotonic() + TIMEOUT
            while not (found := re.search(line, shown := screen.text())):
                if time.monotonic() > deadline:
                    return f"no menu: {shown}"
            screen.press(found.group(1))
            process.wait(TIMEOUT)
        except (OSError, ValueError):
            process.wait(TIMEOUT)  # it left at once
        except subprocess.TimeoutExpired:
            return "nothing"
        finally:
            process.kill()
    (folder / "qmp").unlink(missing_ok=True)
    return (folder / "out").read_text().strip()


def main():
    emulator = sys.argv[1:]
    if not shutil.which("xorriso"):
        print("skipped: no xorriso: install the Debian package xorriso")
        return 77
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for boot, empty, resets, wanted in CASES:
            found = booted(emulator, folder, make(folder, NAMES, empty.split(), resets.split()), boot)
            good = found == wanted
            failed += not good
            print(f"{'ok' if good else 'FAILED'}: -boot {boot}, empty: {empty or 'none'}: {found}")
        drives = make(folder, NAMES, [], [])
        for line, wanted in MENU:
            found = chosen(emulator, folder, drives, line)
            failed += found != wanted
            print(f"{'ok' if found == wanted else 'FAILED'}: menu, {wanted}: {found}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
