"""Everything the doctor looks at, in one go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from greycard.datasets.core import Dataset
from greycard.doctor import content
from greycard.doctor.duplicates import find_pairs
from greycard.doctor.files import file_facts, file_findings, unreadable
from greycard.doctor.finding import KINDS, STRICT, Finding
from greycard.doctor.looks import Looks, look_at
from greycard.doctor.neighbours import SIDE, descriptors
from greycard.doctor.suspects import Suspects, can_judge, find_suspects
from greycard.errors import GreycardError


@dataclass(frozen=True)
class Report:
    """What was looked at, and what was found.

    Attributes:
        dataset: its name.
        train_images: readable training pictures.
        val_images: readable validation pictures.
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
) -> tuple[Report, Looks]:
    """Look at every picture of a dataset.

    Args:
        dataset: of pictures; a side or a class may be empty.
        problems: why it cannot be trained on (see `Survey`); each is a finding.
        on_image: called after each file that is decoded.
        features: gives a pretrained network's features, float (n, d), of the pictures in the order of `Looks`, to
            judge labels by; None for the pixels' own.

    Returns:
        The report, and the small pictures it was made from.

    Raises:
        GreycardError: the dataset holds numbers, no pictures.
    """
    if dataset.is_regression and len(dataset.train):
        raise GreycardError(
            f"{dataset.name} holds numbers; the doctor looks at pictures",
            hint="name a folder of pictures: `greycard check FOLDER`",
        )
    looks = look_at(dataset, on_image)
    facts = [each for split in (dataset.train, dataset.validation) for each in file_facts(split)]
    suspects, notes = _suspects(looks, features())
    found = [
        *(Finding("not trainable", error.args[0], error.hint) for error in problems),
        unreadable(dataset.left_out + looks.left_out),
        *content.duplicate_findings(_as_trained(looks, dataset), find_pairs(looks, dataset)),
        content.shift(looks),
        content.imbalance(looks, dataset.classes),
        content.suspected(looks, dataset.classes, suspects),
        content.near_empty(looks),
        *file_findings(facts),
    ]
    ranked = sorted((each for each in found if each), key=lambda finding: list(KINDS).index(finding.kind))
    held_out = int(looks.in_validation.sum())
    return Report(dataset.name, len(looks) - held_out, held_out, tuple(ranked), notes), looks


def _as_trained(looks: Looks, dataset: Dataset) -> Looks:
    """Where training makes the split it keeps equal pictures on one side, so that they are duplicates and no leak."""
    makes_it = dataset.split.val_fraction is not None and dataset.origin is not None
    return replace(looks, in_validation=np.zeros_like(looks.in_validation)) if makes_it else looks


def _suspects(looks: Looks, features: np.ndarray | None) -> tuple[Suspects | None, tuple[str, ...]]:
    if not can_judge(looks.labels):
        return None, ("labels were not judged: there are too few pictures, or too few of a class",)
    by = "the pixels" if features is None else "the network's features"
    found = find_suspects(descriptors(looks.grey(SIDE)) if features is None else features, looks.labels)
    if found.is_able:
        return found, ()
    hint = "; --weights judges by a pretrained network" if features is None else ""
    return None, (f"labels were not judged: by {by} alone only {100 * found.accuracy:.0f} % are told right{hint}",)
