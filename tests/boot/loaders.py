#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""loaders.py CASE GUEST RING3 [OPTION...]: a boot loader from a Debian package, on a medium made
here, loads the embedded guest GUEST through the BIOS that the options choose. Skipped (77) where
its packages are not installed."""
import pathlib
import sys
import tempfile

import media
from console import Console

TIMEOUT = 100
DOWN = "\x1b[B"

# Per case: the medium, the option that takes it, then what is waited for and what is typed.
GUEST = [("hello from long mode", None), ("both processes ended", None), ("> ", "poweroff\r")]
SYSLINUX = [("SYSLINUX", None), *GUEST]
GRUB = [("GNU GRUB", None), ("ring3 guest", None), ("executed automatically in", DOWN),
        ("*ring3 guest", "\r"), *GUEST]
IPXE = [("iPXE initialising devices...ok", None), ("Open Source Network Boot Firmware", None)]
IPXE_ROM = [("iPXE (http://ipxe.org)", None), ("Press Ctrl-B", None), ("Booting from", None)]
MEMTEST = [("Memtest86+ v", None), ("CPU: 1 Cores", None), ("[Moving inversions", None), ("Errors: 0", None)]
CASES = {
    "syslinux-disk": (media.syslinux_disk, "-hda", SYSLINUX),
    "syslinux-floppy": (media.syslinux_floppy, "-fda", SYSLINUX),
    "grub-disk": (media.grub_iso, "-hda", GRUB),
    "grub-cd": (media.grub_iso, "-cdrom", GRUB),
    "grub-virtio": (media.grub_iso, "virtio", GRUB),
    "ipxe-cd": (media.ipxe_iso, "-cdrom", IPXE),
    "ipxe-kernel": (media.ipxe_kernel, "-kernel", IPXE),
    "memtest-kernel": (media.memtest_kernel, "-kernel", MEMTEST),
    "multiboot-kernel": (lambda _, guest: guest, "-kernel", GUEST),
    "ipxe-rom": (media.ipxe_rom, "-option-rom", IPXE_ROM),
}


def converse(machine, steps):
    """What went wrong, or None."""
    for text, answer in steps:
        if not machine.wait_for(text):
            return f"'{text}' did not come"
        if answer:
            machine.type(answer)
    if steps[-1][1]:
        status = machine.status()
        return f"exit status {status}, expected 0" if status != 0 else None
    return None


def main():
    case, guest, *ring3 = sys.argv[1:]
    maker, option, steps = CASES[case]
    with tempfile.TemporaryDirectory() as folder:
        try:
            image = maker(pathlib.Path(folder), pathlib.Path(guest))
        except media.Missing as missing:
            print(f"skipped: {missing}")
            return 77
        command = [*ring3, "-m", "128", "-nographic"]
        if option == "virtio":
            command += ["-drive", f"file={image},format=raw,if=virtio"]
        else:
            command += [option, str(image)]
        if case == "ipxe-rom":
            command += ["-hda", str(media.syslinux_disk(pathlib.Path(folder), pathlib.Path(guest)))]
        if case == "memtest-kernel":
            command += ["-append", "console=ttyS0,115200"]
        with Console(command, TIMEOUT) as machine:
            problem = converse(machine, steps)
    if problem:
        print(f"FAILED: {problem}\n--- the console's end\n{machine.text()[-3000:]!r}")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
