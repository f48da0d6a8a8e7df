#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""page.py RING3 RESULT.json [--screenshot FILE]: the page that `ring3 bench --load RESULT.json --html` writes,
opened in headless Chromium without a network: every plot has its canvas and ink on it, no error on the
console. Status 77 without Chromium."""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
SECONDS = 120
# What only this test asks of the page: pixels that are not blank, by canvas.
PROBE = """<script>
document.body.dataset.ink = [...document.querySelectorAll("canvas")].map((canvas) => {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let ink = 0;
  for (let n = 3; n < data.length; n += 4) ink += data[n] > 0;
  return ink;
}).join(" ");
</script></body>"""


def chromium(page, folder, *options):
    """Its output and its log."""
    command = [shutil.which("chromium"), "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
               "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
               f"--user-data-dir={folder}/profile", "--enable-logging=stderr", "--v=0",
               "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1600,1900", *options, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        sys.exit(f"chromium: status {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout, done.stderr


def problems(dom, log, least):
    plots = re.search(r'<body[^>]* data-plots="(\d+)"', dom)
    ink = re.search(r'<body[^>]* data-ink="([\d ]*)"', dom)
    if not plots or not ink:
        yield f"the page's script did not end: {dom[-500:]}"
        return
    areas = [int(n) for n in ink[1].split()]
    if int(plots[1]) < least or len(areas) != int(plots[1]):
        yield f"{plots[1]} plots, {len(areas)} canvases; at least {least} expected"
    for number, area in enumerate(areas):
        if area < 1000:
            yield f"canvas {number} has {area} pixels of ink"
    if dom.count("<canvas") != len(areas):
        yield f"{dom.count('<canvas')} canvases in the document"
    for line in log.splitlines():
        if "CONSOLE" in line:
            yield line
    if re.search(r'(src|href)="(https?:)?//', dom):
        yield "the page wants something from a network"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("ring3")
    arguments.add_argument("result")
    arguments.add_argument("--plots", type=int, default=1, help="at least so many are expected")
    arguments.add_argument("--screenshot", type=pathlib.Path)
    options = arguments.parse_args()
    if not shutil.which("chromium"):
        print("skipped: no chromium; tools/install-packages installs it")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as name:
        page = pathlib.Path(name) / "page.html"
        subprocess.run([options.ring3, "bench", "--load", options.result, "--html", page],
                       stdout=subprocess.DEVNULL, check=False)
        if options.screenshot:
            chromium(page, name, f"--screenshot={options.screenshot.absolute()}")
        text = page.read_text()
        at = text.rindex("</body>")
        page.write_text(text[:at] + PROBE + text[at + len("</body>"):])
        found = list(problems(*chromium(page, name, "--dump-dom"), options.plots))
    print("\n".join(found) or "the page is good")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
