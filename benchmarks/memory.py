"""Peak memory of training on 25,000 and on 50,000 images of 150×150.

    python benchmarks/memory.py [--images 25000 50000]

Names are distinct and images are not: hard links to a few hundred drawn JPEGs. One epoch of a tiny CNN through the
Python API, in a process of its own. Writes `results/speed/memory.json`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import child
from large import link_many
from result import ResultFile, parser

DRAWN = 200


def main() -> None:
    options = _options()
    if options.train:
        train(options.train)
        return
    results = ResultFile("memory", ("images",), keep=not options.quick)
    for count in options.images:
        with tempfile.TemporaryDirectory() as scratch:
            folder = draw(Path(scratch), count)
            words: list[str | Path] = [sys.executable, __file__, "--train", folder]
            finished = child.run(words, GREYCARD_CACHE=f"{scratch}/cache")
        row = {"images": count, "pixels_mb": count * 150 * 150 * 3 / 1e6, "seconds": finished.seconds}
        results.put(row | {"peak_memory_mb": finished.peak_memory_mb, "peak_own_mb": finished.peak_own_mb})


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=1)
    made.add_argument("--images", type=int, nargs="+", default=[25_000, 50_000])
    made.add_argument("--train", type=Path, help=argparse.SUPPRESS)  # what the child does
    options = made.parse_args()
    if options.quick:
        options.images = [500, 1000]
    return options


def draw(scratch: Path, count: int) -> Path:
    """Class folders `dark` and `light` with `count` images of 150×150 in all."""
    random, folder = np.random.default_rng(0), scratch / "images"
    for shade, name in ((60, "dark"), (180, "light")):
        originals = [scratch / f"{name}-{number}.jpg" for number in range(DRAWN)]
        for original in originals:
            noise = random.integers(shade - 50, shade + 50, (15, 15, 3), dtype=np.uint8)
            Image.fromarray(noise).resize((150, 150)).save(original)
        link_many(originals, folder / name, count // 2)
    return folder


def train(folder: Path) -> None:
    """One epoch over every image of a folder, by a network that is small beside its images."""
    import greycard

    recipe = greycard.Recipe.make(
        name="memory", dataset="images", conv=(4, 4), dense=(8,), batch_size=128, val_batch_size=128, epochs=1
    )
    greycard.train(recipe, greycard.load_folder(folder), out=folder.parent / "runs", quiet=True)


if __name__ == "__main__":
    main()
