"""Studio's page with 20,000 images in headless Chromium: the first screen, scrolling, and memory.

    GREYCARD_DATA=… python benchmarks/studio.py [--rounds 3]

The images are copies of the photographs of cats_and_dogs_filtered and hard links to these; no thumbnail exists at the
start of a round. The first screen is the time from the request for the page until every image in view is drawn.
Scrolling takes ten seconds at 3,000 pixels a second; a frame counts as late above 25 ms. The memory is that of the
page's process alone after that, and of the server. Writes `results/speed/studio.json`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from greycard.core.paths import data_dir
from greycard.core.processor import instruction_set
from result import ResultFile, parser

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "tests")]
from browser import opened_page  # noqa: E402

_IMAGES = 20_000
_LATE = 25
"""Milliseconds; at 60 frames a second a frame takes 16.7."""

_DRAWN = """(() => {
  const grid = document.getElementById("grid")?.getBoundingClientRect();
  const seen = [...document.querySelectorAll(".cell")].filter((each) => each.getBoundingClientRect().top < grid.bottom);
  return seen.length > 20 && seen.every((each) => each.querySelector("img").naturalWidth);
})()"""

_SCROLL = """(() => {
  const grid = document.getElementById("grid"), times = [];
  window.frames_seen = null;
  const step = (now) => {
    times.push(now);
    const passed = now - times[0];
    grid.scrollTop = 3 * passed;
    if (passed < %d) requestAnimationFrame(step);
    else window.frames_seen = times.slice(1).map((each, place) => each - times[place]);
  };
  requestAnimationFrame(step);
})()"""


def main() -> None:
    options = parser(__doc__, rounds=3).parse_args()
    images, milliseconds = (300, 1_000) if options.quick else (_IMAGES, 10_000)
    results = ResultFile("studio", ("images", "instructions"), keep=not options.quick)
    rounds = [_round(images, milliseconds) for _ in range(options.rounds)]
    row = {name: median(each[name] for each in rounds) for name in rounds[0]}
    results.put({"images": images, "instructions": instruction_set(), "rounds": len(rounds), **row})


def _round(images: int, milliseconds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, _served(_filled(Path(folder, "images"), images)) as (address, server):
        begun, profile = time.perf_counter(), Path(folder, "profile")
        with opened_page("about:blank#", profile) as page:
            page.resize(1280, 800)
            opened = time.perf_counter()
            page.call("Page.navigate", url=address)
            page.wait_for(_DRAWN)
            drawn = time.perf_counter()
            page.run(_SCROLL % milliseconds)
            page.wait_for("window.frames_seen !== null", seconds=60)
            frames = page.run("window.frames_seen")
            page.run("document.getElementById('grid').scrollTop = 0")
            page.wait_for(_DRAWN)
            return {
                "browser_seconds": opened - begun,
                "first_screen_seconds": drawn - opened,
                "frames_per_second": 1000 * len(frames) / sum(frames),
                "late_frames": sum(each > _LATE for each in frames) / len(frames),
                "page_mb": _page_mb(profile),
                "server_mb": psutil.Process(server.pid).memory_info().rss / 1e6,
            }


def _page_mb(profile: Path) -> float:
    """The memory of the page's process that no other process shares."""
    browser = next(each for each in psutil.process_iter() if f"--user-data-dir={profile}" in _words(each))
    renderers = [each for each in browser.children(recursive=True) if "--type=renderer" in _words(each)]
    return max(each.memory_full_info().uss for each in renderers) / 1e6


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:  # it has ended, or is somebody else's
        return []


def _filled(root: Path, images: int) -> Path:
    files = sorted((data_dir() / "cats_and_dogs_filtered").rglob("*.jpg"))
    made: list[Path] = []
    for number in range(images):
        made.append(root / ("cat" if number % 2 else "dog") / f"{number:05}.jpg")
        made[-1].parent.mkdir(parents=True, exist_ok=True)
        if number < len(files):
            shutil.copy(files[number], made[-1])
        else:
            made[-1].hardlink_to(made[number % len(files)])
    return root


@contextmanager
def _served(root: Path) -> Iterator[tuple[str, subprocess.Popen[Any]]]:
    words = [sys.executable, "-m", "greycard", "studio", str(root), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout
            yield server.stdout.readline().rpartition(" ")[2].strip(), server
        finally:
            server.kill()


if __name__ == "__main__":
    main()
