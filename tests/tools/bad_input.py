#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bad_input.py RING3: what the program does with each kind of bad input: one clear line on standard
error that names option and value, and status 1; never a crash."""
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

TIMEOUT = 20


class Failures:
    def __init__(self):
        self.count = 0

    def expect(self, name, good, result):
        print(f"{'ok' if good else 'FAILED'}: {name}")
        if not good:
            self.count += 1
            print(f"  status {result.returncode}, standard error: {result.stderr!r}")


def run(ring3, arguments, **how):
    how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **how}
    try:
        return subprocess.run([ring3, *arguments], stderr=subprocess.PIPE, timeout=TIMEOUT,
                              check=False, **how)
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(late.cmd, None, late.stdout, b"timeout")


def make_files(directory):
    """Files that are no guests, by name."""
    contents = {
        "empty": b"",
        "text": b"this is no kernel\n" * 100,
        "short": b"\x7fELF",
        "boot-sector": bytes(510) + b"\x55\xaa",
        # A bzImage header that promises more than the file holds.
        "truncated": bytes(0x1F1) + b"\x04" + bytes(12) + b"\x55\xaa\xeb\x66HdrS\x0f\x02" + bytes(600),
        "random": bytes((i * 167 + (i >> 8) * 31) & 0xFF for i in range(100_000)),
    }
    contents["rom"] = contents["rom" + 45 * "-"] = b"\x55\xaa\x01" + bytes(509)
    files = {name: directory / name for name in contents}
    for name, content in contents.items():
        files[name].write_bytes(content)
    files["missing"] = directory / "missing"
    files["directory"] = directory
    files["unreadable"] = directory / "unreadable"
    files["unreadable"].write_bytes(b"x")
    files["unreadable"].chmod(0)
    files["large"] = directory / "large"
    with open(files["large"], "wb") as large:
        large.truncate(200 << 20)
    return {name: str(path) for name, path in files.items()}


def cases(files):
    """(arguments, words that the line must have)."""
    for name in ("missing", "empty", "text", "short", "boot-sector", "truncated", "directory"):
        yield ["-kernel", files[name]], ["-kernel", files[name]]
    yield ["-kernel", files["random"]], ["-kernel", files["random"]]
    if os.geteuid() != 0:
        yield ["-kernel", files["unreadable"]], ["-kernel", files["unreadable"]]
    yield ["-image", files["missing"]], ["-image", files["missing"]]
    yield ["-image", files["empty"]], ["-image", files["empty"]]
    yield ["-image", files["large"], "-m", "16M"], ["-image", files["large"]]
    for choice, word in (("nope", "builtin:bench"), ("bench,workload=integer+nope", "self_modify"),
                         ("bench,ring=1", "0 or 3"), ("bench,units=0", "units=0"),
                         ("bench,nope=1", "workload"),
                         ("bench,workload=system_call,ring=0", "ring 0")):
        yield ["-image", f"builtin:{choice}"], [choice, word]
    for size in ("0", "1K", "64T", "-1", "abc", "99999999999999999999"):
        yield ["-m", size], ["-m", size]
    yield ["-frobnicate"], ["-frobnicate"]
    yield ["vmlinuz"], ["vmlinuz"]
    for option in ("-m", "-kernel", "-append", "-cpu", "-serial", "-d", "-D", "-device", "-rtc"):
        yield [option], [option, "value"]
    yield ["-cpu", "i9-nope"], ["-cpu", "i9-nope"]
    yield ["-cpu", "max,+nope"], ["-cpu", "nope"]
    yield ["-accel", "xen"], ["-accel", "kvm"]
    yield ["-accel", "kvm", "-icount", "shift=1"], ["-icount", "jit"]
    yield ["-verify", "each=1"], ["-verify", "every=N"]
    yield ["-d", "nope"], ["-d", "nope"]
    yield ["-D", files["text"] + "/x", "-d", "int"], ["-D", files["text"]]
    yield ["-serial", "file:" + files["missing"] + "/x"], ["-serial", files["missing"]]
    yield ["-serial", "tcp:1"], ["-serial", "tcp:1"]
    yield ["-icount", "shift=99"], ["-icount", "shift=99"]
    yield ["-rtc", "base=never"], ["-rtc", "base=never"]
    yield ["-initrd", files["text"]], ["-initrd", "-kernel"]
    yield ["-vga", "cirrus"], ["-vga", "cirrus", "std"]
    for display in ("gtk", "vnc=", "vnc=nowhere:1", "vnc=:x", "vnc=:99999", "vnc=203.0.113.1:1"):
        yield ["-display", display], ["-display", display]
    yield ["-display", "curses"], ["-display curses", "terminal"]
    yield ["-display", "curses", "-serial", "stdio"], ["-display curses", "-serial"]
    yield ["-vnc", ":1", "-vga", "none"], ["-display", "-vga none"]
    yield ["-device", "virtio-tablet-pci,nope=1"], ["-device", "nope", "id"]
    yield ["-device", "usb-tablet"], ["-device", "usb-tablet", "virtio-tablet-pci"]
    yield ["-vga", "none", "-screendump", "x.png"], ["-screendump", "-vga none"]
    for name in ("missing", "empty", "directory"):
        yield ["-hda", files[name]], ["-hda", files[name]]
        yield ["-drive", "file=" + files[name]], ["-drive", files[name]]
    for property in ("if=scsi", "format=vmdk", "media=tape", "cache=maybe", "index=9", "nope=1",
                     "readonly=perhaps"):
        yield ["-drive", f"file={files['text']},{property}"], ["-drive", files["text"]]
    yield ["-drive", "file=" + files["text"] + ",format=qcow2"], [files["text"], "format=raw"]
    yield ["-device", "virtio-blk-pci,drive=x"], ["virtio-blk-pci", "drive=x", "-drive"]
    yield ["-drive", f"file={files['random']},if=none"], ["-drive", "-device"]
    yield ["-bios", "ring3", "-option-rom", files["text"]], ["-option-rom", files["text"]]
    yield ["-option-rom", files["text"]], ["-option-rom", "-bios"]
    yield (["-bios", "ring3", "-option-rom", files["rom"], "-option-rom", files["rom"]],
           ["-option-rom", files["rom"], "another name"])
    long_rom = files["rom" + 45 * "-"]
    yield (["-bios", "ring3", "-option-rom", long_rom],
           ["-option-rom", long_rom, "shorter"])
    yield ["-bios", "seabios", "-kernel", files["text"]], ["-kernel", files["text"]]
    yield ["-drive", "if=ide"], ["-drive", "file=FILE"]
    yield ["-hda", files["text"], "-hdb", files["text"]], ["-hdb", files["text"], "in use"]
    yield ["-hda", files["text"], "-drive", f"file={files['random']},index=0"], ["-drive", "taken"]
    yield (["-image", files["boot-sector"], "-blocks", files["missing"] + "/x"],
           ["-blocks", files["missing"]])
    yield ["-stats=xml"], ["-stats", "xml"]


def check_errors(ring3, files, failures):
    for arguments, words in cases(files):
        result = run(ring3, arguments)
        lines = result.stderr.decode("utf-8", "replace").splitlines()
        good = result.returncode == 1 and len(lines) == 1 and all(w in lines[0] for w in words)
        failures.expect(" ".join(pathlib.Path(a).name or a for a in arguments), good, result)


def check_kvm(ring3, failures):
    """Without the right to open /dev/kvm, or without it: one line that says what to do."""
    how = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        result = run(ring3, ["-accel", "kvm", "-image", "builtin:bench"], **how)
    except PermissionError:
        print(f"skipped: -accel kvm without /dev/kvm: others may not run {ring3}")
        return
    lines = result.stderr.decode("utf-8", "replace").splitlines()
    opens = not how and os.access("/dev/kvm", os.R_OK | os.W_OK)
    failures.expect("-accel kvm without /dev/kvm", opens or result.returncode == 1 and
                    len(lines) == 1 and "/dev/kvm" in lines[0] and "-accel jit" in lines[0], result)


def check_initrd(ring3, files, kernel, failures):
    """An initrd that does not fit in RAM, with a kernel that is one."""
    arguments = ["-m", "128M", "-kernel", kernel, "-append", "console=ttyS0"]
    result = run(ring3, [*arguments, "-initrd", files["large"]])
    lines = result.stderr.decode("utf-8", "replace").splitlines()
    failures.expect("initrd larger than RAM", result.returncode == 1 and len(lines) == 1 and
                    "-initrd" in lines[0], result)


def check_streams(ring3, failures):
    for option in ("-help", "-version", "-d help", "-cpu help"):
        result = run(ring3, option.split())
        failures.expect(option, result.returncode == 0 and result.stdout and not result.stderr,
                        result)
    reader, writer = os.pipe()
    os.close(reader)
    result = run(ring3, ["-help"], stdout=writer)
    failures.expect("-help to a closed pipe", result.returncode in (0, 1, -13), result)
    os.close(writer)
    with open("/dev/full", "wb") as full:
        result = run(ring3, ["-help"], stdout=full)
    failures.expect("-help to a full device", result.returncode == 1 and result.stderr, result)


def check_guest_streams(ring3, image, failures):
    """The guest of the test runs whatever its streams are: it prints and leaves with status 85."""
    leave = ["-device", "isa-debug-exit,iobase=0xf4"]

    def guest(name, **how):
        result = run(ring3, ["-image", image, *leave], **how)
        failures.expect(name, result.returncode == 85, result)

    def screendump(path):
        return run(ring3, ["-image", image, *leave, "-screendump", path])

    result = screendump("/nowhere/x.png")
    failures.expect("screendump to a missing folder",
                    result.returncode == 1 and b"-screendump /nowhere/x.png" in result.stderr, result)
    result = screendump("/dev/full")
    failures.expect("screendump to a full device", result.returncode == 1 and result.stderr, result)
    guest("guest with an empty standard input")
    guest("guest with a closed standard input", stdin=None, preexec_fn=lambda: os.close(0))
    reader, writer = os.pipe()
    os.close(reader)
    result = run(ring3, ["-image", image, *leave], stdout=writer)
    os.close(writer)
    failures.expect("guest writes to a closed pipe", result.returncode in (1, 85), result)


def flat_guest(directory):
    """A flat real-mode image: prints 'hi' on COM1 and writes 42 to the debug exit: (42 << 1) | 1."""
    image = directory / "guest.bin"
    image.write_bytes(bytes.fromhex("baf803b068eeb069eeb02ae6f4f4ebfd"))
    return str(image)


def check_displays(ring3, failures):
    """Displays that are not there, or not free."""
    env = {k: v for k, v in os.environ.items()
           if k not in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "SDL_VIDEODRIVER")}
    for name, more in (("no desktop", {}), ("a desktop that is not there", {"DISPLAY": ":987"})):
        result = run(ring3, ["-display", "sdl"], env={**env, **more})
        failures.expect(f"-display sdl with {name}", result.returncode == 1 and
                        result.stderr.startswith(b"ring3: -display sdl") and
                        result.stderr.count(b"\n") == 1, result)
    with socket.socket() as taken:
        number = 600
        while taken.connect_ex(("127.0.0.1", 5900 + number)) == 0:
            number += 1
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 5900 + number))
        taken.listen()
        result = run(ring3, ["-vnc", f"127.0.0.1:{number}"])
    failures.expect("-vnc on a port in use", result.returncode == 1 and
                    b"vnc" in result.stderr and result.stderr.count(b"\n") == 1, result)


def main():
    ring3 = sys.argv[1]
    kernel = sys.argv[2] if len(sys.argv) > 2 else ""
    failures = Failures()
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        files = make_files(directory)
        check_errors(ring3, files, failures)
        check_streams(ring3, failures)
        check_kvm(ring3, failures)
        check_displays(ring3, failures)
        check_guest_streams(ring3, flat_guest(directory), failures)
        if os.path.exists(kernel):
            check_initrd(ring3, files, kernel, failures)
        else:
            print("skipped: initrd larger than RAM: no kernel was fetched")
    sys.exit(1 if failures.count else 0)


if __name__ == "__main__":
    main()
