#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""blocks.py RING3: `ring3 blocks` and -blocks, with a tiny flat guest."""
import json
import pathlib
import subprocess
import sys
import tempfile

TIMEOUT = 20
# bits 64, at 7C00h:
#   mov ecx, 1000; lea rsi, [rel 7C30h]
# again (7C0Ch): mov eax, [rsi]; add eax, ecx; mov [rsi], eax; pushfq; pop rdx; sgdt [rsi + 16];
#   dec ecx; jnz again
#   mov al, 42; out F4h, al; hlt
GUEST = bytes.fromhex("b9e8030000 488d3524000000 8b06 01c8 8906 9c 5a 0f014610 ffc9 75f0"
                      " b02a e6f4 f4").ljust(0x30, b"\x90") + bytes(64)
AGAIN = "7c0c"
LEAVE = ["-device", "isa-debug-exit,iobase=0xf4"]
failures = 0


def expect(name, good, shown=""):
    global failures
    print(f"{'ok' if good else 'FAILED'}: {name}")
    if not good:
        failures += 1
        print(shown)


def run(ring3, *arguments):
    return subprocess.run([ring3, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=TIMEOUT, check=False, text=True)


def check_json(blocks):
    block = next((b for b in blocks["blocks"] if b["address"] == AGAIN), None)
    expect("the loop's block is listed", block is not None, blocks)
    if not block:
        return
    by_text = {i["text"].split()[0]: i for i in block["instructions"]}
    expect("its runs are counted", block["executions"] + block["interpreted"] == 999, block)
    expect("guest bytes", by_text["add"]["bytes"] == "01c8", by_text["add"])
    expect("innocuous, copied", by_text["add"]["class"] == "innocuous" and
           by_text["add"]["treatment"] == "Copy", by_text["add"])
    expect("SGDT is critical and patched", by_text["sgdt"]["class"] == "critical" and
           by_text["sgdt"]["treatment"] == "Callout" and
           by_text["sgdt"]["callouts"] == block["executions"], by_text["sgdt"])
    expect("host code of each instruction", all(i["host"] for i in block["instructions"]), block)
    summary = blocks["summary"]
    counted = sum(summary["treatments"].values()) + summary["cold"] + summary["interpreted"]
    expect("every instruction is counted once", counted == summary["instructions"], summary)


def check_run(ring3, image):
    options = ["-image", image, *LEAVE]
    result = run(ring3, "blocks", "--json", *options)
    expect("the guest's exit status", result.returncode == 85, result)
    check_json(json.loads(result.stdout))
    text = run(ring3, "blocks", "--top", "1", *options).stdout
    for word in ("byte for byte", "! critical", "CopyMem", "#1 " + AGAIN, "pushfq"):
        expect(f"text: {word}", word in text, text)
    expect("--top 1", "#2" not in text, text)
    summary = run(ring3, "blocks", "--summary", *options).stdout
    expect("--summary: no blocks", "sgdt" in summary and "#1" not in summary, summary)


def check_static(ring3, image):
    blocks = json.loads(run(ring3, "blocks", "--json", "--static", "-image", image).stdout)
    expect("--static: nothing ran", all(b["executions"] + b["interpreted"] == 0
                                        for b in blocks["blocks"]), blocks)
    expect("--static: branches are followed", {"7c00", AGAIN} <= {b["address"]
                                                                  for b in blocks["blocks"]}, blocks)
    expect("--static: translated", all(b["host_bytes"] for b in blocks["blocks"][:2]), blocks)


def check_file(ring3, image, directory):
    file = str(directory / "blocks.json")
    result = run(ring3, "-accel", "jit", "-image", image, *LEAVE, "-blocks", file)
    expect("-blocks leaves the run alone", result.returncode == 85 and not result.stdout, result)
    check_json(json.loads(pathlib.Path(file).read_text(encoding="utf-8")))
    one = run(ring3, "blocks", "--address", "7c0e", file).stdout
    expect("--address: the blocks that hold it", "#1 " in one and " 7c0e " in one, one)
    none = run(ring3, "blocks", "--address", "7fff", file).stdout
    expect("--address: elsewhere", "#1 " not in none, none)


def check_bad(ring3, image, directory):
    text = directory / "text"
    text.write_text("{}", encoding="utf-8")
    for arguments, word in (([str(directory / "missing")], "missing"), ([str(text)], str(text)),
                            (["--top"], "--top"), (["--top", "x", "y"], "--top x"),
                            ([str(text), "more"], "more"), (["-frobnicate"], "-frobnicate"),
                            (["-accel", "interp", "-image", image], "-accel")):
        result = run(ring3, "blocks", *arguments)
        lines = result.stderr.splitlines()
        expect("bad: " + " ".join(arguments), result.returncode == 1 and len(lines) == 1 and
               word in lines[0], result)


def main():
    ring3 = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        (directory / "loop.bin").write_bytes(GUEST)
        image = f"{directory}/loop.bin,bits=64"
        check_run(ring3, image)
        check_static(ring3, image)
        check_file(ring3, image, directory)
        check_bad(ring3, image, directory)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
