"""The two sides of a row, each trained in a fresh process: plain Keras (plain/), and `greycard run`."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import child
from greycard.core.epoch import Epoch
from greycard.core.paths import weights_dir
from greycard.datasets.catalog import entry
from greycard.models.weights import weight_files
from greycard.recipe import Recipe
from greycard.runs.record import RunRecord

_PLAIN = Path(__file__).parent / "plain"
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclass(frozen=True)
class Task:
    """What both sides train.

    Attributes:
        recipe: the project's.
        data: the data directory, as Greycard's `--data-dir`.
        epochs: how many.
        seed: of weights, order and augmentation.
        steps: batches an epoch; None for all.
    """

    recipe: Recipe
    data: Path
    epochs: int
    seed: int
    steps: int | None = None


@dataclass(frozen=True)
class Trained:
    """One training.

    Attributes:
        seed: as asked.
        history: every epoch.
        total_seconds: from the start of the process to its end, imports and reading images included.
        cpu_seconds: of all its threads.
        peak_memory_mb: as child.py has it.
        peak_own_mb: likewise.
        correct: validation image → whether it is right after the last epoch.
    """

    seed: int
    history: list[Epoch]
    total_seconds: float
    cpu_seconds: float
    peak_memory_mb: float
    peak_own_mb: float | None
    correct: dict[str, bool]

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "correct"}


def plain(task: Task) -> Trained:
    """Train as a tutorial does. Its last look at the validation images, which no tutorial takes, is not counted."""
    with tempfile.TemporaryDirectory() as scratch:
        correct = Path(scratch, "correct.npz")
        script = str(_PLAIN / f"{_family(task.recipe)}.py")
        words = [sys.executable, script, task.recipe.name, "--correct", str(correct)]
        finished = child.run([*words, *_plain_options(task)], **_QUIET)
        with np.load(correct) as file:
            right = _by_id(file["ids"], file["correct"])
    said = json.loads(finished.output.splitlines()[-1])
    history = [Epoch.from_json(line) for line in said["history"]]
    return _trained(task, finished, history, right, uncounted=said["scoring_seconds"])


def greycard(task: Task) -> Trained:
    """Train with `greycard run`, its cache of decoded images empty as on the first day."""
    with tempfile.TemporaryDirectory() as scratch:
        words = [sys.executable, "-m", "greycard", "run", task.recipe.name, "--quiet", "--out", f"{scratch}/runs"]
        finished = child.run([*words, *_greycard_options(task)], GREYCARD_CACHE=f"{scratch}/cache")
        record = RunRecord(Path(scratch, "runs", f"{task.recipe.name}-1"))
        found = record.predictions
        right = _by_id(found["ids"], found["probabilities"].argmax(axis=1) == found["labels"])
        return _trained(task, finished, record.history, right)


SIDES: dict[str, Callable[[Task], Trained]] = {"plain": plain, "greycard": greycard}


def _family(recipe: Recipe) -> str:
    if recipe.pretrained:
        return "transfer"
    return "mnist" if recipe.data.dataset.endswith("mnist") else "folders"


def _plain_options(task: Task) -> list[str | Path]:
    folder = task.data / entry(task.recipe.data.dataset).folder
    words: list[str | Path] = ["--data", folder, "--epochs", str(task.epochs), "--seed", str(task.seed)]
    if model := task.recipe.pretrained:
        words += ["--weights", weight_files(weights_dir(), model.backbone, model.backbone_layer)[0]]
    return words + (["--steps", str(task.steps)] if task.steps else [])


def _greycard_options(task: Task) -> list[str | Path]:
    words: list[str | Path] = ["--data-dir", task.data, "--epochs", str(task.epochs), "--seed", str(task.seed)]
    if task.steps:
        training = task.recipe.training
        train, validation = task.steps * training.batch_size, task.steps * training.val_batch_size
        words += ["--set", f"train_limit={train}", "--set", f"val_limit={validation}"]
    return words


def _trained(
    task: Task,
    finished: child.Finished,
    history: list[Epoch],
    correct: dict[str, bool],
    *,
    uncounted: float = 0.0,
) -> Trained:
    total, cpu = finished.seconds - uncounted, finished.cpu_seconds
    return Trained(task.seed, history, total, cpu, finished.peak_memory_mb, finished.peak_own_mb, correct)


def _by_id(ids: np.ndarray, correct: np.ndarray) -> dict[str, bool]:
    """By class folder and file name, which both sides know."""
    names = ["/".join(id.split("/")[-2:]) for id in ids.tolist()]
    return dict(zip(names, correct.tolist(), strict=True))
