# SPDX-License-Identifier: MIT
"""Disk images for guests, initramfs archives with a script of a test, and what is wrong with an
image afterwards. Needs e2fsprogs, and for other formats than raw qemu-utils."""
import gzip
import pathlib
import random
import shutil
import subprocess
import guest as guests

TOOLS = ("mke2fs", "e2fsck", "debugfs", "qemu-img")


def missing_tools():
    return [tool for tool in TOOLS if not which(tool)]


def which(tool):
    return shutil.which(tool, path="/usr/sbin:/sbin:" + (shutil.os.environ.get("PATH") or ""))


def run(tool, *arguments):
    return subprocess.run([which(tool), *map(str, arguments)], check=True, capture_output=True)


def random_file(path, size):
    path.write_bytes(random.Random(1).randbytes(size))
    return path


def ext4(path, kilobytes, data):
    """A raw image with an ext4 file system that holds `data` as /data; without a journal if it is
    a floppy disk."""
    with open(path, "wb") as image:
        image.truncate(kilobytes << 10)
    run("mke2fs", "-q", "-F", "-t", "ext4" if kilobytes > 2048 else "ext2", "-b", "1024", path)
    run("debugfs", "-w", "-R", f"write {data} data", path)


def convert(source, target, form, *options):
    run("qemu-img", "convert", "-O", form, *options, source, target)


def initrd(guest, script, target):
    """The guest's initramfs for disks, with `script` as what it runs."""
    archive = b""
    for name, mode, content in (("etc", 0o40755, b""), ("etc/selftest", 0o100755, script),
                                ("TRAILER!!!", 0, b"")):
        fields = [0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        archive += pad(b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0")
        archive += pad(content)
    base = (guests.files(guest) / "initrd-disk.gz").read_bytes()
    pathlib.Path(target).write_bytes(base + gzip.compress(archive, 1))


def pad(data):
    return data + bytes(-len(data) % 4)


def problems(image, raw):
    """What is wrong with an image, of any format, that holds one ext4 file system; `raw` is where a
    raw copy of it may go."""
    found = []
    if form_of(image) != "raw":
        check = subprocess.run([which("qemu-img"), "check", image], capture_output=True, check=False)
        if check.returncode not in (0, 3):  # 3: leaked clusters, which harm nobody
            found.append("qemu-img check: " + guests.text(check.stdout + check.stderr))
    convert(image, raw, "raw")
    check = subprocess.run([which("e2fsck"), "-fn", raw], capture_output=True, check=False)
    if check.returncode != 0:
        found.append("e2fsck: " + guests.text(check.stdout + check.stderr))
    return found


def form_of(image):
    with open(image, "rb") as file:
        return "qcow2" if file.read(4) == b"QFI\xfb" else "raw"


def read_file(raw, name):
    return subprocess.run([which("debugfs"), "-R", f"cat {name}", raw], capture_output=True,
                          check=True).stdout
