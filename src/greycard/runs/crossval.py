"""A cross-validation on disk: a folder with the plan of its folds, and one ordinary run for each fold."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from greycard.audit.label_errors import LabelErrors, confident_label_errors
from greycard.core.atomic_files import atomic_path, atomic_write
from greycard.core.errors import GreycardError, command
from greycard.core.records import to_json
from greycard.core.run_format import SCHEMA
from greycard.evaluation.intervals import accuracy_interval
from greycard.evaluation.label_scores import Figure, LabelScores, label_scores
from greycard.evaluation.numbers import NumberScores, number_scores
from greycard.evaluation.scores import Scores, scores
from greycard.evaluation.thresholds import cross_fitted
from greycard.recipe import Recipe
from greycard.runs.directory import RUN_ARGS
from greycard.runs.record import RunRecord, find_runs
from greycard.runs.run_args import RunArgs

PLAN, FOLDS = "crossval.json", "folds.npz"


@dataclass(frozen=True)
class Fold:
    """The result of one fold.

    Attributes:
        number: counted from 1.
        run: the folder name of its run.
        images: number of images that it predicts.
        accuracy: on these; None for numbers, and for several labels per image.
        mae: the mean absolute error on these; None for classes.
        seconds: of the whole run.
        mean_average_precision: on these, with its interval; None unless an image can have several labels.
    """

    number: int
    run: str
    images: int
    accuracy: float | None
    seconds: float
    mae: float | None = None
    mean_average_precision: Figure | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval of the accuracy; None for numbers, and for several labels per image."""
        return None if self.accuracy is None else accuracy_interval(self.accuracy, self.images)

    @property
    def figure(self) -> float | None:
        """The accuracy, the mean average precision, or the mean absolute error; None for a fold without any label."""
        if self.mean_average_precision is not None:
            return self.mean_average_precision.value
        return self.accuracy if self.mae is None else self.mae


class CrossValidation:
    """A cross-validation, finished or not.

    Args:
        path: its folder.

    Raises:
        GreycardError: the folder is not that of a cross-validation, or its plan is damaged.

    Attributes:
        recipe: what each fold trains; its run's recipe has the fold in its name.
        classes: the class names, in label order.
        count: number of folds.
        ids: the id of every image.
        fold: int (n,), the fold that predicts each image, counted from 1.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            content = json.loads((self.path / PLAN).read_text(encoding="utf-8"))
            if content["schema"] != SCHEMA:
                raise ValueError(f"expected run format {SCHEMA}")
            self.recipe = Recipe.from_json(content["recipe"])
            self.classes: tuple[str, ...] = tuple(map(str, content["classes"]))
            self.count = int(content["folds"])
            with np.load(self.path / FOLDS, allow_pickle=False) as arrays:
                self.ids: tuple[str, ...] = tuple(arrays["ids"].tolist())
                self.fold: np.ndarray = arrays["fold"]
        except Exception as error:  # a damaged zip can raise almost any exception
            why = error.args[0] if isinstance(error, GreycardError) else error
            raise GreycardError(f"{self.path} is not a cross-validation: {why}", hint="start a new one") from error

    @property
    def name(self) -> str:
        return self.path.name

    def recipe_of(self, number: int) -> Recipe:
        """The recipe of one fold."""
        return self.recipe.replace(name=f"{self.recipe.name}-fold-{number}")

    def run_of(self, number: int) -> RunRecord | None:
        """The latest run of one fold, finished or not."""
        name = self.recipe_of(number).name
        runs = (RunRecord(path) for path in reversed(find_runs(self.path)))
        return next((run for run in runs if run.recipe.name == name), None)

    @property
    def runs(self) -> list[RunRecord]:
        """The finished runs, in the order of the folds."""
        found = (self.run_of(number) for number in range(1, self.count + 1))
        return [run for run in found if run is not None and run.finished]

    @property
    def finished(self) -> bool:
        return len(self.runs) == self.count

    @cached_property
    def folds(self) -> tuple[Fold, ...]:
        """The result of each fold; GreycardError if one is unfinished."""
        self._expect_finished()
        return tuple(_fold(number, run) for number, run in enumerate(self.runs, 1))

    @cached_property
    def predictions(self) -> dict[str, np.ndarray]:
        """`ids`, `labels` and `probabilities` of every image, by the model that was not trained on it."""
        self._expect_finished()
        each = [run.predictions for run in self.runs]
        return {key: np.concatenate([found[key] for found in each]) for key in ("ids", "labels", "probabilities")}

    @cached_property
    def scores(self) -> Scores:
        """The scores of all out-of-fold predictions together."""
        found = self.predictions
        return scores(found["labels"], found["probabilities"], self.classes)

    @cached_property
    def numbers(self) -> NumberScores | None:
        """The errors of all out-of-fold predictions together; None for classes."""
        run, found = self.runs[0], self.predictions
        if run.target is None:
            return None
        return number_scores(found["labels"], run.task.decide(found["probabilities"]), run.target)

    @cached_property
    def labels(self) -> LabelScores | None:
        """The figures of all out-of-fold predictions, if an image can have several labels; None otherwise.

        Average precisions are means over the folds. Each image is decided by thresholds that were chosen on the other
        half of its fold; the thresholds of the figures are means over the folds.
        """
        measured = [run.summary.labels for run in self.runs]
        thresholds = [each.thresholds for each in measured if each is not None]
        if not thresholds:
            return None
        found, each = self.predictions, [run.predictions for run in self.runs]
        decided = np.concatenate([cross_fitted(fold["labels"], fold["probabilities"]) for fold in each])
        folds = np.repeat(np.arange(len(each)), [len(fold["ids"]) for fold in each])
        means = np.mean(thresholds, axis=0).tolist()
        return label_scores(found["labels"], found["probabilities"], decided, self.classes, means, folds)

    @property
    def deviation(self) -> float:
        """The standard deviation of the folds' accuracies, or mean average precisions, fractions; or of their mean
        absolute errors."""
        return float(np.std(self.figures, ddof=1)) if len(self.figures) > 1 else 0.0

    @property
    def figures(self) -> list[float]:
        """The figure of each fold that has one."""
        return [figure for fold in self.folds if (figure := fold.figure) is not None]

    @cached_property
    def label_errors(self) -> LabelErrors:
        """Likely label errors; the rows are those of `predictions`."""
        found = self.predictions
        return confident_label_errors(found["probabilities"], found["labels"])

    def to_json(self) -> dict[str, Any]:
        if measured := self.numbers or self.labels:
            return self._json(measured)
        found, errors, pooled = self.predictions, self.label_errors, self.scores
        named = zip(errors.rows.tolist(), errors.instead.tolist(), strict=True)
        return {
            "name": self.name,
            "recipe": self.recipe.name,
            "images": pooled.images,
            "accuracy": pooled.accuracy,
            "interval": list(pooled.interval),
            "deviation": self.deviation,
            "folds": [to_json(fold) | {"interval": list(fold.interval or ())} for fold in self.folds],
            "label_errors": [
                {
                    "id": str(found["ids"][row]),
                    "label": self.classes[int(found["labels"][row])],
                    "predicted": self.classes[instead],
                    "probability": float(found["probabilities"][row, instead]),
                }
                for row, instead in named
            ],
        }

    def _json(self, measured: NumberScores | LabelScores) -> dict[str, Any]:
        return {
            "name": self.name,
            "recipe": self.recipe.name,
            **to_json(measured),
            "deviation": self.deviation,
            "folds": [to_json(fold) for fold in self.folds],
        }

    def __repr__(self) -> str:
        return f"CrossValidation({str(self.path)!r}, {len(self.runs)} of {self.count} folds finished)"

    def _expect_finished(self) -> None:
        done = len(self.runs)
        if done < self.count:
            raise GreycardError(
                f"{self.path} is unfinished: {done} of {self.count} folds are finished",
                hint=f"resume it with `{command('resume', self.path)}`",
            )


def is_crossval(path: str | Path) -> bool:
    """Whether a folder is that of a cross-validation."""
    return (Path(path) / PLAN).is_file()


def write_plan(
    folder: Path, recipe: Recipe, classes: tuple[str, ...], ids: tuple[str, ...], fold: np.ndarray, args: RunArgs
) -> CrossValidation:
    """Write the plan into a new, empty folder; the file that makes it a cross-validation comes last."""
    atomic_write(folder / RUN_ARGS, json.dumps({"schema": SCHEMA, **args.to_json()}, indent=2) + "\n")
    with atomic_path(folder / FOLDS) as draft, draft.open("wb") as file:
        np.savez_compressed(file, ids=np.array(ids, np.str_), fold=fold)
    content = {"schema": SCHEMA, "folds": int(fold.max()), "classes": list(classes), "recipe": recipe.to_json()}
    atomic_write(folder / PLAN, json.dumps(content, indent=2) + "\n")
    return CrossValidation(folder)


def _fold(number: int, run: RunRecord) -> Fold:
    found, summary = run.predictions, run.summary
    images, time = len(found["labels"]), summary.time.total_seconds
    if run.target is not None:
        errors = np.abs(run.task.decide(found["probabilities"].astype(np.float64)) - found["labels"])
        return Fold(number, run.name, images, None, time, float(errors.mean()))
    if summary.labels is not None:
        return Fold(number, run.name, images, None, time, None, summary.labels.mean_average_precision)
    accuracy = float(np.mean(run.task.correct(found["labels"], found["probabilities"])))
    return Fold(number, run.name, images, accuracy, time)
