#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make_result.py FILE: a result of `ring3 bench` that nobody measured, with everything that a page can show."""
import json
import sys

ENGINES = {"native": 1, "jit": 1.6, "interp": 40, "kvm": 1.1, "qemu-tcg": 5, "bochs": 60}
EXITS = {"jit": {10: "CPUID", 30: "IO_INSTRUCTION", 128: "iret"}, "kvm": {30: "IO_INSTRUCTION", 1000: "KVM: pf_taken"}}
SUITES = {"ring0": ["integer", "cpuid", "port_out"], "ring3": ["integer", "cpuid"],
          "program": ["fib", "lz", "awk"], "boot": ["cloud"]}
TROUBLE = "</script><b>\"quoted\" & 'ticks' <!-- é"


def runs(ns):
    return [{"round": n + 1, "units": 1000, "ns": ns * (1 + n / 10), "cpu_ns": ns, "guest_cycles": 3 * ns}
            for n in range(5)]


def row(suite, number, name):
    engines = {engine: {"runs": runs(50 * (number + 1) ** 3 * factor), "hash": "0123456789ABCDEF"}
               for engine, factor in ENGINES.items() if engine != "native" or suite == "program"}
    for engine, reasons in EXITS.items() if suite.startswith("ring") else []:
        engines[engine]["exits"] = [{"reason": reason, "name": text, "a_unit": 0.5 * reason * (number + 1)}
                                    for reason, text in reasons.items()]
    engines["bochs"] = {"error": TROUBLE}
    return {"id": f"{suite}/{name}", "suite": suite, "class": "integer" if suite == "program" else "",
            "name": name, "unit": "one of them", "operations": 1, "engines": engines}


def main():
    steps = range(40)
    result = {
        "format": "ring3-bench", "version": 1, "date": "2026-01-02T03:04:05Z",
        "host": {"cpu": "fabricated", "kernel": "Linux 6.1", "load": "0.00", "processors": "2",
                 "virtualization": "none seen"},
        "options": {"rounds": "5"}, "baselines": ["native", "qemu-tcg"],
        "engines": [{"name": name, "version": "1", "left_out": ""} for name in ENGINES],
        "workloads": [row(suite, *item) for suite, names in SUITES.items() for item in enumerate(names)],
        "timelines": [{"engine": "jit", "workload": "boot/cloud", "seconds": [n / 10 for n in steps],
                       "exits": {"CPUID": [n * n for n in steps], "HLT": [3 * n for n in steps]}}],
        "failures": [TROUBLE], "interrupted": False}
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main()
