# SPDX-License-Identifier: MIT
"""An initramfs in cpio's newc format (Linux, "initramfs buffer format"), written without root."""
import pathlib

FILE, FOLDER = 0o100755, 0o40755


def entry(number, name, mode, data=b""):
    """A header of 13 eight-digit fields, the name, the data; each padded to four bytes."""
    raw = name.encode() + b"\0"
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + raw
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def write(path, files):
    """`files`: path in the guest -> file on the host."""
    entries = [("bin", FOLDER, b"")]
    entries += [(name, FILE, pathlib.Path(source).read_bytes()) for name, source in files.items()]
    archive = b"".join(entry(number, *what) for number, what in enumerate(entries, 1))
    pathlib.Path(path).write_bytes(archive + entry(0, "TRAILER!!!", 0))
