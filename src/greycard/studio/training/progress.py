"""How far a training is, from the files that it writes while it trains."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from greycard.core.epoch import Epoch
from greycard.core.errors import GreycardError
from greycard.recipe.model import ProbeConfig
from greycard.runs.directory import CHECKPOINTS
from greycard.runs.record import RunRecord
from greycard.search.record import RUNNING, SEARCH, TRIED, SearchRecord, read_search
from greycard.training.checkpoint import TrainState, newest_progress

_RECENT = 3
"""Epochs whose mean time is expected of the next ones."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A training so far.

    Attributes:
        trains: the name of the run that is trained now: the job's own, or one of its search.
        architecture: its model in a few words.
        history: its epochs.
        epochs: the most that it may have.
        images: number of its training images.
        images_done: of the current epoch, when it was saved last.
        images_per_second: in the steps of the current or the last epoch; None before the first.
        left_seconds: until it ends at the latest, as far as that is known.
        search: the ladder, if several recipes are tried.
    """

    trains: str
    architecture: str
    history: list[Epoch]
    epochs: int
    images: int
    images_done: int
    images_per_second: float | None
    left_seconds: float | None
    search: SearchRecord | None


def progress_of(run: Path) -> Progress | None:
    """The progress of a run or a search; None if there is nothing to read yet."""
    with suppress(GreycardError, OSError):
        search = read_search(run)
        record = RunRecord(run if search is None else _tried_now(run, search) or run)
        left = None if search is None else _left_of_search(run, search)
        return _progress(record, search, left)
    return None


def _tried_now(run: Path, search: SearchRecord) -> Path | None:
    """The run that a search trains now, or the last one that it has trained."""
    begun = [rung for rung in search.rungs if rung.run is not None]
    running = [rung for rung in begun if rung.state == RUNNING] or begun
    return run / TRIED / str(running[-1].run) if running else None


def _progress(record: RunRecord, search: SearchRecord | None, left: float | None) -> Progress:
    history, images = record.history, len(record.split[0])
    state = None if record.finished else newest_progress(record.path / CHECKPOINTS)
    if state is None or state.epoch != len(history):  # from before the last epoch
        state = TrainState("", epoch=len(history))
    done = min(state.batch * record.recipe.training.batch_size, images)
    return Progress(
        trains=record.name,
        architecture=record.recipe.architecture,
        history=history,
        epochs=record.recipe.training.epochs,
        images=images,
        images_done=done,
        images_per_second=_speed(record, images, done, state),
        left_seconds=_left_of_run(record, state) if search is None else left,
        search=search,
    )


def _speed(record: RunRecord, images: int, done: int, state: TrainState) -> float | None:
    """Images in a second of the training steps. The first epoch of a probe fits features: it has no steps."""
    if done and state.epoch_seconds > 0:
        return done / state.epoch_seconds
    steps = record.history[isinstance(record.recipe.model, ProbeConfig) :]
    return images / steps[-1].train_seconds if steps and steps[-1].train_seconds > 0 else None


def _left_of_run(record: RunRecord, state: TrainState) -> float | None:
    """Seconds until it ends, at most: training may stop before; None while there is nothing to tell it from."""
    if record.finished:
        return None
    known = []
    recent = [epoch.seconds for epoch in record.history[1:][-_RECENT:]]  # the first epoch also compiles
    if recent:
        left = record.recipe.training.epochs - state.epoch
        known.append(left * sum(recent) / len(recent) - state.epoch_seconds)
    if record.recipe.stopping.minutes is not None:
        spent = state.seconds.get("total", sum(epoch.seconds for epoch in record.history))
        known.append(60 * record.recipe.stopping.minutes - spent)
    return max(0.0, min(known)) if known else None


def _left_of_search(run: Path, search: SearchRecord) -> float | None:
    """Seconds of its budget."""
    if search.ended is not None:
        return None
    since = time.time() - (run / SEARCH).stat().st_mtime
    return max(0.0, 60 * search.minutes - search.spent_seconds - since)
