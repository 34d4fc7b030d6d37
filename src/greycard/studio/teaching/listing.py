"""The images of the folder as the teacher needs them: keys, features, labels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from greycard.labelling.teacher import Images
from greycard.studio.images.folder import ImageFolder
from greycard.studio.images.identity import identity
from greycard.studio.images.names import label_of
from greycard.studio.teaching.features import Features
from greycard.studio.teaching.marks import Marks


@dataclass(frozen=True)
class Listed:
    """The readable images with features.

    Attributes:
        ids: the page's names of the images.
        classes: the names of the classes.
        images: what the teacher needs, in the order of the ids.
        all: number of all images.
        known: number of them that have features, or cannot be read.
    """

    ids: Sequence[str]
    classes: Sequence[str]
    images: Images
    all: int
    known: int

    def labelled(self, row: int) -> tuple[str, str | None]:
        """An image's key and label."""
        return self.images.keys[row], label_of(self.ids[row])


def listed(folder: ImageFolder, features: Features, accepted: Marks) -> Listed:
    """The present images of the folder.

    Args:
        folder: the user's images.
        features: of these images.
        accepted: the labels that nobody has looked at one by one.
    """
    features.update()
    by_class = folder.images()
    classes = [name for name in by_class if name]
    number = {name: place for place, name in enumerate(["", *classes], start=-1)}
    found = [(id, key, number[name]) for name, ids in by_class.items() for id, key in _keys(folder.root, ids)]
    known = [each for each in found if each[1] in features]
    values = features.of([key for _, key, _ in known])
    readable = np.isfinite(values[:, 0])
    ids, keys, labels = zip(*(known[row] for row in np.flatnonzero(readable)), strict=True) if readable.any() else _NONE
    taken = np.array([accepted.has(key, label_of(id)) for id, key in zip(ids, keys, strict=True)], dtype=bool)
    images = Images(keys, values[readable], np.array(labels, dtype=np.int64), taken, len(classes))
    return Listed(ids, classes, images, len(found), len(known))


_NONE: tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]] = ((), (), ())


def _keys(root: Path, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Each id with its file's identity; without those that are moved at this moment."""
    found = []
    for id in ids:
        try:
            found.append((id, identity(Path(os.path.join(root, id)))))
        except OSError:
            continue
    return found
