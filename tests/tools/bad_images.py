#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bad_images.py RING3 NASM: disk images that are missing, broken, in use or on a full disk, and ports
that are taken: one clear line, status 1, and no byte of any file changed; or, where the guest is
already running, an I/O error for the guest and an image that qemu-img finds consistent."""
import hashlib
import os
import pathlib
import resource
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

TIMEOUT = 60
SOURCE = pathlib.Path(__file__).with_name("disk.asm")
READS_WELL, SEES_ERROR = 1, 15  # debug exit: (value << 1) | 1
MIB = 1 << 20


class Test:
    def __init__(self, ring3, nasm, directory):
        self.ring3, self.nasm, self.directory = ring3, nasm, directory
        self.failures = 0

    def expect(self, name, good, shown=""):
        print(f"{'ok' if good else 'FAILED'}: {name}", flush=True)
        if not good:
            self.failures += 1
            print(f"  {shown!r}")

    def run(self, *arguments, **how):
        try:
            return subprocess.run([self.ring3, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  errors="replace", timeout=TIMEOUT, check=False, **how)
        except subprocess.TimeoutExpired as late:
            return subprocess.CompletedProcess(late.cmd, None, "", "timeout")

    def path(self, name):
        return self.directory / name

    def qemu_img(self, *arguments):
        return subprocess.run(["qemu-img", *map(str, arguments)], cwd=self.directory, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT).returncode

    def create(self, name, *options, size="4M"):
        if self.qemu_img("create", "-q", "-f", "qcow2", *options, name, size):
            sys.exit(f"bad_images.py: qemu-img cannot create {name}")
        return self.path(name)

    def guest(self, name, *defines):
        image = self.path(name)
        subprocess.run([self.nasm, "-f", "bin", *defines, "-o", str(image), str(SOURCE)], check=True)
        return image

    def hashes(self):
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest()
                for p in self.directory.iterdir() if p.is_file()}

    def refused(self, name, arguments, *words, **how):
        """Status 1, one line with these words, and every file as it was."""
        before = self.hashes()
        result = self.run(*arguments, **how)
        lines = result.stderr.splitlines()
        good = (result.returncode == 1 and len(lines) == 1 and
                all(str(word) in lines[0] for word in words))
        self.expect(name, good, (result.returncode, lines))
        self.expect(f"{name}: nothing changed", self.hashes() == before)


def patch(path, offset, layout, *values):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(struct.pack(layout, *values))


def spoiled(test):
    """(name, image, words): qcow2 images with one thing wrong. 64 KiB clusters: header, refcount
    table, refcount block, L1 table."""
    def image(name, offset, layout, *values):
        path = test.create(name)
        patch(path, offset, layout, *values)
        return path

    for name, size in (("cut-in-header", 60), ("cut-in-tables", 0x10000), ("cut-in-l1", 0x30004)):
        path = test.create(name)
        os.truncate(path, size)
        yield name, path, ["truncated"]
    yield "version 9", image("version", 4, ">I", 9), ["version 9"]
    yield "cluster size", image("clusters", 20, ">I", 40), ["corrupt", "qemu-img check"]
    yield "size", image("size", 24, ">Q", 1 << 63), ["corrupt"]
    yield "encrypted", image("encrypted", 32, ">I", 1), ["encrypted", "qemu-img convert"]
    yield "L1 too large", image("l1-large", 36, ">I", 1 << 30), ["corrupt", "L1"]
    yield "L1 outside", image("l1-outside", 40, ">Q", 1 << 40), ["truncated"]
    yield "L1 unaligned", image("l1-unaligned", 40, ">Q", 0x30001), ["corrupt"]
    yield "L1 over the refcounts", image("l1-over", 40, ">Q", 0x20000), ["corrupt", "L1"]
    yield "refcounts outside", image("refcounts", 48, ">Q", 1 << 40), ["truncated"]
    yield "no refcounts", image("no-refcounts", 56, ">I", 0), ["corrupt", "refcount"]
    yield "refcount block outside", image("block", 0x10000, ">Q", 1 << 40), ["corrupt", "refcount"]
    yield "refcount block twice", image("twice", 0x10008, ">Q", 0x20000), ["corrupt", "refcount"]
    yield "L2 outside", image("l2", 0x30000, ">Q", 1 << 40), ["truncated or corrupt"]
    yield "L2 over the refcounts", image("l2-over", 0x30000, ">Q", 0x20000), ["corrupt", "L1"]
    yield "dirty", image("dirty", 72, ">Q", 1), ["qemu-img check -r"]
    yield "unknown feature", image("feature", 72, ">Q", 1 << 40), ["features"]
    yield "data file", test.create("ext", "-o", "data_file=ext.raw"), ["another file"]
    yield "extended L2", test.create("long-l2", "-o", "extended_l2=on"), ["extended L2"]


def backed(test):
    raw = test.path("base.raw")
    raw.write_bytes(bytes(MIB))
    gone = test.create("gone", "-u", "-b", "nowhere.raw", "-F", "raw")
    yield "backing file gone", gone, ["nowhere.raw", "No such file"]
    itself = test.create("itself")
    test.qemu_img("rebase", "-u", "-b", "itself", "-F", "qcow2", "itself")
    yield "backing file is itself", itself, ["circle", "qemu-img rebase"]
    test.create("b-of-circle", "-u", "-b", "a-of-circle", "-F", "qcow2")
    a = test.create("a-of-circle", "-u", "-b", "b-of-circle", "-F", "qcow2")
    yield "backing files in a circle", a, ["circle"]
    wrong = test.create("wrong-format", "-u", "-b", "base.raw", "-F", "qcow2")
    yield "backing file of another format", wrong, ["base.raw", "no qcow2"]
    alien = test.create("alien", "-u", "-b", "base.raw", "-F", "vmdk")
    yield "backing format unknown", alien, ["vmdk", "raw and qcow2"]
    remote = test.create("remote", "-u", "-b", "nbd://localhost/x", "-F", "raw")
    yield "backing file that is no file", remote, ["nbd:", "qemu-img rebase"]


def check_refused(test):
    for name, image, words in [*spoiled(test), *backed(test)]:
        test.refused(name, ["-hda", image], "-hda", image, *words)
    image = test.path("itself")
    for name, options in (("virtio", ["-drive", f"file={image},if=virtio"]), ("floppy", ["-fda", image]),
                          ("snapshot", ["-snapshot", "-hda", image]),
                          ("read-only", ["-drive", f"file={image},readonly=on"])):
        test.refused(f"a circle: {name}", options, image, "circle")
    raw = test.path("base.raw")
    test.refused("format=qcow2 of a raw file", ["-drive", f"file={raw},format=qcow2"], raw, "format=raw")
    test.refused("a directory", ["-hda", test.directory], "-hda", test.directory, "directory")
    fifo = test.path("fifo")
    os.mkfifo(fifo)
    test.refused("a pipe", ["-hda", fifo], "-hda", fifo, "neither")
    fifo.unlink()


def guest_run(test, guest, image, *options, **how):
    return test.run("-image", guest, "-drive", f"file={image},discard=unmap", "-device",
                    "isa-debug-exit,iobase=0xf4", "-serial", "null", *options, **how)


def check_broken_clusters(test):
    """Opening does not look at clusters: the guest that reads them finds out."""
    guest = test.guest("reader", "-DSECTORS=512")
    test.path("source.raw").write_bytes(b"text and more text. " * 52429)
    for kind in ("zlib", "zstd"):
        image = test.path(f"packed-{kind}")
        test.qemu_img("convert", "-c", "-O", "qcow2", "-o", f"compression_type={kind}", "source.raw",
                      image.name)
        result = guest_run(test, guest, image)
        test.expect(f"{kind}: sound clusters are read", result.returncode == READS_WELL, result)
        content = bytearray(image.read_bytes())
        content[0x50000:] = bytes(b ^ 0x5A for b in content[0x50000:])
        image.write_bytes(content)
        result = guest_run(test, guest, image)
        test.expect(f"{kind}: broken clusters are an I/O error for the guest",
                    result.returncode == SEES_ERROR and "corrupt" in result.stderr and
                    len(result.stderr.splitlines()) == 1, result)
    image = test.path("shrunk")
    test.qemu_img("convert", "-O", "qcow2", "source.raw", image.name)
    os.truncate(image, 0x60000)
    result = guest_run(test, guest, image)
    test.expect("clusters past the end are an I/O error for the guest",
                result.returncode == SEES_ERROR and "truncated" in result.stderr, result)


def check_full_disk(test, name, directory, *options, **how):
    guest = test.guest("writer", "-DSECTORS=4096", "-DWRITE")
    image = directory / "full.qcow2"
    test.qemu_img("create", "-q", "-f", "qcow2", "-o", "cluster_size=4k", image, "4M")
    result = guest_run(test, guest, image, *options, **how)
    test.expect(f"{name}: the guest sees an I/O error, the user one line",
                result.returncode == SEES_ERROR and len(result.stderr.splitlines()) == 1 and
                str(image) in result.stderr and "cannot be written" in result.stderr, result)
    # 3: clusters that nobody uses. No harm.
    test.expect(f"{name}: the image is consistent", test.qemu_img("check", image) in (0, 3))
    image.unlink()


def check_full_disks(test):
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
    # The translator's code memory would be a file past the limit too.
    check_full_disk(test, "file size limit", test.directory, "-accel", "interp", preexec_fn=limit)
    small = test.path("small")
    small.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small],
                                           stderr=subprocess.DEVNULL, check=False).returncode:
        print("skipped: a small file system: it cannot be mounted here")
        return
    try:
        check_full_disk(test, "full file system", small)
    finally:
        subprocess.run(["umount", small], check=True)


def check_locks(test):
    raw, image = test.path("base.raw"), test.create("locked")
    with subprocess.Popen([test.ring3, "-S", "-monitor", "none", "-serial", "null", "-hda", str(image),
                           "-qmp", f"unix:{test.path('qmp')},server,nowait", "-drive",
                           f"file={raw},readonly=on"], stdin=subprocess.DEVNULL) as holder:
        while not test.path("qmp").exists() and holder.poll() is None:
            pass
        try:
            test.refused("a second writer", ["-hda", image], "-hda", image, "in use", "copy")
            test.refused("a reader beside a writer", ["-drive", f"file={image},readonly=on"], image,
                         "in use")
            test.refused("a writer beside a reader", ["-drive", f"file={raw},format=raw"], raw, "in use")
            above = test.create("above", "-u", "-b", "locked", "-F", "qcow2")
            test.refused("a backing file that is being written", ["-hda", above], "locked", "in use")
            test.refused("a -qmp path that is served", ["-qmp", f"unix:{test.path('qmp')}"], "-qmp",
                         test.path("qmp"), "in use")
        finally:
            holder.kill()
    test.path("qmp").unlink()


def check_ports(test):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for option in ("-qmp", "-monitor", "-gdb"):
            more = ",server,nowait" if option != "-gdb" else ""
            test.refused(f"{option}: a port in use", [option, f"tcp:127.0.0.1:{port}{more}"], option,
                         f"127.0.0.1:{port}", "in use", "another")
    for option in ("-qmp", "-monitor", "-gdb"):
        test.refused(f"{option}: a file in the way", [option, f"unix:{test.path('base.raw')}"], option,
                     "base.raw", "no socket")
        test.refused(f"{option}: no such directory", [option, f"unix:{test.path('no/where')}"], option,
                     "no/where")
        test.refused(f"{option}: no such host", [option, "tcp:256.0.0.1:1"], option, "256.0.0.1")


def check_full_streams(test):
    """Nobody can read the error, but it is one."""
    with open("/dev/full", "wb") as full:
        result = subprocess.run([test.ring3, "-hda", str(test.path("nowhere"))], stderr=full,
                                stdin=subprocess.DEVNULL, check=False, timeout=TIMEOUT)
    test.expect("standard error is full", result.returncode == 1, result)


def main():
    ring3, nasm = sys.argv[1:]
    if not shutil.which("qemu-img"):
        print("bad_images.py: there is no qemu-img (package qemu-utils)")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as name:
        test = Test(ring3, nasm, pathlib.Path(name))
        check_refused(test)
        check_broken_clusters(test)
        check_full_disks(test)
        check_locks(test)
        check_ports(test)
        check_full_streams(test)
    sys.exit(1 if test.failures else 0)


if __name__ == "__main__":
    main()
