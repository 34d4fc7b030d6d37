"""Make README's terminal session and the images of the docs: `python docs/screenshots.py`.

Trains on the rendered sample in a temporary folder. Saves what the command prints, a screenshot of the run's report,
the heat map of a validation image, and the plot of the learning-rate finder. Needs Chromium for the screenshot.
"""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import tempfile
import textwrap
from functools import partial
from pathlib import Path

from PIL import Image

import greycard

IMAGES = Path(__file__).resolve().parent / "images"
COLUMNS = 110
SCREEN = (1280, 1000)
"""Of the browser window, in pixels."""

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _typed("greycard sample pets", folder)
        (IMAGES / "session.txt").write_text(session("greycard train pets", folder), encoding="utf-8")
        _typed("greycard train pets --weights none --epochs 20", folder)  # a probe has no learning curves
        _typed("greycard report pets-2", folder)
        screenshot(folder / "runs" / "pets-2" / "report.html", IMAGES / "report.png")
        heat = folder / "heat.png"
        run = greycard.open_run(folder / "runs" / "pets-1")
        run.explain(folder / "pets" / "validation" / "cat" / "000.jpg").figure().savefig(heat, dpi=120)
        _small(heat, IMAGES / "heat-map.png")
    greycard.find_lr("digits-cnn").figure().savefig(IMAGES / "find-lr.png", dpi=110)


def session(command: str, folder: Path) -> str:
    """A command and its output up to the table line, wrapped at `COLUMNS` columns."""
    lines = [f"$ {command}"]
    for line in shorter(_typed(command, folder).splitlines()):
        lines += textwrap.wrap(line, COLUMNS, drop_whitespace=False) or [""]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def shorter(lines: list[str]) -> list[str]:
    """Drop the epochs between the first and the last, and everything after the table line."""
    first, *later = [place for place, line in enumerate(lines) if line.startswith("epoch ")]
    table = next(place for place, line in enumerate(lines) if line.startswith("run ")) + 3
    rest = ["…", *lines[later[-1] : table]] if later else lines[first + 1 : table]
    return [*lines[: first + 1], *rest]


def _typed(command: str, folder: Path) -> str:
    """The output of a command on a dumb terminal, which has no progress bar."""
    own, terminal = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "TERM": "dumb"}
    words = [sys.executable, "-m", *command.split()]
    with subprocess.Popen(
        words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal
    ) as process:
        os.close(terminal)
        printed = b"".join(iter(partial(_read, own), b"")).decode().replace("\r", "")
    os.close(own)
    if process.returncode:
        sys.exit(f"{command} ended with {process.returncode}:\n{printed}")
    return printed


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux: the other end is closed
        return b""


def screenshot(page: Path, target: Path) -> None:
    """Save the top of a page, in a browser window of `SCREEN` pixels."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        sys.exit(f"the report's screenshot needs one of {', '.join(_BROWSERS)}")
    shot = page.with_suffix(".png")
    size = f"--window-size={SCREEN[0]},{SCREEN[1]}"
    words = [browser, "--headless", "--no-sandbox", "--hide-scrollbars", size, f"--screenshot={shot}", page.as_uri()]
    subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
    _small(shot, target)


def _small(image: Path, target: Path) -> None:
    """Save as a PNG of at most 256 colours: a small file."""
    with Image.open(image) as opened:
        opened.convert("RGB").quantize(256).save(target, optimize=True)


if __name__ == "__main__":
    main()
