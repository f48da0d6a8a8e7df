# SPDX-License-Identifier: MIT
"""Bootable media from Debian's packages, with the embedded guest (a Multiboot kernel) as the system
that they load. Each maker returns the image's path; Missing: a tool or file is not installed."""
import pathlib
import shutil
import struct
import subprocess

SYSLINUX = pathlib.Path("/usr/lib/syslinux")
IPXE = pathlib.Path("/usr/lib/ipxe")
MEMTEST = pathlib.Path("/boot/memtest86+x64.bin")
SECTOR = 512
PARTITION = 2048  # first sector
DISK_MIB, FLOPPY_KIB = 16, 1440


class Missing(Exception):
    pass


def need(path, package):
    if not path.exists():
        raise Missing(f"no {path}: install the Debian package {package}")
    return path


def run(tool, package, *arguments, **options):
    found = shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")
    if not found:
        raise Missing(f"no {tool}: install the Debian package {package}")
    subprocess.run([found, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, **options)


def syslinux_files(folder, kernel):
    """What SYSLINUX needs beside itself to start a Multiboot kernel."""
    config = folder / "syslinux.cfg"
    config.write_text("DEFAULT guest\nLABEL guest\n KERNEL mboot.c32\n APPEND guest.bin\n")
    modules = SYSLINUX / "modules/bios"
    return [config, kernel, *(need(modules / name, "syslinux-common")
                              for name in ("ldlinux.c32", "mboot.c32", "libcom32.c32"))]


def partition_table(sectors):
    """An MBR's table with one active FAT16 partition; CHS values say "too large"."""
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x0E, b"\xfe\xff\xff", PARTITION,
                        sectors - PARTITION)
    return entry + bytes(48) + b"\x55\xaa"


def syslinux_disk(folder, kernel):
    image = folder / "disk.img"
    sectors = DISK_MIB * 2048
    code = need(SYSLINUX / "mbr/mbr.bin", "syslinux-common").read_bytes()[:440]
    with image.open("wb") as file:
        file.truncate(sectors * SECTOR)
        file.write(code.ljust(446, b"\0") + partition_table(sectors))
    start = PARTITION * SECTOR
    inside = f"{image}@@{start}"
    run("mformat", "mtools", "-i", inside, "-T", sectors - PARTITION, "-h", 16, "-s", 63, "-H",
        PARTITION, "::")
    run("mcopy", "mtools", "-i", inside, *syslinux_files(folder, kernel), "::")
    run("syslinux", "syslinux", "--install", "--offset", start, image)
    return image


def syslinux_floppy(folder, kernel):
    image = folder / "floppy.img"
    with image.open("wb") as file:
        file.truncate(FLOPPY_KIB * 1024)
    run("mformat", "mtools", "-i", image, "-f", FLOPPY_KIB, "::")
    run("mcopy", "mtools", "-i", image, *syslinux_files(folder, kernel), "::")
    run("syslinux", "syslinux", "--install", image)
    return image


def grub_iso(folder, kernel):
    """A menu whose second entry is the guest; boots as CD and, for it is a hybrid, as disk."""
    need(pathlib.Path("/usr/lib/grub/i386-pc/boot.img"), "grub-pc-bin")
    tree = folder / "iso/boot"
    (tree / "grub").mkdir(parents=True)
    shutil.copy(kernel, tree)
    (tree / "grub/grub.cfg").write_text(
        "set timeout=30\n"
        'menuentry "nothing" { halt }\n'
        'menuentry "ring3 guest" { multiboot /boot/guest.bin }\n')
    image = folder / "grub.iso"
    run("grub-mkrescue", "grub-common", "-d", "/usr/lib/grub/i386-pc", "-o", image,
        folder / "iso")
    return image


def ipxe_iso(_folder, _kernel):
    return need(IPXE / "ipxe.iso", "ipxe")


def ipxe_kernel(_folder, _kernel):
    return need(IPXE / "ipxe.lkrn", "ipxe")


def ipxe_rom(_folder, _kernel):
    return need(IPXE / "qemu/pxe-virtio.rom", "ipxe-qemu")


def memtest_kernel(_folder, _kernel):
    return need(MEMTEST, "memtest86+")
