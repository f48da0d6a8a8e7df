# SPDX-License-Identifier: MIT
"""Samples of bench/run as tables: ratios over hardware by program and class, against the targets."""
import math
import os
import pathlib
import platform
import re
import statistics
import subprocess

# CPU time over hardware that the first translator is to reach, by class; and the CPU time of single
# events, in nanoseconds.
TARGETS = {"integer": 2.2, "memory": 3, "simd": 1.5, "selfmod": 100, "system": 4, "real": 3.5}
EVENT_TARGETS = {"syscall": 400, "touch": 6000, "pipe": 25000, "fork": 1300000}
TRANSLATOR, PEER = "jit", "qemu"


def geomean(values):
    return math.exp(statistics.fmean(map(math.log, values))) if values else None


def ratio_text(value):
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def time_text(nanoseconds):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.3g} ns"


def progress(number, bits, program, samples):
    native = samples.get("native")
    ratios = [f"{name} {ratio_text(s.per_unit / native.per_unit)}" for name, s in samples.items()
              if name != "native"] if native else ["not supported here"]
    return f"round {number + 1}: {bits} {program}: {', '.join(ratios)}"


class Row:
    """One program: its samples by engine."""

    def __init__(self, bits, group, name, operations):
        self.bits, self.group, self.name, self.operations = bits, group, name, operations
        self.rounds = []

    def ratios(self, engine):
        return [r[engine].per_unit / r["native"].per_unit for r in self.rounds
                if engine in r and "native" in r]

    def ratio(self, engine):
        values = self.ratios(engine)
        return statistics.median(values) if values else None

    def unit(self, engine):
        values = [r[engine].per_unit for r in self.rounds if engine in r]
        return statistics.median(values) if values else None

    def checksums(self):
        return {name: s.checksum for r in self.rounds for name, s in r.items()}


class Table:
    def __init__(self, names):
        self.names, self.rows = [n for n in names if n != "native"], {}

    def add(self, bits, group, name, operations, samples):
        row = self.rows.setdefault((bits, name), Row(bits, group, name, operations))
        row.rounds.append(samples)

    def wrong_checksums(self):
        return [f"{row.name} ({row.bits} bits): checksums differ: {row.checksums()}"
                for row in self.rows.values() if len(set(row.checksums().values())) > 1]

    def groups(self):
        """{(bits, class): rows}, in the order of the programs."""
        found = {}
        for row in self.rows.values():
            found.setdefault((row.bits, row.group), []).append(row)
        return found

    def class_ratio(self, rows, engine):
        return geomean([row.ratio(engine) for row in rows if row.ratio(engine)])

    def show(self, old):
        width = 26 if len(self.names) < 4 else 22
        head = "".join(f"{name:>{width}}" for name in self.names)
        print(f"\nCPU time over native, median (min..max)\n{'':22}{'native':>10}{head}")
        for (bits, group), rows in self.groups().items():
            print(f"{group}, {bits} bits")
            for row in rows:
                self.show_row(row, width)
            self.show_class(bits, group, rows, width)
        self.show_events()
        self.show_cliffs()
        if old:
            self.show_changes(old)

    def show_row(self, row, width):
        native = row.unit("native")
        if native is None:
            print(f"  {row.name:20}{'none':>10}")
            return
        cells = ""
        for name in self.names:
            values = row.ratios(name)
            text = f"{ratio_text(row.ratio(name))} ({ratio_text(min(values))}.." \
                   f"{ratio_text(max(values))})" if values else "-"
            cells += f"{text:>{width}}"
        print(f"  {row.name:20}{time_text(native):>10}{cells}")

    def show_class(self, bits, group, rows, width):
        means = [self.class_ratio(rows, name) for name in self.names]
        cells = "".join(f"{ratio_text(m) if m else '-':>{width}}" for m in means)
        print(f"  {'geomean':20}{'':>10}{cells}   {self.verdict(group, rows)}")

    def verdict(self, group, rows):
        mean = self.class_ratio(rows, TRANSLATOR)
        if not mean:
            return ""
        return f"target {TARGETS[group]}: {'holds' if mean <= TARGETS[group] else 'MISSED'}"

    def show_events(self):
        rows = [row for row in self.rows.values() if row.group == "system" and row.unit("native")]
        if not rows:
            return
        print("\nCPU time of a single event" + "".join(f"{n:>12}" for n in ["native", *self.names]))
        for row in rows:
            times = [row.unit(n) / row.operations if row.unit(n) else None
                     for n in ["native", *self.names]]
            cells = "".join(f"{time_text(t) if t else '-':>12}" for t in times)
            target = EVENT_TARGETS.get(row.name)
            print(f"  {row.name + ', ' + str(row.bits):24}{cells}"
                  + (f"   target {time_text(target)}" if target else ""))

    def show_cliffs(self):
        """No program may be slower than under QEMU."""
        both = [(row.ratio(TRANSLATOR) / row.ratio(PEER), row) for row in self.rows.values()
                if row.ratio(TRANSLATOR) and row.ratio(PEER)]
        if not both:
            return
        worst = max(both, key=lambda pair: pair[0])
        print(f"\nworst against QEMU: {worst[1].name} ({worst[1].bits} bits), "
              f"{ratio_text(worst[0])} times its time; slower than QEMU: "
              + (", ".join(f"{row.name} {ratio_text(r)}" for r, row in sorted(
                  both, key=lambda pair: -pair[0]) if r > 1) or "none"))

    def show_changes(self, old):
        print("\nchange of the ratio over native: new / old")
        before = {(row["bits"], row["name"]): row["ratio"] for row in old["programs"]}
        for row in self.rows.values():
            known = before.get((row.bits, row.name), {})
            changes = [f"{name} {row.ratio(name) / known[name]['median']:.2f}" for name in self.names
                       if row.ratio(name) and name in known]
            print(f"  {row.bits} {row.name:20} {', '.join(changes)}")

    def as_dict(self):
        programs, classes = [], []
        for row in self.rows.values():
            ratio = {n: {"median": row.ratio(n), "min": min(row.ratios(n)), "max": max(row.ratios(n))}
                     for n in self.names if row.ratios(n)}
            unit = {n: row.unit(n) for n in ["native", *self.names] if row.unit(n)}
            programs.append({"bits": row.bits, "class": row.group, "name": row.name,
                             "operations": row.operations, "nanoseconds": unit, "ratio": ratio,
                             "checksum": next(iter(row.checksums().values()), None)})
        for (bits, group), rows in self.groups().items():
            means = {n: self.class_ratio(rows, n) for n in self.names}
            classes.append({"bits": bits, "class": group, "target": TARGETS[group], "geomean": means})
        return {"programs": programs, "classes": classes}


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
        return (done.stdout or done.stderr).strip().partition("\n")[0]
    except OSError:
        return None


def host():
    """What the numbers depend on."""
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", info)
    top = pathlib.Path(__file__).resolve().parent
    return {"cpu": model[1] if model else platform.machine(), "processors": os.cpu_count(),
            "kernel": platform.release(), "load": os.getloadavg(),
            "ring3": first_line("git", "-C", str(top), "describe", "--always", "--dirty"),
            "qemu": first_line("qemu-system-x86_64", "--version"), "python": platform.python_version()}


def plain(options):
    """The options as JSON has them."""
    return {name: value if isinstance(value, (int, float, str, list, type(None))) else str(value)
            for name, value in options.items() if name != "compare"}
