"""Callbacks: functions of an epoch, and Keras callbacks, which change training as they do in Keras."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras.callbacks import (
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TensorBoard,
    TerminateOnNaN,
)

import greycard
from greycard.backend import tensorflow_steps
from greycard.core.errors import GreycardError
from greycard.training.callbacks import callbacks_of

SMALL: dict[str, Any] = {
    "conv": (), "dense": (8,), "epochs": 3, "train_limit": 112, "val_limit": 48, "batch_size": 16, "quiet": True,
}  # fmt: skip


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., greycard.Run]:
    """A small training with these callbacks."""
    return lambda *callbacks, **changes: greycard.train(
        "digits-cnn", callbacks=callbacks, out=tmp_path / "runs", **(SMALL | changes)
    )


@pytest.fixture(params=["plain", "compiled"])
def steps(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training as for a few steps, and as for so many that XLA compiles them."""
    if request.param == "compiled":
        monkeypatch.setattr(tensorflow_steps, "_WORTH_COMPILING", 0)


def test_a_function_is_called_with_every_epoch(train) -> None:
    seen: list[greycard.Run] = []
    run = train(seen.append)
    assert seen == run.history


def test_a_rate_of_zero_from_the_second_epoch_on_stops_learning(train, steps: None) -> None:
    weights: list[list[np.ndarray]] = []
    keep = LambdaCallback()
    keep.on_epoch_end = lambda epoch, logs=None: weights.append(keep.model.get_weights())
    train(LearningRateScheduler(lambda epoch, rate: rate if epoch == 0 else 0.0), keep)
    assert all(np.array_equal(one, two) for one, two in zip(weights[0], weights[2], strict=True))
    assert any(weight.any() for weight in weights[0])


def test_a_scheduler_that_keeps_the_rate_changes_nothing(train) -> None:
    assert _losses(train(LearningRateScheduler(lambda epoch, rate: rate))) == _losses(train())


def test_a_plateau_reduces_the_rate(train, steps: None) -> None:
    rates: list[float] = []
    plateau = ReduceLROnPlateau("val_loss", factor=0.1, patience=1, min_delta=100.0)
    train(plateau, lambda epoch: rates.append(float(plateau.model.optimizer.learning_rate)), learning_rate=0.01)
    assert rates == pytest.approx([0.01, 0.001, 0.0001])


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
def test_early_stopping_stops_and_says_so(train, monitor: str) -> None:
    run = train(EarlyStopping(monitor, min_delta=100.0, patience=1), epochs=9)
    assert len(run.history) < 4
    assert (
        run.summary.stopped
        == f"stopped after epoch {len(run.history)} of 9: the callback EarlyStopping stopped training"
    )


def test_restored_weights_are_what_is_measured_and_saved(train) -> None:
    """A rate that is far too high after the first epoch, so that the first is the best."""
    best = EarlyStopping("val_loss", patience=1, restore_best_weights=True)
    run = train(LearningRateScheduler(lambda epoch, rate: 0.01 if epoch == 0 else 10.0), best, epochs=5)
    assert best.best_epoch == 0
    assert run.summary.val_loss == pytest.approx(run.history[0].val_loss, rel=1e-5)
    assert run.summary.val_loss < run.history[-1].val_loss
    for ours, theirs in zip(run.model.get_weights(), best.best_weights, strict=True):
        assert np.array_equal(ours, theirs)


def test_every_callback_sees_the_last_epoch(train, tmp_path: Path) -> None:
    """Also where another callback, or a rule of the recipe, ends training there."""
    for number, changes in enumerate(({}, {"target_accuracy": 0.01})):
        log, seen = tmp_path / f"log-{number}.csv", []
        run = train(EarlyStopping(min_delta=100.0, patience=1), CSVLogger(log), seen.append, epochs=9, **changes)
        rows = list(csv.DictReader(log.read_text().splitlines()))
        assert len(rows) == len(seen) == len(run.history) < 9
        assert [float(row["val_loss"]) for row in rows] == [epoch.val_loss for epoch in run.history]
        assert rows[0].keys() >= {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"}


def test_hooks_around_training_and_epochs_are_called_in_order(train) -> None:
    called: list[str] = []
    hooks = ("on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end")
    train(LambdaCallback(**{hook: lambda *_, hook=hook: called.append(hook) for hook in hooks}), epochs=2)
    assert called == [hooks[0], *hooks[1:3] * 2, hooks[3]]


def test_a_model_checkpoint_of_whole_epochs_is_written(train, tmp_path: Path) -> None:
    train(ModelCheckpoint(tmp_path / "{epoch}.keras"), epochs=2)
    assert {path.name for path in tmp_path.glob("*.keras")} == {"1.keras", "2.keras"}


class Batches(keras.callbacks.Callback):
    """Has a hook for batches."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Never called."""


REFUSED: list[tuple[Callable[[], object], str, str]] = [
    (Batches, "on_train_batch_end", "on_epoch_end"),
    (lambda: LambdaCallback(on_train_batch_begin=print), "on_train_batch_begin", "on_epoch_end"),
    (lambda: ModelCheckpoint("x.keras", save_freq=5), "on_train_batch_end", "on_epoch_end"),
    (lambda: TensorBoard("logs"), "TensorBoard", 'track="tensorboard"'),
    (TerminateOnNaN, "TerminateOnNaN", "leave it out"),
    (lambda: EarlyStopping, "Received", "callbacks="),
    (lambda: 3, "Received", "callbacks="),
]


@pytest.mark.parametrize(("made", "said", "hint"), REFUSED)
def test_a_callback_that_cannot_be_called_is_refused(made: Callable[[], object], said: str, hint: str) -> None:
    with pytest.raises(GreycardError, match=said) as refused:
        callbacks_of([made()])
    assert hint in refused.value.hint


def test_one_callback_without_a_list_is_named(train, tmp_path: Path) -> None:
    with pytest.raises(GreycardError, match="callbacks is a list"):
        greycard.train("digits-cnn", callbacks=EarlyStopping(), out=tmp_path, **SMALL)


def test_a_run_resumes_with_its_callbacks(interrupted, train, tmp_path: Path) -> None:
    """The rate that a callback set is part of the state."""
    moment = 4 + 7  # within the second epoch of seven steps
    run = interrupted(moment, "digits-cnn", callbacks=[_Halve()], out=tmp_path / "a", **SMALL)
    assert _losses(greycard.resume(run, callbacks=[_Halve()], quiet=True)) == _losses(train(_Halve()))


class _Halve(keras.callbacks.Callback):
    """Halves the rate after every epoch."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        optimizer = self.model.optimizer
        optimizer.learning_rate = float(optimizer.learning_rate) * 0.5


def test_an_exception_in_a_callback_leaves_a_run_that_resumes(train, tmp_path: Path) -> None:
    def fails(epoch: Any) -> None:
        if epoch.epoch == 2:
            raise RuntimeError("no such luck")

    with pytest.raises(RuntimeError, match="no such luck"):
        train(fails)
    (path,) = (tmp_path / "runs").iterdir()
    assert not greycard.open_run(path).finished
    assert _losses(greycard.resume(path, quiet=True)) == _losses(train())


def _losses(run: greycard.Run) -> list[tuple[float | None, float | None]]:
    return [(epoch.train_loss, epoch.val_loss) for epoch in run.history]


@pytest.mark.parametrize("kind", [lambda: LearningRateScheduler(lambda epoch: 0.1), ReduceLROnPlateau])
def test_a_callback_and_a_schedule_cannot_both_set_the_learning_rate(kind: Callable[[], Any], train, tmp_path) -> None:
    with pytest.raises(GreycardError, match="sets the learning rate, and so does the recipe's cosine schedule"):
        train(kind(), schedule="cosine")
    assert not list(tmp_path.glob("runs/*"))
