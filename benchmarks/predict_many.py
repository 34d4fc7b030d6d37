"""Predicting 10,000 and 100,000 images into files: seconds, memory, and what a kill costs.

    python benchmarks/predict_many.py [csv|again|sorted|gallery|parquet|killed …] [--images 10000 100000]

Names are distinct and images are not: hard links to a few hundred drawn JPEGs of 150×150. The model is a small CNN at
64 px that is hardly trained. Each command is a process of its own: `csv` and `parquet` predict all images; `again`
finds nothing to do; `killed` is the same as `csv`, but killed (SIGKILL) at a quarter, a half and three quarters, and
started again; `sorted` and `gallery` make links, and thumbnails with the page, from answers that are there. The answers
of a file are counted: no image twice, none missing. Writes `results/speed/predict_many.json`.
"""

from __future__ import annotations

import argparse
import csv
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import child
from memory import draw
from result import ResultFile, parser

WORKS = ("csv", "again", "sorted", "gallery", "parquet", "killed")
KILLS = (0.25, 0.5, 0.75)


def main() -> None:
    options = _options()
    results = ResultFile("predict_many", ("work", "images"), keep=not options.quick)
    for count in options.images:
        with tempfile.TemporaryDirectory() as scratch:
            for row in _rows(Path(scratch), draw(Path(scratch), count), count, options.works):
                results.put(row)


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=1)
    made.add_argument("works", nargs="*", metavar="WORK", help=f"of {', '.join(WORKS)}, after csv; all by default")
    made.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000])
    options = made.parse_args()
    if options.quick:
        options.images = [400]
    return options


def _rows(scratch: Path, folder: Path, count: int, chosen: list[str]) -> Iterator[dict[str, Any]]:
    run = _run(scratch)
    answers = scratch / "answers.csv"
    predict: list[str | Path] = [sys.executable, "-m", "greycard", "predict", run, folder, "--quiet"]
    works: dict[str, list[str | Path]] = {
        "csv": ["-o", answers],
        "again": ["-o", answers],
        "sorted": ["-o", answers, "--sort-into", scratch / "sorted"],
        "gallery": ["-o", answers, "--gallery", scratch / "look"],
        "parquet": ["-o", scratch / "answers.parquet"],
    }
    wanted = {"csv", *(chosen or WORKS)}
    for work, words in works.items():
        if work not in wanted:
            continue
        yield _row(work, count, child.run([*predict, *words]))
        if work == "sorted":
            assert sum(1 for _ in (scratch / "sorted").rglob("*.jpg")) == count
    _expect_each_once(answers, folder)
    if "killed" not in wanted:
        return
    killed = scratch / "killed.csv"
    seconds = _killed([str(word) for word in [*predict, "-o", killed]], killed, answers.stat().st_size)
    _expect_each_once(killed, folder)
    yield {"work": "killed", "images": count, "kills": len(KILLS), "seconds": seconds}


def _run(scratch: Path) -> Path:
    (scratch / "few").mkdir()
    few = draw(scratch / "few", 400)
    words: list[str | Path] = ["train", few, "--weights", "none", "--epochs", "1", "--quiet", "--out", scratch / "runs"]
    small = ["model.kind=convnet", "image_size=64", "conv=16,32"]
    child.run([sys.executable, "-m", "greycard", *words, *(word for each in small for word in ("--set", each))])
    return scratch / "runs" / "images-1"


def _row(work: str, count: int, finished: child.Finished) -> dict[str, Any]:
    return {
        "work": work,
        "images": count,
        "seconds": finished.seconds,
        "images_per_second": count / finished.seconds,
        "peak_memory_mb": finished.peak_memory_mb,
        "peak_own_mb": finished.peak_own_mb,
    }


def _killed(words: list[str], place: Path, whole: int) -> float:
    """Seconds of all processes together, the last of which ends by itself."""
    begun = time.perf_counter()
    for share in KILLS:
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
            while not (place.exists() and place.stat().st_size >= share * whole):
                assert process.poll() is None, "it ended before it was killed"
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def _expect_each_once(answers: Path, folder: Path) -> None:
    with answers.open(encoding="utf-8", newline="") as file:
        found = [row["path"] for row in csv.DictReader(file)]
    assert sorted(found) == sorted(map(str, folder.rglob("*.jpg")))


if __name__ == "__main__":
    main()
