#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""without_displays.py CMAKE GENERATOR COMPILER RING3: the source configures where the libraries of
displays are missing, and what is built then says how to get each. RING3 is linked from that.
A whole build: cmake -B DIR with the three options in MISSING, then cmake --build DIR."""
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
MISSING = [f"-DCMAKE_DISABLE_FIND_PACKAGE_{package}=ON" for package in ("LibVNCServer", "SDL2", "Curses")]
PARTS = {"vnc=:0": "libvncserver-dev", "sdl": "libsdl2-dev", "curses": "libncurses-dev"}
failures = 0


def expect(name, good, done):
    global failures
    print(f"{'ok' if good else 'FAILED'}: {name}")
    if not good:
        failures += 1
        print(f"  status {done.returncode}\n{done.stdout}{done.stderr}")


def run(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=250, check=False)


def main():
    cmake, generator, compiler, ring3 = sys.argv[1:]
    with tempfile.TemporaryDirectory() as build:
        done = run(cmake, "-S", SOURCE, "-B", build, "-G", generator, "-DBUILD_TESTING=OFF",
                   f"-DCMAKE_CXX_COMPILER={compiler}", *MISSING)
        expect("configures", done.returncode == 0 and
               all(f"{package} is missing" in done.stdout for package in PARTS.values()), done)
    for display, package in PARTS.items():
        done = run(ring3, "-display", display)
        expect(f"-display {display}", done.returncode == 1 and done.stderr.count("\n") == 1 and
               f"-display {display.split(':')[0]}" in done.stderr and package in done.stderr, done)
    done = run(ring3, "-version")
    expect("it is ring3", done.returncode == 0, done)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
