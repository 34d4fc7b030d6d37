"""Everything the doctor looks at, in one go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from greycard.audit import content
from greycard.audit.duplicates import find_pairs
from greycard.audit.files import file_facts, file_findings, unreadable
from greycard.audit.finding import KINDS, STRICT, Finding
from greycard.audit.label_errors import LabelErrors, can_judge, find_label_errors
from greycard.audit.lsh import SIDE, descriptors
from greycard.audit.thumbnails import Thumbnails, load_thumbnails
from greycard.core.errors import GreycardError
from greycard.datasets.dataset import Dataset


@dataclass(frozen=True)
class Report:
    """What was looked at, and what was found.

    Attributes:
        dataset: its name.
        train_images: readable training images.
        val_images: readable validation images.
        findings: the gravest first.
        notes: what the doctor could not judge, and why.
    """

    dataset: str
    train_images: int
    val_images: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Report({self.dataset!r}, {len(self.findings)} kinds of findings)"

    @property
    def is_grave(self) -> bool:
        """Whether `--strict` fails: what training would refuse, leakage, or files that cannot be read."""
        return any(finding.kind in STRICT for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset,
            "train_images": self.train_images,
            "val_images": self.val_images,
            "findings": [finding.to_json() for finding in self.findings],
            "notes": list(self.notes),
        }


def check(
    dataset: Dataset,
    *,
    problems: Sequence[GreycardError] = (),
    on_image: Callable[[], None] = lambda: None,
    features: Callable[[], np.ndarray | None] = lambda: None,
) -> tuple[Report, Thumbnails]:
    """Look at every image of a dataset.

    Args:
        dataset: of images; a side or a class may be empty.
        problems: why it cannot be trained on (see `Survey`); each is a finding.
        on_image: called after each file that is decoded.
        features: gives a pretrained network's features, float (n, d), of the images in the order of `Thumbnails`, to
            judge labels by; None for the pixels' own.

    Returns:
        The report, and the small images it was made from.

    Raises:
        GreycardError: the dataset holds numbers, no images.
    """
    if dataset.is_regression and len(dataset.train):
        raise GreycardError(
            f"{dataset.name} holds numbers; the doctor looks at images",
            hint="name a folder of images: `greycard check FOLDER`",
        )
    thumbnails = load_thumbnails(dataset, on_image)
    facts = [each for split in (dataset.train, dataset.validation) for each in file_facts(split)]
    label_errors, notes = _suspects(thumbnails, features())
    found = [
        *(Finding("not trainable", error.args[0], error.hint) for error in problems),
        unreadable(dataset.left_out + thumbnails.left_out),
        *content.duplicate_findings(_as_trained(thumbnails, dataset), find_pairs(thumbnails, dataset)),
        content.shift(thumbnails),
        content.imbalance(thumbnails, dataset.classes),
        content.suspected(thumbnails, dataset.classes, label_errors),
        content.near_empty(thumbnails),
        *file_findings(facts),
    ]
    ranked = sorted((each for each in found if each), key=lambda finding: list(KINDS).index(finding.kind))
    val = int(thumbnails.in_validation.sum())
    return Report(dataset.name, len(thumbnails) - val, val, tuple(ranked), notes), thumbnails


def _as_trained(thumbnails: Thumbnails, dataset: Dataset) -> Thumbnails:
    """Where training makes the split it keeps equal images on one side, so that they are duplicates and no leak."""
    makes_it = dataset.split.val_fraction is not None and dataset.origin is not None
    return replace(thumbnails, in_validation=np.zeros_like(thumbnails.in_validation)) if makes_it else thumbnails


def _suspects(thumbnails: Thumbnails, features: np.ndarray | None) -> tuple[LabelErrors | None, tuple[str, ...]]:
    if not can_judge(thumbnails.labels):
        return None, ("labels were not judged: there are too few images, or too few of a class",)
    by = "the pixels" if features is None else "the network's features"
    found = find_label_errors(descriptors(thumbnails.grey(SIDE)) if features is None else features, thumbnails.labels)
    if found.is_able:
        return found, ()
    hint = "; --weights judges by a pretrained network" if features is None else ""
    return None, (f"labels were not judged: by {by} alone only {100 * found.accuracy:.0f} % are told right{hint}",)
