#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""debian.py [--interface ide|virtio] [--screen] [--once] IMAGE RING3 [OPTION...]: the disk of
tools/make-disk boots from its own GRUB to a login prompt, takes a login, keeps a file over a
power-off, boots again, and its file system is clean. The image is written to; with --overlay a new
qcow2 image over it is, and without an image the test is skipped (77). --screen: the login
prompt is on the VGA screen too, and a login there works; --check: what the firmware's tables say by
dmidecode and acpidump. Takes minutes: one boot is a test, debian-matrix does them all."""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from console import Console
from screen import Screen

TIMEOUT = 3600  # the interpreter on a loaded machine
FILE_SYSTEM_AT = 1 << 20
PROMPT = "root@ring3:~# "
# A line, what must be in its answer.
TABLES = [
    ("dmidecode -s bios-vendor", None),
    ("dmidecode >/root/dmi; echo status $?; grep -ci bad /root/dmi", "status 0"),
    ("grep -A3 'System Info' /root/dmi", "Manufacturer:"),
    ("grep -c 'DMI type 17' /root/dmi", "1"),
    ("cd /root; acpidump -b; acpixtract -v | head -1; ls *.dat | tr '\\n' ' '; cd", "dsdt.dat"),
    ("for t in *.dat; do iasl -d $t; done >/root/iasl 2>&1; grep -ci error /root/iasl", "0"),
    ("[ $(ls *.dat | wc -l) = $(ls *.dsl | wc -l) ] && echo all", "all"),
    ("cat *.dsl | grep -ciE 'invalid checksum|incorrect checksum'", "0"),
    ("dmesg | grep -iE 'acpi.*(error|warning|bug)' | sed 's/^/!/'; echo .", None),
    ("lspci -nn", "1237"),
    ("grep -E 'ata|virtio|ide' /proc/interrupts", ":"),
]


def login_on_screen(screen, start):
    """The prompt on the VGA, a login there by the keyboard. Yields what went wrong."""
    shown = screen.wait_for("ring3 login:", TIMEOUT)
    if not shown:
        yield f"no login prompt on the screen:\n{screen.text()}"
        return
    picture = screen.picture()
    print(f"  {time.monotonic() - start:6.1f} s  login prompt on the screen "
          f"({picture.width}x{picture.height})", flush=True)
    for typed, answer in (("root\n", "Password:"), ("ring3\n", PROMPT.strip()),
                          ("echo $((6*7)) typed\n", "\n42 typed"), ("exit\n", "ring3 login:")):
        screen.type(typed)
        if not screen.wait_for(answer, 120):
            yield f"no '{answer}' on the screen:\n{screen.text()}"
            return
    print(f"  {time.monotonic() - start:6.1f} s  login on the screen works", flush=True)


def session(command, lines, on_screen):
    """Boots, logs in, types each line, powers off. Yields what went wrong; times on the way."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, \
            Console([*command, "-qmp", f"unix:{folder}/qmp,server,nowait"], TIMEOUT) as machine:
        for text in ("GNU GRUB", "Linux version", "login: "):
            if not machine.wait_for(text):
                yield f"'{text}' did not come: {machine.text()[-2000:]!r}"
                return
            print(f"  {time.monotonic() - start:6.1f} s  {text}", flush=True)
        if on_screen:
            yield from login_on_screen(Screen(f"{folder}/qmp"), start)
        machine.type("root\n")
        machine.wait_for("Password: ")
        machine.type("ring3\n")
        if not machine.wait_for(PROMPT):
            yield "no login"
            return
        for line, answer in lines:
            yield from type_line(machine, line, answer)
        machine.type("poweroff\n")
        status = machine.status()
        if status != 0:
            yield f"exit status {status} at power-off"
        print(f"  {time.monotonic() - start:6.1f} s  off", flush=True)


def type_line(machine, line, answer):
    """`answer` None: whatever it is, it is shown."""
    machine.type(line + "\n")
    machine.wait_for("\n")
    before = machine.at
    if not machine.wait_for(PROMPT):
        yield f"'{line}' did not end"
        return
    shown = machine.seen[before:machine.at - len(PROMPT)].decode("utf-8", "replace")
    shown = re.sub("\x1b\\[[?0-9;]*[a-z]|\r", "", shown).strip()
    if answer is None or answer not in shown or answer == ":":
        print(f"  $ {line}\n    " + shown.replace("\n", "\n    "), flush=True)
    if answer is not None and answer not in shown:
        yield f"'{line}' did not answer '{answer}'"


def form_of(image):
    return "qcow2" if image.endswith(".qcow2") else "raw"


def dirty(image, word):
    """What qemu-img and fsck say of image and file system, if they are not clean, and that the file
    with `word` is not there."""
    found = []
    with tempfile.TemporaryDirectory(dir=pathlib.Path(image).parent) as folder:
        raw = f"{folder}/raw"
        if form_of(image) == "qcow2":
            check = subprocess.run(["qemu-img", "check", image], capture_output=True, text=True,
                                   check=False)
            if check.returncode:
                found.append(f"qemu-img check: {check.stdout}{check.stderr}")
        subprocess.run(["qemu-img", "convert", "-O", "raw", image, raw], check=True)
        inside = f"{raw}?offset={FILE_SYSTEM_AT}"
        check = subprocess.run(["/sbin/e2fsck", "-fn", inside], capture_output=True, text=True,
                               check=False)
        kept = subprocess.run(["/sbin/debugfs", "-R", "cat /root/kept", inside], capture_output=True,
                              text=True, check=False)
    if kept.stdout.strip() != word:
        found.append(f"/root/kept holds {kept.stdout!r}, not {word}")
    return found + ([f"fsck: {check.stdout}{check.stderr}"] if check.returncode else [])


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("image")
    arguments.add_argument("--interface", default="ide", choices=["ide", "virtio"])
    arguments.add_argument("--screen", action="store_true")
    arguments.add_argument("--once", action="store_true", help="one boot only")
    arguments.add_argument("--check", action="store_true", help="tables and interrupts")
    arguments.add_argument("--overlay", metavar="FILE", help="is made, over the image")
    arguments.add_argument("ring3", nargs=argparse.REMAINDER)
    options = arguments.parse_args()
    if options.overlay:
        if not os.path.exists(options.image):
            print(f"skipped: no {options.image}: tools/make-disk makes it")
            return 77
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", os.path.abspath(options.image),
                        "-F", form_of(options.image), options.overlay], check=True)
        options.image = options.overlay
    command = [*options.ring3, "-m", "512", "-nographic", "-drive",
               f"file={options.image},format={form_of(options.image)},if={options.interface}"]
    word = f"kept-{time.time_ns()}"
    write = [(f"echo {word} > /root/kept", ""), ("echo $((6 * 7))", "42")]
    read = [("cat /root/kept", word), ("systemctl is-system-running --wait", "running")]
    more = TABLES if options.check else []
    problems = list(session(command, write + (more if options.once else []), options.screen))
    if not options.once:
        problems += session(command, read + more, False)
    problems += dirty(options.image, word)
    for problem in problems:
        print(f"FAILED: {problem}")
    print("failed" if problems else "good", flush=True)
    return 1 if problems else 0


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"
    sys.exit(main())
