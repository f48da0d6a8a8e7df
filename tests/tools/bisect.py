#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/bisect over a program that fails unless the right mnemonics are called out."""
import pathlib
import subprocess
import sys

BISECT = pathlib.Path(__file__).resolve().parents[2] / "tools/bisect"


def bisect(needed, fails_anyway=False):
    """Output and status for a run that passes only if all of `needed` are demoted."""
    program = ("import sys; w = sys.argv[1:]; "
               f"sys.exit(0 if {not fails_anyway} and all(n + '=callout' in w for n in {needed!r}) "
               "else 1)")
    done = subprocess.run([BISECT, "--", sys.executable, "-c", program], capture_output=True,
                          text=True, timeout=300, check=False)
    return done.returncode, done.stdout.strip(), done.stderr.splitlines()[-1]


def main():
    checks = [
        (bisect(["IMUL"])[:2], (0, "-treat IMUL=callout")),
        (bisect(["ADC", "VPADDD"])[:2], (0, "-treat ADC=callout -treat VPADDD=callout")),
        (bisect([])[0], 1),
        (bisect(["ADC"], fails_anyway=True)[0], 1),
    ]
    bad = [f"got {got}, expected {expected}" for got, expected in checks if got != expected]
    print("\n".join(bad) or "bisect: all well")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
