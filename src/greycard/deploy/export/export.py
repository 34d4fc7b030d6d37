"""Export a model: write a temporary file, check it, and rename it only if it passes."""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from greycard.core.atomic_files import atomic_path, atomic_write
from greycard.core.errors import GreycardError
from greycard.core.output_files import expect_folder_of
from greycard.datasets.digests import file_digest
from greycard.deploy.classifier import Classifier
from greycard.deploy.export.about import describe, embed
from greycard.deploy.export.format import Format, about
from greycard.deploy.export.number_parity import NumberParity
from greycard.deploy.export.parity import ParityCheck, answers, check_parity
from greycard.deploy.export.refusal_parity import Limits
from greycard.evaluation.rejection.record import Rejection, distance_limit
from greycard.pipeline.array_split import ArraySplit
from greycard.runs.record import RunRecord


@dataclass(frozen=True)
class Exported:
    """An export that passed its parity check.

    Attributes:
        path: the file, or a SavedModel's folder.
        bytes: its size.
        parity: how it compared with the original.
        not_checked: what of the file the comparison did not run; None if it ran all of it.
    """

    path: Path
    bytes: int
    parity: ParityCheck | NumberParity
    not_checked: str | None = None


@dataclass(frozen=True)
class Images:
    """The images that an export needs.

    Attributes:
        validation: for the parity check.
        training: some training images uint8 (n, height, width, channels), for the calibration of int8 quantization.
        calibration: the images that set the limit of what is refused; None if it need not be set again.
    """

    validation: ArraySplit
    training: np.ndarray
    calibration: ArraySplit | None


def export(
    run: RunRecord,
    classifier: Classifier,
    form: Format,
    images: Images,
    place: Path,
    promised: Rejection | None,
) -> Exported:
    """Export the run's classifier, with the results of its parity check in a JSON file next to it.

    Args:
        run: the run of the model.
        classifier: its classifier.
        form: the export format.
        images: of the run.
        place: the file or SavedModel folder, checked by `expect_place`; it may replace an earlier export.
        promised: what is refused; None if no image is.

    Raises:
        GreycardError: its predictions differ from the original's; the figures are in `NAME.refused.json`, and an
            earlier export is kept.
    """
    original = _original(run, classifier, images.validation)
    with atomic_path(place, replaces_folder=True) as draft:
        form.write(classifier, draft, images.training)
        own = _with_own_limit(promised, form, draft, images.calibration)
        facts = describe(run, own)
        embed(facts, draft)
        engine, limits = form.open(draft), _limits(promised, own) if classifier.rejection else None
        parity = check_parity(classifier.task, original, engine, images.validation, exact=form.exact, limits=limits)
        record = {
            "schema": 1,
            "format": form.name,
            **facts,
            "parity": parity.to_json(),
            "not_checked": form.not_checked(engine),
            "content_sha256": _digest(draft),
        }
        _expect_passed(parity, form, record, place)
    _write(record, about(place))
    about(place, refused=True).unlink(missing_ok=True)
    return Exported(place, size_of(place), parity, record["not_checked"])


def expect_place(place: Path, form: Format) -> None:
    """Check that an export can be written to `place` without loss of a user's file. This creates nothing.

    Raises:
        GreycardError: wrong file extension, or the path exists and is not an unchanged earlier export of
            Greycard.
    """
    if not place.name.endswith(form.suffix):
        raise GreycardError(
            f"the name of a {form.name} export must end in {form.suffix}. Received: {place.name}",
            hint=f"use -o {place.with_suffix(form.suffix)}",
        )
    expect_folder_of(place, may_be_missing=True)
    known = _recorded(about(place))
    if os.path.lexists(place) and (known is None or known.get("content_sha256") != _digest(place)):
        raise GreycardError(f"{place} already exists and is not an earlier export", hint="choose another path with -o")
    for record in (about(place), about(place, refused=True)):
        if os.path.lexists(record) and _recorded(record) is None:
            raise GreycardError(
                f"{record} already exists and is not from an earlier export", hint="choose another path with -o"
            )


def _recorded(record: Path) -> dict[str, Any] | None:
    """The content of an export's JSON file; None if the file is something else."""
    try:
        facts = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) and {"format", "parity", "recipe_sha256"} <= facts.keys() else None


def _digest(place: Path) -> str:
    """SHA-256 of a file; for a folder, over the names and digests of all its files."""
    if place.is_file():
        return file_digest(place)
    inside = sorted(place.rglob("*")) if place.is_dir() else []
    lines = [f"{path.relative_to(place).as_posix()} {file_digest(path) if path.is_file() else ''}" for path in inside]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _limits(promised: Rejection | None, own: Rejection | None) -> Limits:
    """Without a promise, no image is refused."""
    return Limits(promised.limit if promised else math.inf, own.limit if own else math.inf)


def _with_own_limit(
    promised: Rejection | None, form: Format, draft: Path, calibration: ArraySplit | None
) -> Rejection | None:
    """With the limit of the exported model, whose features are rounded."""
    if promised is None or calibration is None:
        return promised
    scores = np.concatenate(list(answers(form.open(draft), calibration)))[:, -1]
    return replace(promised, limit=distance_limit(scores, promised.share))


def _original(run: RunRecord, classifier: Classifier, pixels: ArraySplit) -> np.ndarray:
    """The trained model's rows, calibrated independently of the exported graph."""
    outputs = np.concatenate(list(answers(classifier.original, pixels)))
    found = classifier.task.to_probabilities(outputs)
    if classifier.task.has_classes:
        found = classifier.task.at_temperature(found, run.temperature)
    if classifier.rejection is None:
        return found
    features = np.concatenate(list(answers(classifier.features, pixels)))
    strangeness = classifier.rejection.strangeness.of(features)
    return np.concatenate([found, strangeness[:, None]], axis=1)


def _write(facts: dict[str, Any], target: Path) -> None:
    atomic_write(target, json.dumps(facts, indent=2) + "\n")


def _expect_passed(parity: ParityCheck | NumberParity, form: Format, record: dict[str, Any], place: Path) -> None:
    if parity.passed:
        return
    _write(record, about(place, refused=True))
    other = "export to another format, and please report this problem"
    raise GreycardError(
        f"the {form.name} export is refused: {parity.why_refused}",
        hint=other if form.exact else "export to litert, which uses floating point",
    )


def size_of(place: Path) -> int:
    """The size of a file, or of all files in a folder, in bytes."""
    return sum(file.stat().st_size for file in ([place] if place.is_file() else place.rglob("*")) if file.is_file())
