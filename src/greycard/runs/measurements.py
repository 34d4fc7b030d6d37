"""Measurements of a finished run on the user's own test images: a folder of the run for each, never overwritten."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from greycard.core.atomic_files import atomic_path
from greycard.core.errors import GreycardError
from greycard.core.records import Count, Number, from_json, to_json
from greycard.core.run_format import SCHEMA
from greycard.datasets.dataset import LeftOut
from greycard.evaluation.intervals import wilson
from greycard.evaluation.label_scores import LabelScores
from greycard.evaluation.scores import Scores, scores
from greycard.evaluation.unpaired import Unpaired, unpaired
from greycard.runs.record import RunRecord

TESTS, MEASUREMENT, PREDICTIONS, MISTAKES, PAGE = (
    "tests", "measurement.json", "predictions.npz", "mistakes.npz", "report.html",
)  # fmt: skip


@dataclass(frozen=True)
class SeenImages:
    """How many test images the run has seen before.

    Attributes:
        train: number of test images that are also training images.
        validation: number of the others that are also validation images.
        example: the ids of such a pair, the test image first.
        searched: which images were compared, in words.
        unseen_right: number of correct predictions of the other test images.
    """

    train: Count
    validation: Count
    example: tuple[str, str] | None
    searched: str
    unseen_right: Count

    @property
    def count(self) -> int:
        return self.train + self.validation


@dataclass(frozen=True)
class Earlier:
    """An earlier measurement on some of the same images.

    Attributes:
        run: the name of the measured run.
        measured: date and time, ISO 8601, UTC.
        images: number of images that both measurements have.
        right: number of its correct predictions.
        of: number of its images.
    """

    run: str
    measured: str
    images: Number
    right: Count
    of: Number


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One measurement of a run on test images.

    Attributes:
        number: counted from 1.
        run: the run's name.
        data: the name of the images' folder or dataset.
        measured: date and time, ISO 8601, UTC.
        digest: SHA-256 of the images and labels, in any order.
        images: number of images.
        right: number of correct predictions; of several labels per image, all of them.
        labels: each label's figures if an image can have several, decided by the run's thresholds; None otherwise.
        val_images: number of the run's validation images of the same classes.
        val_right: number of correct predictions of these.
        seen: the images that the run has seen before; None if its training images are not available.
        earlier: measurements on some of the same images, the oldest first.
        missing: the classes without an image.
        left_out: files that could not be read.
        greycard: the version that measured.
    """

    number: Number
    run: str
    data: str
    measured: str
    digest: str
    images: Number
    right: Count
    labels: LabelScores | None
    val_images: Count
    val_right: Count
    seen: SeenImages | None
    earlier: tuple[Earlier, ...]
    missing: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    greycard: str

    @property
    def accuracy(self) -> float:
        """The fraction of correct predictions; of several labels per image, with all of them right."""
        return self.right / self.images

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy."""
        return wilson(self.right, self.images)

    @property
    def unseen(self) -> tuple[int, int]:
        """Number of correct predictions, and number of images, of those that the run has not seen before."""
        seen = self.seen
        return (self.right, self.images) if seen is None else (seen.unseen_right, self.images - seen.count)

    @property
    def against_validation(self) -> Unpaired | None:
        """The accuracy on unseen images minus that on validation images; None if there are no images to compare."""
        unseen, validation = self.unseen, (self.val_right, self.val_images)
        return unpaired(unseen, validation) if unseen[1] and validation[1] else None

    def to_json(self) -> dict[str, Any]:
        """The content of `measurement.json` without the schema number."""
        return to_json(self)

    def derived(self) -> dict[str, Any]:
        """The figures that follow from the fields, for JSON output."""
        compared = self.against_validation
        right, images = self.unseen
        name = "accuracy" if self.labels is None else "exact"
        return {
            name: self.accuracy,
            "interval": list(self.interval),
            "unseen_images": images,
            f"unseen_{name}": right / images if images else None,
            "against_validation": None if compared is None else to_json(compared) | {"is_real": compared.is_real},
        }

    @classmethod
    def from_json(cls, content: Any) -> Measurement:
        """Read the output of `to_json`; GreycardError for a missing, unknown or damaged field."""
        return from_json(cls, content)


def measurements_of(run: RunRecord) -> list[Measurement]:
    """The measurements of a run, in order; GreycardError for a damaged file."""
    folders = (path.parent for path in (run.path / TESTS).glob(f"*/{MEASUREMENT}") if path.parent.name.isdigit())
    return [_read(folder / MEASUREMENT) for folder in sorted(folders, key=lambda folder: int(folder.name))]


def measurement_folder(run: RunRecord, number: int) -> Path:
    """The folder of one measurement."""
    return run.path / TESTS / str(number)


def next_number(run: RunRecord) -> int:
    """The first number after those of the existing folders."""
    folder = run.path / TESTS
    taken = [int(each.name) for each in folder.iterdir() if each.name.isdigit()] if folder.is_dir() else []
    return max(taken, default=0) + 1


def write_measurement(
    run: RunRecord, found: Measurement, arrays: Mapping[str, Mapping[str, np.ndarray]], page: str
) -> Path:
    """Write a measurement as a new folder, complete or not at all.

    Args:
        run: the measured run.
        found: its number must be free.
        arrays: the content of `PREDICTIONS` and `MISTAKES`.
        page: the HTML page.

    Raises:
        OSError: the folder exists, the disk is full, or permission is missing.
    """
    place = measurement_folder(run, found.number)
    place.parent.mkdir(exist_ok=True)
    with atomic_path(place) as draft:
        draft.mkdir()
        for name, content in arrays.items():
            np.savez_compressed(draft / name, **content)  # type: ignore[arg-type]
        (draft / PAGE).write_text(page, encoding="utf-8", errors="backslashreplace")
        text = json.dumps({"schema": SCHEMA, **found.to_json()}, indent=2, allow_nan=False)
        (draft / MEASUREMENT).write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")
    return place


def read_arrays(run: RunRecord, number: int, name: str) -> dict[str, np.ndarray]:
    """`ids`, `labels`, `probabilities` (calibrated, float32) and more of `PREDICTIONS` or `MISTAKES`.

    Raises:
        GreycardError: the file is missing or damaged.
    """
    path = measurement_folder(run, number) / name
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except Exception as error:  # a damaged zip can raise almost any exception
        raise _damaged(path, error) from error


def measured_scores(run: RunRecord, number: int) -> Scores:
    """Each class's figures, the confusion matrix and more, from a measurement's predictions."""
    found = read_arrays(run, number, PREDICTIONS)
    return scores(found["labels"], found["probabilities"], run.classes)


def _read(path: Path) -> Measurement:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("schema") != SCHEMA:
            raise ValueError(f"expected run format {SCHEMA}")
        return Measurement.from_json(content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, GreycardError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: object) -> GreycardError:
    why = error.args[0] if isinstance(error, GreycardError) else error
    return GreycardError(f"{path} cannot be read: {why}", hint=f"remove {path.parent}, and measure again")
