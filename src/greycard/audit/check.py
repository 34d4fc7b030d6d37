"""Run all checks on a dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from greycard.audit import content
from greycard.audit.cooccurrence import label_findings
from greycard.audit.duplicates import find_pairs
from greycard.audit.files import file_findings, named_facts, unreadable
from greycard.audit.finding import KINDS, STRICT, Finding
from greycard.audit.label_errors import LabelErrors, can_judge, find_label_errors
from greycard.audit.lsh import SIDE, descriptors
from greycard.audit.thumbnails import Thumbnails, load_thumbnails
from greycard.core.errors import GreycardError
from greycard.datasets.dataset import Dataset
from greycard.datasets.label_sets import has_several

_NUMBERS = "labels were not checked: they are numbers"


@dataclass(frozen=True)
class Report:
    """The result of a check.

    Attributes:
        dataset: the dataset's name.
        train_images: number of readable training images.
        val_images: number of readable validation images.
        findings: the most serious first.
        notes: what could not be checked, and why.
        test_images: number of readable test images; 0 if the data has none.
    """

    dataset: str
    train_images: int
    val_images: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    test_images: int = 0

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.dataset

    def __repr__(self) -> str:
        return f"Report({self.dataset!r}, {len(self.findings)} kinds of findings)"

    @property
    def fails_strict(self) -> bool:
        """True if `--strict` fails: errors that stop training, leakage, or unreadable files."""
        return any(finding.kind in STRICT for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset,
            "train_images": self.train_images,
            "val_images": self.val_images,
            "test_images": self.test_images,
            "findings": [finding.to_json() for finding in self.findings],
            "notes": list(self.notes),
        }


def check(
    dataset: Dataset,
    *,
    problems: Sequence[GreycardError] = (),
    thumbnails: Thumbnails | None = None,
    on_image: Callable[[], None] = lambda: None,
    features: Callable[[], np.ndarray | None] = lambda: None,
    advice: str = "",
) -> tuple[Report, Thumbnails]:
    """Check every image of a dataset.

    Args:
        dataset: a dataset of images; a split or a class may be empty.
        problems: errors that stop training (see `Survey`); each becomes a finding.
        thumbnails: of all images, if they are known.
        on_image: called after each decoded file.
        features: returns a network's features, float (n, d), of the thumbnails' images; None to use the pixels.
        advice: how to get such features, for the note that the pixels are not enough.

    Returns the report, and the thumbnails that it is based on.

    Raises:
        GreycardError: the dataset has numbers instead of images.
    """
    if len(dataset.train) and not dataset.has_images:
        raise GreycardError(
            f"{dataset.name} has numbers as inputs; a check needs images",
            hint="name a folder of images: `greycard check FOLDER`",
        )
    thumbnails = load_thumbnails(dataset, on_image) if thumbnails is None else thumbnails
    facts = [each for split in dataset.splits for each in named_facts(split)]
    label_errors, notes = _label_errors(dataset, thumbnails, features, advice)
    found = [
        *(Finding("not trainable", error.args[0], error.hint) for error in problems),
        unreadable(dataset.left_out + thumbnails.left_out),
        *content.duplicate_findings(_as_trained(thumbnails, dataset), find_pairs(thumbnails, dataset)),
        content.shift(thumbnails),
        *_by_label(thumbnails, dataset),
        content.suspected(thumbnails, dataset.classes, label_errors),
        content.near_empty(thumbnails),
        *file_findings(facts),
    ]
    ranked = sorted((each for each in found if each), key=lambda finding: list(KINDS).index(finding.kind))
    train, val, test = (int(side.sum()) for side in (thumbnails.in_train, thumbnails.in_validation, thumbnails.in_test))
    return Report(dataset.name, train, val, tuple(ranked), notes, test), thumbnails


def _by_label(thumbnails: Thumbnails, dataset: Dataset) -> list[Finding | None]:
    """Findings about how often labels occur."""
    if has_several(thumbnails.labels):
        return [*label_findings(thumbnails.labels, thumbnails.in_train, dataset.classes)]
    return [content.imbalance(thumbnails, dataset.classes)]


def _as_trained(thumbnails: Thumbnails, dataset: Dataset) -> Thumbnails:
    """If training makes the split, it keeps equal images on one side, so they are duplicates and not leakage."""
    makes_it = dataset.split.val_fraction is not None and not dataset.published
    return replace(thumbnails, in_validation=np.zeros_like(thumbnails.in_validation)) if makes_it else thumbnails


def _label_errors(
    dataset: Dataset, thumbnails: Thumbnails, computed: Callable[[], np.ndarray | None], advice: str
) -> tuple[LabelErrors | None, tuple[str, ...]]:
    if has_several(thumbnails.labels):
        return None, ("labels were not checked image by image: an image can have several",)
    if dataset.is_regression:
        return None, (_NUMBERS,)
    features = computed()
    if not can_judge(thumbnails.labels):
        return None, ("labels were not checked: there are too few images, or too few of a class",)
    if features is None:
        features, by = descriptors(len(thumbnails), lambda rows: thumbnails.grey(SIDE, rows)), "the pixels"
    else:
        by = "the network's features"
    found = find_label_errors(features, thumbnails.labels)
    if found.is_able:
        return found, ()
    hint = f"; {advice}" if by == "the pixels" and advice else ""
    return None, (
        f"labels were not checked: {by} predict only {100 * found.accuracy:.0f} % of the labels correctly{hint}",
    )
