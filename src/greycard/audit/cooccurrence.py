"""Findings about labels that occur together, where an image can have several: always, never, rarely."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from greycard.audit.finding import Finding
from greycard.audit.limits import FEW_WITH_LABEL
from greycard.datasets.parts import some

_LEAST = 5
"""Fewer images with a label say nothing about what it occurs with."""

_EXPECTED = 10
"""Labels that never meet are reported if chance alone would put them on so many images."""

_NAMED = 5


def cooccurrence(labels: np.ndarray) -> np.ndarray:
    """The number of images with each pair of labels, int64 (labels, labels); on the diagonal with each label.

    Args:
        labels: uint8 (n, labels) of 0 and 1.
    """
    counted = labels.astype(np.int64)
    return counted.T @ counted


def label_findings(labels: np.ndarray, in_train: np.ndarray, names: Sequence[str]) -> list[Finding]:
    """Pairs that always or never occur together, and labels with few training images.

    Args:
        labels: uint8 (n, labels) of 0 and 1.
        in_train: bool (n,).
        names: of the labels.
    """
    counts, images = cooccurrence(labels), len(labels)
    found = (_always(counts, images, names), _never(counts, images, names), _rare(labels[in_train], names))
    return [finding for finding in found if finding]


def _always(counts: np.ndarray, images: int, names: Sequence[str]) -> Finding | None:
    """Labels of which one is on every image with the other, or on every image at all."""
    own = counts.diagonal()
    whole = [place for place in range(len(names)) if images >= _LEAST and own[place] == images]
    pairs = [
        (one, other)
        for one in range(len(names))
        for other in range(len(names))
        if one != other and own[one] >= _LEAST and counts[one, other] == own[one] and other not in whole
        if one < other or own[one] != own[other]
    ]
    if not (whole or pairs):
        return None
    words = [f"every image has {names[place]!r}" for place in whole]
    words += [_together(names[one], names[other], own[one] == own[other], int(own[one])) for one, other in pairs]
    return Finding(
        "always together",
        some(words, _NAMED),
        "a model cannot learn to tell such labels apart: leave out one of them, or add images that have only one",
        figures={"everywhere": [names[place] for place in whole], "pairs": [[names[a], names[b]] for a, b in pairs]},
    )


def _together(one: str, other: str, mutual: bool, count: int) -> str:
    if mutual:
        return f"{one!r} and {other!r} are always together ({count:,} images)"
    return f"every image with {one!r} also has {other!r} ({count:,} images)"


def _never(counts: np.ndarray, images: int, names: Sequence[str]) -> Finding | None:
    own = counts.diagonal()
    expected = np.outer(own, own) / max(images, 1)
    pairs = [
        (one, other)
        for one in range(len(names))
        for other in range(one + 1, len(names))
        if not counts[one, other] and expected[one, other] >= _EXPECTED
    ]
    if not pairs:
        return None
    pairs.sort(key=lambda pair: -expected[pair])
    words = [f"{names[a]!r} and {names[b]!r} (by chance on {expected[a, b]:.0f} images)" for a, b in pairs]
    return Finding(
        "never together",
        f"labels that are never on the same image: {some(words, _NAMED)}",
        "if they exclude each other, that is right; otherwise a label was forgotten, or images with both are needed",
        figures={"pairs": [[names[a], names[b]] for a, b in pairs]},
    )


def _rare(labels: np.ndarray, names: Sequence[str]) -> Finding | None:
    counts = labels.sum(axis=0, dtype=np.int64)
    rare = [place for place in np.argsort(counts, kind="stable").tolist() if counts[place] < FEW_WITH_LABEL]
    if not rare:
        return None
    return Finding(
        "rare labels",
        f"labels with fewer than {FEW_WITH_LABEL} training images:"
        f" {some([f'{names[place]!r} {counts[place]:,}' for place in rare], _NAMED)}",
        "add images with these labels, or leave the labels out",
        figures={names[place]: int(counts[place]) for place in rare},
    )
