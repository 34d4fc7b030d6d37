"""Exporting: written beside its place, checked there, and moved into it only when it has passed."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from greycard.deploy.classifier import Classifier
from greycard.deploy.export.about import describe, embed
from greycard.deploy.export.formats import Format
from greycard.deploy.export.gate import Gate, answers, hold_against
from greycard.errors import GreycardError
from greycard.evaluation.calibration import at_temperature
from greycard.models.head import as_probabilities
from greycard.pipeline.pixels import Pixels
from greycard.runs.record import RunRecord

_REPRESENTATIVE = 200


@dataclass(frozen=True)
class Exported:
    """An export that passed its gate.

    Attributes:
        path: the file, or a SavedModel's folder.
        bytes: its size.
        gate: how it compared with the original.
    """

    path: Path
    bytes: int
    gate: Gate


def default_place(run: RunRecord, form: Format) -> Path:
    """`RUN/export/NAME` with the format's ending."""
    return run.path / "export" / f"{run.name}{form.ending}"


def export(
    run: RunRecord, classifier: Classifier, form: Format, train: Pixels, validation: Pixels, place: Path
) -> Exported:
    """Write the run's classifier in a format, with the figures of its gate in a JSON file beside it.

    Args:
        run: whose model it is.
        classifier: of it.
        form: the format.
        train: pictures that integers are fitted to.
        validation: pictures it is checked on.
        place: the file, or a SavedModel's folder; an earlier export there is replaced.

    Raises:
        GreycardError: it answers otherwise than the original; the figures are written, the export is not.
    """
    _expect_place(place, form)
    original = _original(run, classifier, validation)
    draft = place.with_name(f".incomplete-{place.name}")
    remove(draft)
    try:
        form.write(classifier.model, draft, _some(train))
        facts = describe(run)
        embed(facts, draft)
        gate = hold_against(original, form.open(draft), validation, exact=form.exact)
        _write_facts({"format": form.name, **facts, "gate": gate.to_json()}, place)
        _expect_passed(gate, form)
        if place.is_dir():
            remove(place)
        os.replace(draft, place)
    finally:
        remove(draft)
    return Exported(place, size_of(place), gate)


def _original(run: RunRecord, classifier: Classifier, pixels: Pixels) -> np.ndarray:
    """The trained model's own answers, calibrated apart from what is exported."""
    outputs = np.concatenate(list(answers(classifier.trained, pixels)))
    return at_temperature(as_probabilities(outputs), run.temperature)


def _some(train: Pixels) -> np.ndarray:
    """Training pictures of every part of the set, and so of every class."""
    return train.images[np.linspace(0, len(train) - 1, min(len(train), _REPRESENTATIVE)).astype(int)]


def _expect_place(place: Path, form: Format) -> None:
    """Nothing of the user's is overwritten but an earlier export."""
    if not place.name.endswith(form.suffix):
        raise GreycardError(f"a {form.name} export's name ends in {form.suffix}. Received: {place.name}")
    if place.is_dir() and not (place / "saved_model.pb").is_file():
        raise GreycardError(f"{place} is a folder and no earlier export", hint="-o names another place")


def _write_facts(facts: dict[str, Any], place: Path) -> None:
    target = place.with_name(f"{place.name}.json")
    draft = target.with_name(f".incomplete-{target.name}")
    draft.write_text(json.dumps({"schema": 1, **facts}, indent=2) + "\n", encoding="utf-8")
    os.replace(draft, target)


def _expect_passed(gate: Gate, form: Format) -> None:
    if gate.passed:
        return
    if form.exact:
        raise GreycardError(
            f"the {form.name} export is refused: a probability differs by {gate.largest_difference:.2g} from the"
            f" original's on {gate.images:,} validation images; expected at most {gate.tolerance:g}",
            hint="export to another format, and please report this one",
        )
    raise GreycardError(
        f"the {form.name} export is refused: it is right on {gate.accuracy:.2%} of {gate.images:,} validation images,"
        f" the original on {gate.original_accuracy:.2%}; expected at least {gate.lowest_accuracy:.2%}, the lower end of"
        " its 95 % interval",
        hint="export to litert, which keeps floating point",
    )


def size_of(place: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return sum(file.stat().st_size for file in ([place] if place.is_file() else place.rglob("*")) if file.is_file())


def remove(place: Path) -> None:
    """A file or a folder gone, if it was there."""
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
