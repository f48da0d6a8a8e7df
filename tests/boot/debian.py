#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""debian.py IMAGE [--interface ide|virtio] RING3 [OPTION...]: the disk of tools/make-disk boots from
its own GRUB to a login prompt, takes a login, keeps a file over a power-off, boots again, and its
file system is clean. The image is written to. Takes minutes, so no test runs it."""
import argparse
import subprocess
import sys
import tempfile
import time

from console import Console

TIMEOUT = 900
FILE_SYSTEM_AT = 1 << 20
PROMPT = "root@ring3:~# "


def session(command, lines):
    """Boots, logs in, types each line, powers off. Yields what went wrong; times on the way."""
    start = time.monotonic()
    with Console(command, TIMEOUT) as machine:
        for text in ("GNU GRUB", "Linux version", "login: "):
            if not machine.wait_for(text):
                yield f"'{text}' did not come: {machine.text()[-2000:]!r}"
                return
            print(f"  {time.monotonic() - start:6.1f} s  {text}", flush=True)
        machine.type("root\n")
        machine.wait_for("Password: ")
        machine.type("ring3\n")
        if not machine.wait_for(PROMPT):
            yield "no login"
            return
        for line, answer in lines:
            machine.type(line + "\n")
            machine.wait_for(line)
            if not machine.wait_for(answer) or not machine.wait_for(PROMPT):
                yield f"'{line}' did not answer '{answer}'"
        machine.type("poweroff\n")
        status = machine.status()
        if status != 0:
            yield f"exit status {status} at power-off"
        print(f"  {time.monotonic() - start:6.1f} s  off", flush=True)


def dirty(image):
    """What fsck says of the file system, if it is not clean."""
    with tempfile.TemporaryDirectory() as folder:
        raw = f"{folder}/raw"
        subprocess.run(["qemu-img", "convert", "-O", "raw", image, raw], check=True)
        check = subprocess.run(["/sbin/e2fsck", "-fn", f"{raw}?offset={FILE_SYSTEM_AT}"],
                               capture_output=True, text=True, check=False)
    return [f"fsck: {check.stdout}{check.stderr}"] if check.returncode else []


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("image")
    arguments.add_argument("--interface", default="ide", choices=["ide", "virtio"])
    arguments.add_argument("ring3", nargs=argparse.REMAINDER)
    options = arguments.parse_args()
    form = "qcow2" if options.image.endswith(".qcow2") else "raw"
    command = [*options.ring3, "-m", "512", "-nographic", "-drive",
               f"file={options.image},format={form},if={options.interface}"]
    word = f"kept-{time.time_ns()}"
    problems = list(session(command, [(f"echo {word} > /root/kept", ""),
                                      ("echo $((6 * 7))", "42")]))
    problems += session(command, [("cat /root/kept", word), ("systemctl is-system-running --wait",
                                                             "running")])
    problems += dirty(options.image)
    for problem in problems:
        print(f"FAILED: {problem}")
    print("failed" if problems else "good")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
