#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vnc_shell.py GUEST RING3 VNC_CLIENT: Linux' console on the VGA as people use it: over VNC they see the
shell and type commands, a screen that stands still costs nothing, sendkey and send-key type too,
pictures are what the client sees, Ctrl-Alt-Del restarts. Status 77: the guest is not there."""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import guest as guests
from screen import Picture, Screen
from vnc_client import VncClient, free_display

TIMEOUT = 120
CHARACTER = 9 * 16  # pixels
failures = 0


def expect(name, good, shown=""):
    global failures
    print(f"{'ok' if good else 'FAILED'}: {name} {shown}", flush=True)
    failures += not good


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def check_idle(client, ring3):
    """Counts what is sent while nothing happens, without and with a cursor."""
    client.type("clear; printf '\\033[?25l'; echo no-cursor\n")
    client.wait_for("no-cursor", TIMEOUT)
    client.watch(1)
    start = cpu_seconds(ring3.pid)
    rectangles, pixels = client.watch(3)
    expect("a screen that stands still: nothing is sent", rectangles == 0,
           f"({rectangles} rectangles, {cpu_seconds(ring3.pid) - start:.2f} s of CPU in 3 s)")
    client.type("clear; printf '\\033[?25h'; echo with-cursor\n")
    client.wait_for("with-cursor", TIMEOUT)
    client.watch(1)
    rectangles, pixels = client.watch(3)
    expect("a cursor that blinks: its character is sent", 0 < pixels <= rectangles * CHARACTER,
           f"({rectangles} rectangles, {pixels} pixels)")


def check_keys(client, screen):
    for key in ("e", "c", "h", "o", "spc"):
        screen.monitor(f"sendkey {key}")
    for keys in (["shift", "4"], ["shift", "9"], ["shift", "9"], ["6"], ["shift", "8"], ["8"],
                 ["shift", "0"], ["shift", "0"], ["minus"], ["q"], ["ret"]):
        screen.command("send-key", keys=[{"type": "qcode", "data": key} for key in keys])
    expect("sendkey and send-key reach the shell", client.wait_for("48-q", TIMEOUT))
    client.type("sleep 1; echo $((100000+$(wc -c </proc/version)-$(wc -c </proc/version)))-end\n")
    expect("a long command typed at once arrives whole", client.wait_for("100000-end", TIMEOUT))


def check_pictures(client, screen, directory):
    client.ask("key ffe1")  # Shift alone; then the screen stands still but for the cursor
    client.type("\nprintf '\\033[?25l'\n")
    client.watch(2)
    client.ask(f"save {directory}/vnc.ppm")
    picture = screen.picture()
    expect("screendump is what the client sees",
           picture.different(Picture(directory / "vnc.ppm")) == 0)
    screen.command("screendump", filename=f"{directory}/screen", format="png")
    png = (directory / "screen").read_bytes()
    expect("screendump format=png", png.startswith(b"\x89PNG"))


def check(guest, ring3_program, client_program, directory):
    display = free_display()
    where = guests.files(guest)
    command = [ring3_program, "-m", "256", "-no-reboot", "-serial", "null",
               "-kernel", where / "vmlinuz", "-initrd", where / "initrd.gz",
               "-append", "console=tty0", "-display", f"vnc=127.0.0.1:{display}",
               "-qmp", f"unix:{directory}/qmp,server,nowait", "-monitor", "none"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as ring3:
        try:
            screen = Screen(directory / "qmp")
            client = VncClient(client_program, display)
            expect("the shell's prompt shows", client.wait_for("guest:/root#", TIMEOUT))
            client.type("echo $((6*7))-By_VNC\n")
            expect("a typed command's output shows", client.wait_for("42-By_VNC", TIMEOUT))
            check_idle(client, ring3)
            check_keys(client, screen)
            check_pictures(client, screen, directory)
            screen.monitor("sendkey ctrl-alt-delete")
            deadline = time.monotonic() + TIMEOUT
            while ring3.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
            expect("Ctrl-Alt-Del restarts the guest", ring3.returncode == 0)
            client.close()
        finally:
            ring3.kill()


def main():
    guest, ring3, client = sys.argv[1:]
    if not (guests.files(guest) / "initrd.gz").exists():
        print(f"skipped: the guest {guest} is not there")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as name:
        check(guest, ring3, client, pathlib.Path(name))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
