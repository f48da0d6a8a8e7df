#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gdb.py RING3 MODES.BIN [KERNEL INITRD]: gdb itself against ring3's stub, under both engines: a
flat guest that changes its mode while gdb is connected, and the start of a Linux kernel."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

TIMEOUT = 120
failures = 0

# The socket's file is there before ring3 listens, and on a busy host much earlier.
CONNECT = """python
import os, signal, threading, time
def connect():
    for attempt in range(600):
        try:
            return gdb.execute("target remote SOCKET")
        except gdb.error as error:
            reason = error
            time.sleep(0.05)
    print(f"no connection: {reason}")
connect()
end"""


def gdb_run(ring3, options, batches, directory, arch=""):
    """Starts the guest stopped, then gdb once per batch of commands. (output of each, status)."""
    socket = directory / "gdb"
    socket.unlink(missing_ok=True)
    guest = subprocess.Popen([ring3, "-S", "-gdb", f"unix:{socket}{arch}", "-serial", "null",
                              "-monitor", "none", *options], stdin=subprocess.DEVNULL)
    outputs = []
    try:
        for batch in batches:
            script = directory / "script"
            script.write_text(f"""set pagination off
set confirm off
set height 0
{CONNECT.replace("SOCKET", str(socket))}
{batch}
""", encoding="utf-8")
            done = subprocess.run(["gdb", "-nx", "-q", "-batch", "-x", str(script)], text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False)
            outputs.append(done.stdout)
        return outputs, guest.wait(timeout=20)
    except subprocess.TimeoutExpired:
        return outputs + [""] * len(batches), None
    finally:
        guest.kill()
        guest.wait()


def expect(name, output, *words):
    """The words must come in this order."""
    global failures
    at, missing = 0, None
    for word in words:
        at = output.find(word, at)
        if at < 0:
            missing = word
            break
    print(f"{'ok' if missing is None else 'FAILED'}: {name}")
    if missing is not None:
        failures += 1
        print(f"  not found in order: {missing!r} in\n{output}")


REAL = """
show architecture
p $eip
break *0x7d00
continue
info registers eip cr0
stepi
p $ax
break *0x7e00
continue
p $eip
detach
"""
# A read by LGDT; the instruction between the two modes.
REAL_STOPS = """
rwatch *(short*)0x7e78
continue
p $eip
delete
hbreak *0x7c12
continue
p $cr0 & 1
stepi
p $eip
kill
"""
# Told from the start that it is a 32-bit machine.
PROTECTED_STOPS = """
show architecture
hbreak *0x7d00
continue
delete
watch *(int*)0x10000
continue
p/x *(int*)0x10000
delete
awatch *(int*)0x12000
continue
delete
break *0x7e00
continue
p/x $cr0
kill
"""
# The guest runs a loop of two instructions when gdb interrupts it, so that is translated.
HOT_STOPS = """
python threading.Timer(1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
continue
p $rip >= 0x7e00 && $rip < 0x7e0c
rwatch *(char*)0x9008
continue
p/x $rip
delete
hbreak *0x7e08
continue
continue
p/x $rip
delete
watch *(char*)0x9008
python threading.Timer(1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
continue
delete
set var *(char*)0x9008 = 1
awatch *(long*)0x9000
continue
p/x $rip
continue
p $rcx
delete
hbreak *0x7e48 if $rcx == 99900
continue
p $rcx
p *(long*)0x9000
detach
"""
LONG = """
show architecture
info registers cs cr0 efer
x/bx $rip
set var *(char*)0x9008 = 1
break *0x7e40
continue
p/x $rbx
p $xmm1.v2_int64
stepi
p $rip
set var $rcx = 5
delete
watch *(long*)0x9000
continue
delete
set var $xmm1.v2_int64[1] = 77
stepi
p $xmm1.v2_int64[1]
p $rcx
x/2i $rip
monitor info status
p/x $ss_base
detach
"""


def check_modes(ring3, image, engine, directory):
    options = ["-accel", engine, "-image", image, "-device", "isa-debug-exit,iobase=0xf4"]
    outputs, status = gdb_run(ring3, options, [REAL, LONG], directory)
    real, long = outputs[:2]
    expect(f"{engine}: real mode", real, "i8086", "$1 = (void (*)()) 0x7c00", "Breakpoint 1",
           "0x7d00", "0x11", "0x00007d04", "$2 = 16")
    expect(f"{engine}: into long mode while connected", real, "64-bit mode now",
           "Breakpoint 2", "$3 = (void (*)()) 0x7e00", "detached")
    expect(f"{engine}: long mode", long, "i386:x86-64", "0x80000011", "0x500", "Breakpoint 1",
           "$1 = 0x123456789abcdef0", "$2 = {1311768467463790320, 0}", "$3 = (void (*)()) 0x7e48",
           "Hardware watchpoint 2", "Old value = 1", "New value = 2", "$4 = 77", "$5 = 3",
           "VM status: paused", "$6 = 0x0", "detached")
    expect(f"{engine}: runs on to its end", f"status {status}", "status 85")


def check_stops(ring3, image, engine, directory):
    """Hardware breakpoints and watchpoints of each kind, in each mode."""
    options = ["-accel", engine, "-image", image, "-device", "isa-debug-exit,iobase=0xf4"]
    (real,), _ = gdb_run(ring3, options, [REAL_STOPS], directory)
    expect(f"{engine}: stops in real mode", real, "Hardware read watchpoint 1",
           "Hardware read watchpoint 1", "0x7c0a", "assisted breakpoint 2", "Breakpoint 2", "= 1",
           "0x7d00")
    (protected,), _ = gdb_run(ring3, options, [PROTECTED_STOPS], directory, ",arch=i386")
    expect(f"{engine}: stops in protected mode", protected, "i386", "Breakpoint 1",
           "Hardware watchpoint 2", "New value = 69635", "= 0x11003",
           "Hardware access (read/write) watchpoint 3", "Hardware access (read/write) watchpoint 3",
           "Breakpoint 4", "= 0x80000011")
    (_, hot), status = gdb_run(ring3, options, [REAL, HOT_STOPS], directory)
    access = "Hardware access (read/write) watchpoint 4"
    expect(f"{engine}: stops in translated code", hot, "SIGINT", "$1 = 1",
           "Hardware read watchpoint 1", "Hardware read watchpoint 1", "$2 = 0x7e08",
           "Breakpoint 2", "Breakpoint 2", "$3 = 0x7e08", "Hardware watchpoint 3", "SIGINT", access,
           access, "= 0x7e48", access, "$5 = 99999", "Breakpoint 5", "$6 = 99900", "$7 = 101",
           "detached")
    expect(f"{engine}: translated code runs on to its end", f"status {status}", "status 85")


LINUX = """
break *0x1000000
continue
info registers rip cr3
p/x *(unsigned int*)$rip != 0
delete
stepi
stepi
watch -location *(long*)($rsp - 8)
continue
p *(long*)$rsp != 0
delete
python
while int(gdb.parse_and_eval("(long)$rip")) > 0:
    gdb.execute("stepi 100")
end
x/3i $rip
p $cs
p $cr4 & 0x20
info registers gs_base k_gs_base fs_base
monitor info registers
delete
kill
"""


def check_linux(ring3, kernel, initrd, engine, directory):
    options = ["-accel", engine, "-m", "256", "-kernel", kernel, "-initrd", initrd,
               "-append", "console=ttyS0 nokaslr"]
    (output,), status = gdb_run(ring3, options, [LINUX], directory)
    expect(f"{engine}: Linux: break, step, watch, registers", output, "Breakpoint 1",
           "0x1000000", "$1 = 0x1", "Hardware watchpoint 2", "New value", "$2 = 1",
           "=> 0xffffffff8", "= 16", "= 32", "gs_base", "RAX=", "killed")
    expect(f"{engine}: Linux: gdb's kill ends the run", f"status {status}", "status 0")


def main():
    if not shutil.which("gdb"):
        print("gdb.py: there is no gdb")
        sys.exit(77)
    ring3, image, *guest = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        for engine in ("interp", "jit"):
            check_modes(ring3, image, engine, directory)
            check_stops(ring3, image, engine, directory)
            if guest and pathlib.Path(guest[0]).exists():
                check_linux(ring3, *guest, engine, directory)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
