"""Near-duplicates among the images of a list: descriptors by units of work, and the search for them on one machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from greycard.audit.duplicates import SAME_PIXELS, Pair, may_have_same_pixels, near_pairs
from greycard.audit.lsh import SAMPLE, SIDE, Axes, as_int8, candidates, find_axes
from greycard.audit.thumbnails import Thumbnails, unlabelled
from greycard.cluster.check.exact import pixel_digests
from greycard.cluster.check.listing import Listing, Some
from greycard.cluster.check.readings import pixels_of
from greycard.cluster.check.stages import Stages
from greycard.pipeline.cache import drop_pages, scratch_array
from greycard.storage.folders import Folder

_AXES, _CANDIDATES = "axes.npz", "candidates.npy"

_ENOUGH = 10
"""One in so many images of a sample has to be readable."""


@dataclass(frozen=True)
class Points:
    """The unit that describes some images: int8 (2, images, at most 32), the images and their mirror images.

    Attributes:
        some: the images; an unreadable one has zeros.
    """

    some: Some

    @property
    def file(self) -> str:
        return f"points-{self.some.number:06}.npy"

    @property
    def images(self) -> int:
        return self.some.images

    def write(self, folder: Folder, place: Path) -> None:
        axes = _read_axes(folder)
        points = np.zeros((2, self.images, axes.axes.shape[1]), np.int8)
        for first, shard in self.some.each():
            rows, colour = pixels_of(folder, shard, np.arange(shard.count))
            for side, grey in enumerate(_both(unlabelled(("",) * len(rows), colour))):
                points[side, first - self.some.first + rows] = as_int8(axes.project(grey))
        with place.open("wb") as file:
            np.save(file, points)


def find_near(stages: Stages, exact: Sequence[Pair]) -> list[Pair]:
    """Pairs of nearly the same images, the most certain first; only the first of equal images is searched.

    Others may have the same pixels, and say so: JPEG and PNG are reduced differently, so that thumbnails differ.

    Args:
        stages: of the check.
        exact: pairs of an image and the first one with the same pixels.
    """
    listing, units = stages.listing, [Points(some) for some in stages.listing.units()]
    with stages.reporter.status("looking for the main differences of images"):
        found = _write_axes(listing)
    if not found:
        return []
    stages.write("describing images", units)
    with stages.reporter.status("looking for near-duplicates"):
        pairs = _candidates(listing, units, exact)
        rows, thumbnails = listing.thumbnails(np.unique(pairs % len(listing)))
        near = [
            (_in_list(pair, rows), may_have_same_pixels(thumbnails, pair))
            for pair in near_pairs(thumbnails, _renumbered(pairs, rows, len(listing)))
        ]
    unsure = (row for pair, maybe in near if maybe for row in (pair.first, pair.second))
    digests = pixel_digests(stages, "near", unsure)
    return [
        replace(pair, how=SAME_PIXELS, distance=0.0) if maybe and digests[pair.first] == digests[pair.second] else pair
        for pair, maybe in near
    ]


def _candidates(listing: Listing, units: Sequence[Points], exact: Sequence[Pair]) -> np.ndarray:
    """The pairs of `candidates`, searched for once: it takes the longest of what one machine does."""
    if not listing.folder.has(_CANDIDATES):
        found = candidates(_gathered(listing, units, exact), originals=len(listing))
        with listing.folder.writing(_CANDIDATES) as place, place.open("wb") as file:
            np.save(file, found)
    with listing.folder.open(_CANDIDATES) as opened:
        return np.load(opened)


def _in_list(pair: Pair, rows: np.ndarray) -> Pair:
    """A pair of places in `rows` as a pair of rows."""
    return replace(pair, first=int(rows[pair.first]), second=int(rows[pair.second]))


def _write_axes(listing: Listing) -> bool:
    """Find the axes of a sample, unless they are there; False if no image of it can be read."""
    if listing.folder.has(_AXES):
        return True
    sample = _sample(listing, SAMPLE // 2)
    if not len(sample):
        return False
    axes = find_axes(np.concatenate(list(_both(sample))))
    with listing.folder.writing(_AXES) as place, place.open("wb") as file:
        np.savez(file, mean=axes.mean, axes=axes.axes)
    return True


def _sample(listing: Listing, most: int) -> Thumbnails:
    """Some readable images from all of the list; every n-th would be of one kind if the kinds take turns."""
    rows = np.random.default_rng(0).choice(len(listing), min(most, len(listing)), replace=False, shuffle=False)
    _, found = listing.thumbnails(np.sort(rows))
    units = iter(listing.units())
    while len(found) < len(rows) // _ENOUGH and (some := next(units, None)):  # most images are unreadable
        _, found = listing.thumbnails(np.arange(some.first, some.first + some.images))
    return found


def _read_axes(folder: Folder) -> Axes:
    with folder.open(_AXES) as file, np.load(file) as found:
        return Axes(found["mean"], found["axes"])


def _both(thumbnails: Thumbnails) -> Iterator[np.ndarray]:
    """The grey images that are described, and their mirror images."""
    grey = thumbnails.grey(SIDE)
    yield grey
    yield grey[:, :, ::-1]


def _gathered(listing: Listing, units: Sequence[Points], exact: Sequence[Pair]) -> np.ndarray:
    """The descriptors of all images, then those of their mirror images: int8 (2 n, at most 32); zeros for repeats."""
    points, start = None, 0
    for unit in units:
        with listing.folder.open(unit.file) as file:
            found = np.load(file)
        if points is None:
            points = scratch_array((2, len(listing), found.shape[2]), np.int8)
        points[:, start : start + found.shape[1]] = found
        start += found.shape[1]
        drop_pages(points)
    assert points is not None
    points[:, [pair.second for pair in exact]] = 0
    return points.reshape(2 * len(listing), -1)


def _renumbered(pairs: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """Pairs of rows of a list as pairs of places in `rows`, where mirror images follow all images, too."""
    places: np.ndarray = np.searchsorted(rows, pairs % count) + len(rows) * (pairs >= count)
    return places
