"""Find test images that a run has already seen: in training, or in validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from greycard.audit.duplicates import FEW_ALIGNED, find_pairs
from greycard.audit.thumbnails import load_thumbnails
from greycard.core.threads import thread_pool
from greycard.datasets.dataset import Dataset, Split
from greycard.datasets.digests import array_digest
from greycard.datasets.file_facts import content_digest
from greycard.pipeline.array_split import load_arrays

_MOST_COMPARED = 20_000
"""Near-duplicates are searched up to this number of files: it takes minutes for more. Equal files are found in any
number."""

NEARLY_EQUAL, EQUAL_FILES, EQUAL_PIXELS = "equal or nearly equal images", "equal files", "equal pixels"


@dataclass(frozen=True)
class Seen:
    """The test images that a run has seen.

    Attributes:
        in_train: bool (n,), the test images that are also training images.
        in_validation: bool (n,), the other test images that are also validation images.
        example: the ids of such a pair, the test image first; None if there is none.
        searched: what was searched: `NEARLY_EQUAL`, `EQUAL_FILES` or `EQUAL_PIXELS`.
    """

    in_train: np.ndarray
    in_validation: np.ndarray
    example: tuple[str, str] | None
    searched: str

    @property
    def anywhere(self) -> np.ndarray:
        """bool (n,)."""
        return self.in_train | self.in_validation


def find_seen(
    train: Split,
    validation: Split,
    test: Split,
    size: tuple[int, int],
    channels: int,
    on_image: Callable[[], None] = lambda: None,
) -> Seen:
    """Compare the test images with the images of a run.

    Args:
        train: the run's training images.
        validation: its validation images.
        test: the test images; all of them can be decoded.
        size: (height, width) of the model's input in pixels, to compare arrays.
        channels: of the model's input.
        on_image: called after each file that is decoded.
    """
    sides = (train, validation, test)
    if not all(isinstance(side.images, tuple) for side in sides):
        pixels = [_pixel_digests(side, size, channels) for side in sides]
        return _equal(sides, pixels, EQUAL_PIXELS)
    if sum(map(len, sides)) > _MOST_COMPARED:
        return _equal(sides, [image_digests(side) for side in sides], EQUAL_FILES)
    return _nearly_equal(sides, on_image)


def _equal(sides: Sequence[Split], digests: Sequence[Sequence[str]], searched: str) -> Seen:
    """Find test images with the same digest as an image of the run."""
    known = [dict(zip(found, side.ids, strict=True)) for found, side in zip(digests[:2], sides[:2], strict=True)]
    in_train, in_val = (np.array([each in names for each in digests[2]], bool) for names in known)
    both = known[1] | known[0]
    pairs = ((id, both.get(each)) for id, each in zip(sides[2].ids, digests[2], strict=True))
    example = next(((id, other) for id, other in pairs if other is not None), None)
    return Seen(in_train, in_val & ~in_train, example, searched)


def _pixel_digests(split: Split, size: tuple[int, int], channels: int) -> list[str]:
    arrays = load_arrays(split, size, channels)
    found = {id: array_digest(image) for id, image in zip(arrays.ids, arrays.each(), strict=True)}
    return [found.get(id, id) for id in split.ids]  # an image that cannot be decoded equals no other


def image_digests(split: Split) -> list[str]:
    """SHA-256 of each file's bytes, or of each array's, hexadecimal."""
    if isinstance(split.images, np.ndarray):
        return [array_digest(image) for image in split.images]
    with thread_pool() as pool:
        return list(pool.map(content_digest, split.images, split.facts or [None] * len(split)))


def _nearly_equal(sides: Sequence[Split], on_image: Callable[[], None]) -> Seen:
    named = [replace(side, ids=_numbered(side, number)) for number, side in enumerate(sides)]
    name_of = {
        new: id for side, one in zip(sides, named, strict=True) for new, id in zip(one.ids, side.ids, strict=True)
    }
    dataset = Dataset("", (), named[0], named[1], test=named[2])
    thumbnails = load_thumbnails(dataset, on_image)
    row_of = {id: row for row, id in enumerate(named[2].ids)}
    in_train, in_val = np.zeros(len(sides[2]), bool), np.zeros(len(sides[2]), bool)
    example = None
    for pair in find_pairs(thumbnails, dataset, most_aligned=FEW_ALIGNED):
        other, test = sorted((pair.first, pair.second), key=lambda row: bool(thumbnails.in_test[row]))
        if thumbnails.in_test[test] and not thumbnails.in_test[other]:
            (in_val if thumbnails.in_validation[other] else in_train)[row_of[thumbnails.ids[test]]] = True
            example = example or (name_of[thumbnails.ids[test]], name_of[thumbnails.ids[other]])
    return Seen(in_train, in_val & ~in_train, example, NEARLY_EQUAL)


def _numbered(split: Split, side: int) -> tuple[str, ...]:
    """Unique ids: the same name may exist among the training and the test images."""
    return tuple(f"{side} {row}" for row in range(len(split)))
