"""A folder laid out as the full Cats vs Dogs set, for its two rows where the 800 MB archive is not at hand.

    GREYCARD_DATA=… python benchmarks/large.py DIR [--share 0.1]

12,500 names a class, each a hard link to one of the filtered set's 3,000 photographs: as many files to read and to
train on as the full set has, of the same sizes, on little disk. Times mean what they mean on the full set, but for a
warmer file cache on both sides; accuracies mean nothing, since images of the validation part are in training too.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from itertools import cycle
from pathlib import Path

from greycard.core.paths import data_dir
from greycard.datasets.load import load_dataset
from greycard.projects import find_project

DATASET = "cats-vs-dogs"
IMAGES = 25_000
_CLASSES = {"Cat": "cats", "Dog": "dogs"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, default=1.0, help="of the 25,000 images")
    options = parser.parse_args()
    print(f"{build(options.folder, options.share):,} images in {options.folder / DATASET}")


def build(root: Path, share: float = 1.0) -> int:
    """Make `root` a data directory with the set, and the split that Greycard makes of it; the number of images.

    `cats-vs-dogs/PetImages/{Cat,Dog}/N.jpg` is the archive's layout, split by Greycard itself; the same images in
    `cats-vs-dogs/{train,validation}/{Cat,Dog}/` are for plain Keras, which has to be given a split.
    """
    place = root / DATASET
    if not place.exists():
        for name, filtered in _CLASSES.items():
            link_many(_copies(filtered, root / "originals"), place / "PetImages" / name, round(IMAGES / 2 * share))
        _split(root, place)
    return sum(1 for _ in (place / "PetImages").rglob("*.jpg"))


def note(share: float) -> str:
    """What a reader of a result on this set must know."""
    return f"{IMAGES * share:,.0f} hard links to the filtered set's 3,000 photographs: times only"


def filtered_set() -> Path:
    """The folder of the filtered Cats vs Dogs set; ends the program where it is not at hand."""
    folder = data_dir() / "cats_and_dogs_filtered"
    if not folder.is_dir():
        sys.exit(f"this measures on real photographs: expected cats_and_dogs_filtered/ in GREYCARD_DATA ({data_dir()})")
    return folder


def link_many(originals: list[Path], folder: Path, count: int) -> None:
    """`folder/0.jpg` to `folder/{count - 1}.jpg`, hard links to the originals over and over."""
    folder.mkdir(parents=True)
    for number, original in zip(range(count), cycle(originals), strict=False):
        os.link(original, folder / f"{number}.jpg")


def _copies(name: str, folder: Path) -> list[Path]:
    """The filtered set's images of one class, copied: links neither cross disks nor ask less than ownership."""
    source = filtered_set()
    images = sorted([*source.glob(f"train/{name}/*.jpg"), *source.glob(f"validation/{name}/*.jpg")])
    folder.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copy(image, folder / image.name)) for image in images]


def _split(root: Path, place: Path) -> None:
    recipe = find_project("cats-dogs-25k-cnn").recipe
    dataset = load_dataset(
        DATASET, root, val_fraction=recipe.data.val_fraction or 0.2, split_seed=recipe.data.split_seed
    )
    for part, split in (("train", dataset.train), ("validation", dataset.validation)):
        for id, image in zip(split.ids, split.images, strict=True):
            target = place / part / id
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(image, target)


if __name__ == "__main__":
    main()
