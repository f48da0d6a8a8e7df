# SPDX-License-Identifier: MIT
"""A machine's screen and keyboard through its QMP socket, ring3's or QEMU's: pictures, the text on
them (read by the VGA's font, in text and graphics modes), keys."""
import json
import os
import pathlib
import re
import socket
import time

FONT = pathlib.Path(__file__).resolve().parents[2] / "devices/vga_font.cpp"
LINES = 16  # of a character
# Characters that Linux' font has otherwise than the VGA's, from their first line that is not empty.
OTHERS = {"M": (2, "c6eefefed6c6c6c6c6c6"), "T": (2, "7e7e5a1818181818183c"),
          "V": (2, "c6c6c6c6c6c6c66c3810"), "W": (2, "c6c6c6c6d6d6d6feee6c"),
          "X": (2, "c6c66c7c38387c6cc6c6"), "Y": (2, "666666663c181818183c"),
          "Z": (2, "fec6860c183060c2c6fe"), "m": (5, "ecfed6d6d6d6c6"), "v": (5, "c6c6c6c6c66c38"),
          "w": (5, "c6c6d6d6d6fe6c"), "x": (5, "c66c3838386cc6"), "0": (2, "386cc6c6d6d6c6c66c38"),
          "f": (2, "1c363230783030303078"), "|": (2, "18181818181818181818"), "`": (1, "30180c"),
          "~": (1, "76dc")}
KEYS = {" ": "spc", "\r": "ret", "\n": "ret", "-": "minus", "=": "equal", "/": "slash",
        ".": "dot", ",": "comma", ";": "semicolon", "'": "apostrophe", "_": "shift-minus",
        ">": "shift-dot", "<": "shift-comma", ":": "shift-semicolon", "$": "shift-4",
        "(": "shift-9", ")": "shift-0", "*": "shift-8", "+": "shift-equal", "|": "shift-backslash",
        "&": "shift-7", '"': "shift-apostrophe", "~": "shift-grave_accent", "@": "shift-2"}
WAIT = 0.3  # seconds between two looks


class Picture:
    """A PPM file."""

    def __init__(self, path):
        data = pathlib.Path(path).read_bytes()
        header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
        self.width, self.height = map(int, header.groups())
        self.pixels = data[header.end():]

    def rows(self, x, y, width, height):
        """The pixels of a rectangle, a string of bytes per line."""
        for line in range(y, y + height):
            start = 3 * (line * self.width + x)
            yield self.pixels[start:start + 3 * width]

    def different(self, other):
        """How many pixels differ; None: the sizes do."""
        if (self.width, self.height) != (other.width, other.height):
            return None
        pairs = zip(*(memoryview(p.pixels).cast("B") for p in (self, other)))
        return (sum(a != b for a, b in pairs) + 2) // 3 if self.pixels != other.pixels else 0


def read_font():
    """{the bits of a character: the character}, printable ASCII."""
    text = FONT.read_text(encoding="utf-8")
    values = [int(x, 16) for x in re.findall(r"0x([0-9A-F]{2})", text[text.index("{\n"):])]
    glyphs = {}
    for code in range(0x20, 0x7F):
        glyphs.setdefault(bytes(values[LINES * code:LINES * (code + 1)]), chr(code))
    for char, (above, shape) in OTHERS.items():
        glyphs[(bytes(above) + bytes.fromhex(shape)).ljust(LINES, b"\0")] = char
    return glyphs


def bits_of(rows):
    """A byte a line, set where a pixel is not the background, which the first pixel is."""
    rows = list(rows)
    background = rows[0][:3]
    return bytes(sum((row[3 * x:3 * x + 3] != background) << (7 - x) for x in range(8))
                 for row in rows)


class Reader:
    def __init__(self):
        self.glyphs = read_font()
        self.known = {}  # a cell's pixels: its character

    def character(self, rows):
        key = b"".join(rows)
        if key not in self.known:
            bits = bits_of(rows)
            inverse = bytes(255 - b for b in bits)
            self.known[key] = self.glyphs.get(bits) or self.glyphs.get(inverse) or self.near(bits)
        return self.known[key]

    def near(self, bits):
        """The most similar character: fonts differ in a dot here and there."""
        def distance(glyph):
            return sum((a ^ b).bit_count() for a, b in zip(glyph, bits))
        best = min(self.glyphs, key=distance)
        return self.glyphs[best] if distance(best) <= 10 else "?"

    def lines(self, picture):
        step = 9 if picture.width % 9 == 0 and picture.height == 400 else 8
        return ["".join(self.character(list(picture.rows(x, y, 8, LINES)))
                        for x in range(0, picture.width - 7, step)).rstrip()
                for y in range(0, picture.height - LINES + 1, LINES)]


class Screen:
    """`path`: the socket of -qmp unix:path,server,nowait."""

    def __init__(self, path, timeout=20):
        deadline = time.monotonic() + timeout
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        while True:
            try:
                self.socket.connect(str(path))
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.reader = Reader()
        self.picture_path = str(path) + ".ppm"
        json.loads(self.lines.readline())
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        self.socket.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        while True:
            reply = json.loads(self.lines.readline())
            if "error" in reply:
                raise RuntimeError(f"{name}: {reply['error']}")
            if "return" in reply:
                return reply["return"]

    def monitor(self, line):
        return self.command("human-monitor-command", **{"command-line": line})

    def picture(self):
        self.command("screendump", filename=self.picture_path)
        picture = Picture(self.picture_path)
        os.unlink(self.picture_path)
        return picture

    def text(self):
        return "\n".join(self.reader.lines(self.picture()))

    def wait_for(self, text, timeout):
        """The screen once it shows `text`; None at the deadline."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            shown = self.text()
            if text in shown:
                return shown
            time.sleep(WAIT)
        return None

    def press(self, *keys):
        for key in keys:
            self.monitor(f"sendkey {key}")
            time.sleep(0.12)  # QEMU holds a key for 100 ms

    def type(self, text):
        self.press(*(KEYS.get(c) or (f"shift-{c.lower()}" if c.isupper() else c) for c in text))
