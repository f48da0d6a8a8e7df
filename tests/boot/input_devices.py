#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""input_devices.py GUEST RING3 [VNC_CLIENT]: Linux' drivers find keyboard and pointers (PS/2, then
virtio), and what is typed, pointed and turned comes out of /dev/input. Status 77: the guest is not
there."""
import json
import pathlib
import re
import sys
import tempfile
import time

import guest as guests
from console import Console
from screen import Screen
from vnc_client import VncClient, free_display

TIMEOUT = 120
MOST = 0x7FFF
PROMPT = "guest:/root# "
KEY, REL, ABS = 1, 2, 3
X, Y, WHEEL = 0, 1, 8
LEFT, RIGHT, HIRES_WHEEL = 0x110, 0x111, 11
failures = 0


def expect(name, good, shown=""):
    global failures
    print(f"{'ok' if good else 'FAILED'}: {name}", flush=True)
    if not good:
        failures += 1
        print(f"  {shown}")


class Guest:
    def __init__(self, console, screen):
        self.console, self.screen = console, screen

    def run(self, command):
        """A command's output."""
        start = self.console.at
        self.console.type(command + "\n")
        if not self.console.wait_for(PROMPT):
            raise TimeoutError(f"{command}: {self.console.text()[-2000:]}")
        return self.console.seen[start:self.console.at].decode("utf-8", "replace").replace("\r", "")

    def devices(self):
        """{name: number of its event device}."""
        text = self.run("cat /proc/bus/input/devices")
        return {name: int(number) for name, number in
                re.findall(r'N: Name="(.*?)".*?Handlers=.*?event(\d+)', text, re.DOTALL)}

    def events(self, device, act):
        """What the device says while `act` runs: (type, code, value), without reports."""
        self.run(f"cat /dev/input/event{device} >/tmp/events & sleep 0.2")
        act()
        self.run("sleep 0.5; kill $!")
        text = self.run("hexdump -v -e '24/1 \"%02x\" \"\\n\"' /tmp/events")
        found = []
        for line in re.findall(r"^[0-9a-f]{48}$", text, re.MULTILINE):
            raw = bytes.fromhex(line)
            kind, code = (int.from_bytes(raw[i:i + 2], "little") for i in (16, 18))
            found.append((kind, code, int.from_bytes(raw[20:24], "little", signed=True)))
        return [event for event in found if event[0] in (KEY, REL, ABS)]

    def send(self, *events):
        self.screen.command("input-send-event", events=list(events))


def key(name, down):
    return {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": name}}}


def button(name, down):
    return {"type": "btn", "data": {"down": down, "button": name}}


def axis(kind, name, value):
    return {"type": kind, "data": {"axis": name, "value": value}}


def check_keyboard(guest, device, what):
    def act():
        for name in ("a", "up", "pause"):
            guest.send(key(name, True), key(name, False))
    seen = guest.events(device, act)
    wanted = [(KEY, code, down) for code in (30, 103, 119) for down in (1, 0)]
    expect(f"{what}: keys", seen == wanted, seen)


def check_held_key(guest, device, what):
    def act():
        guest.send(key("b", True))
        guest.run("sleep 1")
        guest.send(key("b", False))
    seen = guest.events(device, act)
    expect(f"{what}: a key that is held repeats", seen[0] == (KEY, 48, 1) and
           seen[-1] == (KEY, 48, 0) and len(seen) > 4 and set(seen[1:-1]) == {(KEY, 48, 2)}, seen)


def check_relative(guest, device, what):
    def act():
        guest.send(axis("rel", "x", 5), axis("rel", "y", 7))
        guest.send(button("right", True))
        guest.send(button("right", False))
        guest.send(button("wheel-up", True), button("wheel-up", False))
    seen = guest.events(device, act)
    wanted = [(REL, X, 5), (REL, Y, 7), (KEY, RIGHT, 1), (KEY, RIGHT, 0), (REL, WHEEL, 1)]
    expect(f"{what}: movement, buttons, wheel", [e for e in seen if e[1] != HIRES_WHEEL] == wanted, seen)


def check_absolute(guest, device, what):
    def act():
        guest.send(axis("abs", "x", 1000), axis("abs", "y", MOST))
        guest.send(button("left", True))
        guest.send(button("left", False))
        guest.send(button("wheel-down", True), button("wheel-down", False))
    seen = [e for e in guest.events(device, act) if e[:2] != (REL, HIRES_WHEEL)]
    places = dict((e[:2], e[2]) for e in seen if e[0] == ABS)
    good = (places == {(ABS, X): 1000, (ABS, Y): MOST} and
            [e for e in seen if e[0] != ABS] == [(KEY, LEFT, 1), (KEY, LEFT, 0), (REL, WHEEL, -1)])
    expect(f"{what}: places, buttons, wheel", good, seen)


def check_vnc(guest, device, what, client):
    """The middle and the last pixel of a screen of 720 by 400."""
    def act():
        client.ask("move 360 100 0")
        guest.run("sleep 0.2")
        client.ask("move 719 399 0")
    seen = [e for e in guest.events(device, act) if e[0] == ABS]
    wanted = [(ABS, X, 360 * MOST // 719), (ABS, Y, 100 * MOST // 399), (ABS, X, MOST),
              (ABS, Y, MOST)]
    expect(f"{what}: the pointer of a VNC client", seen == wanted, (seen, wanted))


def with_guest(name, ring3, options, client_program, check):
    where = guests.files(name)
    display = free_display() if client_program else None
    with tempfile.TemporaryDirectory() as directory:
        qmp = pathlib.Path(directory) / "qmp"
        command = [ring3, "-m", "256", "-no-reboot", "-kernel", where / "vmlinuz",
                   "-initrd", where / "initrd-screen.gz", "-append", "console=ttyS0 quiet",
                   "-serial", "stdio", "-qmp", f"unix:{qmp},server,nowait", *options]
        if client_program:
            command += ["-display", f"vnc=127.0.0.1:{display}"]
        with Console(command, TIMEOUT) as console:
            guest = Guest(console, Screen(qmp))
            client = VncClient(client_program, display) if client_program else None
            expect("the shell comes", console.wait_for(PROMPT), console.text()[-1000:])
            print(guest.run("load input"), end="\n")
            check(guest, guest.devices(), client)
            console.type("poweroff -f\n")
            expect("power off", console.status() == 0)


def check_ps2(guest, devices, _):
    deadline = time.monotonic() + TIMEOUT
    while not any("ImEx" in name for name in devices) and time.monotonic() < deadline:
        guest.run("sleep 0.5")
        devices = guest.devices()  # the mouse is probed behind our back
    print(json.dumps(devices))
    keyboard = devices["AT Translated Set 2 keyboard"]
    check_keyboard(guest, keyboard, "PS/2 keyboard")
    check_held_key(guest, keyboard, "PS/2 keyboard")
    check_relative(guest, devices["ImExPS/2 Generic Explorer Mouse"], "PS/2 mouse")


def check_virtio(guest, devices, client):
    print(json.dumps(devices))
    for name in ("virtio-keyboard", "virtio-mouse", "virtio-tablet"):
        expect(name, name in devices, devices)
    check_keyboard(guest, devices["virtio-keyboard"], "virtio-keyboard")
    check_held_key(guest, devices["virtio-keyboard"], "virtio-keyboard")
    # Buttons and wheel are the tablet's, where there is one.
    moved = guest.events(devices["virtio-mouse"],
                         lambda: guest.send(axis("rel", "x", -5), axis("rel", "y", 7)))
    expect("virtio-mouse: movement", moved == [(REL, X, -5), (REL, Y, 7)], moved)
    check_absolute(guest, devices["virtio-tablet"], "virtio-tablet")
    if client:
        check_vnc(guest, devices["virtio-tablet"], "virtio-tablet", client)


def main():
    name, ring3, client = (sys.argv[1:] + [None])[:3]
    if not (guests.files(name) / "initrd-screen.gz").exists():
        print(f"skipped: the guest {name} is not there")
        sys.exit(77)
    with_guest(name, ring3, [], None, check_ps2)
    virtio = [part for kind in ("keyboard", "mouse", "tablet")
              for part in ("-device", f"virtio-{kind}-pci")]
    with_guest(name, ring3, virtio, client, check_virtio)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
