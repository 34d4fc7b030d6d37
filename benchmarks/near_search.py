"""The search for near-duplicates among very many images: seconds, memory for an image, recall.

    GREYCARD_DATA=… python benchmarks/near_search.py [--images 100000 1000000 4000000]

Descriptors are drawn with the spread of those of the filtered Cats vs Dogs set; each image has a mirrored one, as in a
check. One image in a hundred has a copy with a cosine of 0.99, another one a copy with a cosine of 0.9. Each size is a
process; seconds and memory are those of the search, without the drawing. Writes `results/doctor/search.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import child
from doctor import FOLDER
from greycard.audit import lsh
from greycard.audit.thumbnails import load_thumbnails
from greycard.datasets.load import load_dataset
from result import ResultFile, parser

COSINES = (0.99, 0.9)


def main() -> None:
    options = _options()
    if options.one:
        print(json.dumps(_searched(options.one)))
        return
    results = ResultFile("search", ("images",), keep=not options.quick, folder=FOLDER)
    for images in options.images:
        finished = child.run([sys.executable, __file__, "--one", str(images)], OPENBLAS_NUM_THREADS="1")
        results.put(json.loads(finished.output.splitlines()[-1]))


def _searched(images: int) -> dict[str, Any]:
    points, planted = _drawn(images)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins again
    before, begun = _memory("VmRSS"), time.perf_counter()
    pairs = lsh.candidates(points, originals=images)
    seconds, after = time.perf_counter() - begun, _memory("VmHWM")
    found = set((pairs[:, 0] * len(points) + pairs[:, 1]).tolist())
    row: dict[str, Any] = {"images": images, "seconds": seconds, "pairs": len(pairs)}
    row["descriptor_bytes_an_image"] = points.nbytes / images
    row["other_mb"] = (after - before) / 1e6
    for cosine, rows in zip(COSINES, planted, strict=True):
        row[f"recall_{cosine}"] = float(np.mean([one * len(points) + other in found for one, other in rows]))
    return row


def _drawn(images: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Descriptors int8 (2 * images, d), and the pairs of rows that are alike, for each cosine."""
    random, spread = np.random.default_rng(0), _spread()
    points = np.empty((2 * images, len(spread)), np.int8)
    for start in range(0, len(points), 1 << 16):
        some = points[start : start + (1 << 16)]
        some[:] = lsh.as_int8(_unit(random.standard_normal(some.shape).astype(np.float32) * spread))
    rows = random.permutation(images)[: images // 200 * 4].reshape(len(COSINES), 2, -1)
    for cosine, (first, second) in zip(COSINES, rows, strict=True):
        of = points[first] / np.float32(127)
        noise = random.standard_normal(of.shape).astype(np.float32)
        noise = _unit(noise - of * (noise * of).sum(axis=1, keepdims=True) / (of * of).sum(axis=1, keepdims=True))
        points[second] = lsh.as_int8(_unit(cosine * _unit(of) + np.sqrt(1 - cosine**2) * noise))
    return points, [np.sort(each.T, axis=1) for each in rows]


def _spread() -> np.ndarray:
    """The standard deviation of each number of a descriptor, over photographs."""
    thumbnails = load_thumbnails(load_dataset("cats-and-dogs-filtered"))
    return lsh.descriptors(len(thumbnails), lambda rows: thumbnails.grey(lsh.SIDE, rows)).std(axis=0)


def _unit(values: np.ndarray) -> np.ndarray:
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float32)


def _memory(which: str) -> int:
    """This process's memory in bytes: `VmRSS` now, `VmHWM` at its peak; on Linux."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(which))


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=1)
    made.add_argument("--images", nargs="+", type=int, default=[100_000, 1_000_000, 4_000_000])
    made.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = made.parse_args()
    if options.quick:
        options.images = [2_000]
    return options


if __name__ == "__main__":
    main()
