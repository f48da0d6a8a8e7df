#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""seabios.py RING3 [OPTION...]: Debian's SeaBIOS, unmodified, finds the board as it is and posts
until it has nothing to boot. Skipped (77) where its package is not installed."""
import pathlib
import sys
import tempfile

from console import Console

IMAGE = pathlib.Path("/usr/share/seabios/bios-256k.bin")
TIMEOUT = 60

# On the debug port, in this order; the memory map is the one of 256 MiB.
LOG = ["Found QEMU fw_cfg", "QEMU fw_cfg DMA interface supported", "Moving pm_base to 0x600",
       "Using pmtimer, ioport 0x608", "Found 1 cpu(s)", "Copying SMBIOS", "(via xsdt)",
       "sercon: configuring as primary display", "PS2 keyboard initialized",
       "0000000000000000 - 000000000009fc00 = 1 RAM",
       "00000000000f0000 - 0000000000100000 = 2 RESERVED", "= 1 RAM", "enter handle_19"]


def missing(log):
    at = 0
    for text in LOG:
        found = log.find(text, at)
        if found < 0:
            yield f"the debug log lacks '{text}', or has it too early"
        else:
            at = found + len(text)
    if "error" in log:
        yield "the debug log tells of an error"


def main():
    if not IMAGE.exists():
        print(f"skipped: no {IMAGE}: install the Debian package seabios")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "log"
        command = [*sys.argv[1:], "-m", "256", "-bios", "seabios", "-nographic", "-debugcon",
                   f"file:{log}"]
        with Console(command, TIMEOUT) as machine:
            found = [] if machine.wait_for("No bootable device.") else ["it did not post"]
        found += missing(log.read_text(errors="replace") if log.exists() else "")
        print(machine.text())
    for problem in found:
        print(f"FAILED: {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
