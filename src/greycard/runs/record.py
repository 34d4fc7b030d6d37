"""Read a run, finished or not, from its files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from greycard.backend.choices import Choices
from greycard.core.epoch import Epoch
from greycard.core.errors import GreycardError, command
from greycard.core.paths import as_path
from greycard.core.records import from_json
from greycard.core.run_format import SCHEMA
from greycard.core.suggestions import did_you_mean
from greycard.evaluation.rejection.stored import KEYS, Stored
from greycard.recipe import Recipe
from greycard.runs.author import AUTHOR, Author
from greycard.runs.directory import (
    CHOICES,
    ENVIRONMENT,
    HISTORY,
    LABELS,
    MISTAKES,
    MODEL,
    PREDICTIONS,
    RECIPE,
    REJECTION,
    SPLIT,
    SUMMARY,
    is_in_training,
    tidy,
)
from greycard.runs.schema import Summary
from greycard.search.record import SearchRecord, read_search
from greycard.tasks.multilabel import MultiLabel
from greycard.tasks.target import Target
from greycard.tasks.task import Task
from greycard.tasks.tasks import task_for

_REQUIRED = {
    LABELS: {"classes"},
    ENVIRONMENT: {
        "started", "greycard", "python", "machine", "backend", "backend_version", "device", "keras",
    },
}  # fmt: skip
"""Required fields of each file; `Summary` and `Epoch` define those of the summary and the history."""


_Kind = TypeVar("_Kind")


class RunRecord:
    """A run directory. Files are loaded only when they are needed.

    Args:
        path: the run's folder, or another record of it.

    Raises:
        GreycardError: no such folder, or one without a `recipe.json`.
    """

    def __init__(self, path: str | Path | RunRecord) -> None:
        self.path: Path = path.path if isinstance(path, RunRecord) else as_path(path, "a run")
        if not (self.path / RECIPE).is_file():
            what = "has no recipe.json" if self.path.is_dir() else "does not exist"
            hint = " ".join(filter(None, (_similar(self.path), _where_runs_are(self.path))))
            raise GreycardError(f"{self.path} is not a run: it {what}", hint=hint)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def finished(self) -> bool:
        """Whether `summary.json`, the last file, exists."""
        return (self.path / SUMMARY).is_file()

    @cached_property
    def recipe(self) -> Recipe:
        fields = self._json(RECIPE)
        return Recipe.from_json({key: value for key, value in fields.items() if key != "schema"})

    @cached_property
    def environment(self) -> dict[str, Any]:
        return self._json(ENVIRONMENT)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The label names in label order; empty for a regression."""
        return tuple(self._json(LABELS)["classes"])

    @cached_property
    def author(self) -> str | None:
        """The name of the user who trained it; None if none was given."""
        return self._record(AUTHOR, Author).name if (self.path / AUTHOR).is_file() else None

    @cached_property
    def choices(self) -> Choices | None:
        """How the training steps are computed; None before training begins."""
        return self._record(CHOICES, Choices) if (self.path / CHOICES).is_file() else None

    @property
    def task(self) -> Task:
        """The run's task; that of a finished run with several labels per image has the chosen thresholds."""
        task = task_for(len(self.classes), self.recipe.data.task, target=self.target)
        if isinstance(task, MultiLabel) and self.finished and self.summary.labels:
            return MultiLabel(task.classes, self.summary.labels.thresholds)
        return task

    @property
    def calibrated_task(self) -> Task:
        """The task that decides on calibrated probabilities, such as those of predictions and measurements."""
        return self.task.scaled(self.temperature)

    @cached_property
    def target(self) -> Target | None:
        """The numbers that a regression on images learned; None for other runs."""
        found = self._json(LABELS).get("target")
        try:
            return None if found is None else from_json(Target, found)
        except GreycardError as error:
            raise _damaged(self.path / LABELS, error) from error

    @property
    def history(self) -> list[Epoch]:
        """Every epoch; an incomplete last line is left out."""
        self._json(RECIPE)  # checks the run's format
        path = self.path / HISTORY
        try:
            lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.is_file() else []
            return [Epoch.from_json(json.loads(line)) for line in lines]
        except (OSError, ValueError, RecursionError, GreycardError) as error:
            raise _damaged(path, error) from error

    def expect_finished(self) -> None:
        """Raise GreycardError for an unfinished run."""
        if not self.finished:
            advice = f"resume it with `{command('resume', self.path)}`"
            raise GreycardError(
                f"{self.path} is unfinished: it has no summary.json",
                hint="wait: it is in training" if is_in_training(self.path) else advice,
            )

    def expect_unfinished(self) -> None:
        """Raise GreycardError for a finished run and for one that is in training."""
        if self.finished:
            tidy(self.path)
            raise GreycardError(
                f"{self.path} is finished; there is nothing to resume",
                hint="to train longer, start a new run with more --epochs",
            )
        if is_in_training(self.path):
            raise GreycardError(
                f"{self.path} is being trained by another process", hint="wait for it, or stop it first"
            )

    @cached_property
    def summary(self) -> Summary:
        """The figures of a finished run; GreycardError for an unfinished run or a damaged file."""
        self.expect_finished()
        return self._record(SUMMARY, Summary)

    @property
    def search(self) -> SearchRecord | None:
        """The search that chose this run, with its ladder; None if the run was trained by itself."""
        return read_search(self.path)

    @cached_property
    def split(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The ids of the training and validation images, in order."""
        found = self._arrays(SPLIT, "train", "validation")
        return tuple(found["train"].tolist()), tuple(found["validation"].tolist())

    @cached_property
    def test_ids(self) -> tuple[str, ...]:
        """The ids of the test images, in order; empty if the data has no test split."""
        return tuple(self._arrays(SPLIT, "test")["test"].tolist())

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each image's file, by id; empty if the data were no files, or if the run has no digests."""
        found = self._arrays(SPLIT, "train", "validation", "test", optional="digests")
        ids = np.concatenate([found["train"], found["validation"], found["test"]]).tolist()
        digests = found["digests"].astype(np.str_).tolist() if "digests" in found else []
        return dict(zip(ids, digests, strict=False))

    @cached_property
    def predictions(self) -> dict[str, np.ndarray]:
        """`ids`, `labels` and `probabilities` of the validation images."""
        return self._arrays(PREDICTIONS, "ids", "labels", "probabilities")

    @cached_property
    def mistakes(self) -> dict[str, np.ndarray] | None:
        """`ids`, `labels`, `probabilities` and small `images` of the worst mistakes; None if they were not saved."""
        if not (self.path / MISTAKES).is_file():
            return None
        return self._arrays(MISTAKES, "ids", "labels", "probabilities", "images")

    @cached_property
    def rejection(self) -> Stored | None:
        """How unlike the training images an image may be; None if the run refuses no image."""
        return Stored.of(self._arrays(REJECTION, *KEYS)) if (self.path / REJECTION).is_file() else None

    @property
    def temperature(self) -> float:
        """The temperature for calibrated probabilities; 1 if scaling does not help on the held-out half."""
        calibration = self.summary.calibration if self.finished else None
        return calibration.temperature if calibration and calibration.scaling_helps else 1.0

    @property
    def model_path(self) -> Path:
        return self.path / MODEL

    def _arrays(self, name: str, *keys: str, optional: str | None = None) -> dict[str, np.ndarray]:
        """The arrays of a file; the optional one is left out if the file has none of this name."""
        path = self.path / name
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                more = [optional] if optional is not None and optional in archive else []
                return {key: archive[key] for key in (*keys, *more)}
        except Exception as error:  # a damaged zip can raise almost any exception
            raise _damaged(path, error) from error

    def _record(self, name: str, kind: type[_Kind]) -> _Kind:
        """A file as the dataclass that is its schema."""
        content = {field: value for field, value in self._json(name).items() if field != "schema"}
        try:
            return from_json(kind, content)
        except GreycardError as error:
            raise _damaged(self.path / name, error) from error

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise _damaged(path, error) from error
        if not isinstance(content, dict) or content.get("schema") != SCHEMA:
            found = content.get("schema") if isinstance(content, dict) else None
            raise GreycardError(
                f"{path} has run format {found!r}; this Greycard reads format {SCHEMA}",
                hint="use the Greycard version that wrote it, or train again; the new run gets a new folder",
            )
        missing = sorted(_REQUIRED.get(name, set()) - content.keys())
        if missing:
            raise _damaged(path, f"{missing[0]!r} is missing")
        return content


def find_runs(out: str | Path) -> list[Path]:
    """The run folders in `out`, by start time; empty if the folder does not exist."""
    folder = as_path(out, "out")
    found: Iterable[Path] = folder.iterdir() if folder.is_dir() else ()
    return sorted((path for path in found if (path / RECIPE).is_file()), key=lambda path: (_started(path), path))


def _where_runs_are(path: Path) -> str:
    """A hint with the searched folder, if it contains runs."""
    out = path.parent
    elsewhere = ("--out", out) if find_runs(out) and out != Path("runs") else ()
    return f"`{command('table', *elsewhere)}` lists the runs"


def earlier_run(out: str | Path, recipe: Recipe, author: Author | None = None) -> RunRecord | None:
    """The latest run of this recipe in `out`, finished or not; in a shared folder, only the author's."""
    for path in reversed(find_runs(out)):
        try:
            run = RunRecord(path)
            if run.author == (author.name if author else None) and recipe.matches_resolved(run.recipe):
                return run
        except GreycardError:  # a damaged run must not hide the others
            continue
    return None


def _similar(path: Path) -> str:
    """A hint with runs of similar names in the same folder."""
    names = [run.name for run in find_runs(path.absolute().parent)]
    return did_you_mean(path.name, names, "")


def _started(path: Path) -> str:
    """Start time from the run's files; unknown times sort first."""
    try:
        return str(RunRecord(path).environment["started"])
    except GreycardError:
        return ""


def _damaged(path: Path, error: object) -> GreycardError:
    why = error.args[0] if isinstance(error, GreycardError) else error
    return GreycardError(f"{path} cannot be read: {why}", hint="train it again; the new run gets a new folder")
