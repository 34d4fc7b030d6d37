"""The findings of a check: each has a kind, a sentence and the images it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

KINDS = {
    "not trainable": "errors that stop training",
    "leakage": "the same image in two splits",
    "unreadable": "files that cannot be read",
    "conflicting labels": "the same image with different labels",
    "duplicates": "the same image more than once",
    "shift": "training and validation images of different kinds",
    "imbalance": "classes of very different sizes",
    "always together": "labels that are on the same images",
    "never together": "labels that are never on the same image",
    "rare labels": "labels with very few training images",
    "suspected labels": "images that look like another class",
    "near-empty": "images with almost no content",
    "wrong ending": "files with the extension of another format",
    "rotated": "images that an EXIF tag turns upright",
    "odd mode": "images that are neither RGB nor grey",
    "extreme size": "very small, very large or very narrow images",
}
"""All kinds of findings, the most serious first, with a description."""

STRICT = ("not trainable", "leakage", "unreadable")
"""The kinds for which `--strict` fails."""


@dataclass(frozen=True)
class Finding:
    """One kind of problem that was found.

    Attributes:
        kind: a key of `KINDS`.
        sentence: what was found, with numbers.
        next_step: what to do about it.
        groups: ids of the images, as in the dataset; related images are in one group, the most serious group first.
        details: a remark for each group, or empty.
        figures: the numbers of the sentence, as plain values.
        found: number of groups, if `groups` has only the first ones.
    """

    kind: str
    sentence: str
    next_step: str
    groups: Sequence[tuple[str, ...]] = ()
    details: Sequence[str] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    found: int | None = None

    @property
    def count(self) -> int:
        """The number of groups."""
        return len(self.groups) if self.found is None else self.found

    def to_json(self) -> dict[str, Any]:
        detailed = list(self.details) or [""] * len(self.groups)
        images = [{"ids": list(ids), "detail": text} for ids, text in zip(self.groups, detailed, strict=True)]
        return {
            "kind": self.kind,
            "sentence": self.sentence,
            "next_step": self.next_step,
            "found": self.count,
            "images": images,
            "figures": self.figures,
        }
