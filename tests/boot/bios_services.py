#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bios_services.py IMAGE EMULATOR [OPTION...]: bios_services/main.asm, booted as floppy disk, hard
disk, and from CD in El Torito's three ways, says of the BIOS what SeaBIOS on QEMU says: the lines of
bios_services/MEDIUM.txt. --update writes these: give it qemu-system-x86_64. Needs xorriso."""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

GOLDEN = pathlib.Path(__file__).parent / "bios_services"
TIMEOUT = 60
ENDED = 0x10 << 1 | 1  # isa-debug-exit
PROGRAM = 16 * 512
CDS = {"cd-floppy": [], "cd-disk": ["-hard-disk-boot"],
       "cd": ["-no-emul-boot", "-boot-load-size", str(PROGRAM // 512)]}
MEDIA = ["floppy", "disk", *CDS]


def make_cd(folder, image, medium):
    """`image` is what the CD boots, as a whole or its begin."""
    tree = folder / medium
    tree.mkdir()
    (tree / "boot.img").write_bytes(image if medium != "cd" else image[:PROGRAM])
    (tree / "other").write_bytes(bytes(100_000))
    disc = folder / f"{medium}.iso"
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-o", disc, *CDS[medium], "-b", "boot.img",
                    tree], check=True, capture_output=True)
    return disc


def drive(folder, path, medium):
    if medium in CDS:
        return ["-cdrom", make_cd(folder, path.read_bytes(), medium), "-boot", "d"]
    options = f"file={path},format=raw,snapshot=on"
    if medium == "floppy":
        return ["-drive", options + ",if=floppy", "-boot", "a"]
    return ["-drive", options, "-boot", "c"]


def answers(command, folder, path, medium):
    """(exit status, the lines on COM2, standard error)."""
    lines = folder / f"{medium}.out"
    done = subprocess.run([*command, "-m", "32", "-display", "none", "-serial", "null", "-serial",
                           f"file:{lines}", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
                           *drive(folder, path, medium)],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False)
    return done.returncode, lines.read_text(errors="replace"), done.stderr


def differences(wanted, found):
    """Line by line; both are short."""
    for a, b in zip(wanted.splitlines() + [None], found.splitlines() + [None]):
        if a != b:
            yield f"expected '{a}', found '{b}'"
            return


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--update", action="store_true")
    arguments.add_argument("image", type=pathlib.Path)
    arguments.add_argument("emulator", nargs=argparse.REMAINDER)
    options = arguments.parse_args()
    failed = 0
    for medium in MEDIA:
        if medium in CDS and not shutil.which("xorriso"):
            print(f"skipped: {medium}: no xorriso: install the Debian package xorriso")
            continue
        golden = GOLDEN / f"{medium}.txt"
        with tempfile.TemporaryDirectory() as name:
            status, found, errors = answers(options.emulator, pathlib.Path(name), options.image, medium)
        if options.update:
            golden.write_text(found)
        problems = [] if status == ENDED else [f"exit status {status}: {errors.decode()}"]
        problems += differences(golden.read_text(), found)
        print("\n".join(f"FAILED: {medium}: {p}" for p in problems) or f"ok: {medium}")
        failed += len(problems)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
