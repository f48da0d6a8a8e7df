# SPDX-License-Identifier: MIT
"""Bochs as an emulator of a Linux guest. It has no loader for kernels: it boots a CD by ISOLINUX (Debian
packages bochs, isolinux, xorriso)."""
import pathlib
import shutil
import subprocess

ISOLINUX = pathlib.Path("/usr/lib/ISOLINUX/isolinux.bin")
LDLINUX = pathlib.Path("/usr/lib/syslinux/modules/bios/ldlinux.c32")
BOCHS_FILES = pathlib.Path("/usr/share/bochs")
CPU = "corei7_haswell_4770"
LOADED = "initrd.gz...ok"  # on the console, when ISOLINUX has the kernel in memory

ISOLINUX_CFG = """SERIAL 0 115200
DEFAULT guest
LABEL guest
KERNEL /vmlinuz
APPEND initrd=/initrd.gz {append}
"""
BOCHSRC = """display_library: rfb, options="timeout=0"
megs: {megs}
romimage: file={files}/BIOS-bochs-latest
vgaromimage: file={files}/VGABIOS-lgpl-latest
cpu: model={cpu}, ips=100000000
clock: sync=none, time0=utc
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
com1: enabled=1, {serial}
log: {log}
panic: action=fatal
error: action=ignore
"""


def missing():
    """What is not installed of what a run needs."""
    return [str(p) for p in ("bochs", "xorriso", ISOLINUX, LDLINUX)
            if not shutil.which(p) and not pathlib.Path(p).exists()]


def make_cd(work, kernel, initrd, append):
    tree = work / "cd"
    tree.mkdir(exist_ok=True)
    for source, target in ((kernel, "vmlinuz"), (LDLINUX, "ldlinux.c32"), (initrd, "initrd.gz"),
                           (ISOLINUX, ISOLINUX.name)):
        shutil.copy(source, tree / target)
    (tree / "isolinux.cfg").write_text(ISOLINUX_CFG.format(append=append))
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-o", work / "cd.iso", "-b", ISOLINUX.name,
                    "-c", "boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", tree],
                   check=True, capture_output=True)


def command(work, kernel, initrd, append, memory, serial, cpu=CPU, program=("bochs",)):
    """Its files in the folder `work`; `serial`: the options of com1. `memory`: as QEMU's -m."""
    make_cd(work, kernel, initrd, append)
    (work / "bochsrc").write_text(BOCHSRC.format(megs=memory.rstrip("M"), files=BOCHS_FILES,
                                                 iso=work / "cd.iso", serial=serial, cpu=cpu,
                                                 log=work / "log"))
    (work / "debugger").write_text("c\n")  # for a build with the debugger, as Debian's
    return [*program, "-q", "-f", str(work / "bochsrc"), "-rc", str(work / "debugger")]
