"""EMA: the averaged weights are what is validated, chosen, given to callbacks and saved; training does not see them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import greycard

SMALL: dict[str, Any] = {
    "conv": (), "dense": (8,), "epochs": 3, "train_limit": 112, "val_limit": 48, "batch_size": 16, "quiet": True,
}  # fmt: skip


class _Weights(keras.callbacks.Callback):
    """Records the model's weights after every epoch, and puts its first ones back in the end if it is asked to."""

    def __init__(self, *, restores: bool = False) -> None:
        super().__init__()
        self.seen: list[list[np.ndarray]] = []
        self._restores = restores

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seen.append(self.model.get_weights())

    def on_train_end(self, logs: Any = None) -> None:
        if self._restores:
            self.model.set_weights(self.seen[0])


def _same(ours: list[np.ndarray], theirs: list[np.ndarray]) -> bool:
    return all(map(np.array_equal, ours, theirs))


def _train(out: Path, *callbacks: object, **changes: Any) -> greycard.Run:
    return greycard.train("digits-cnn", callbacks=callbacks, out=out, **(SMALL | changes))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    return _train(tmp_path_factory.mktemp("plain"))


def test_the_average_is_validated_and_saved_and_training_does_not_see_it(plain: greycard.Run, tmp_path: Path) -> None:
    callback = _Weights()
    run = _train(tmp_path, callback, ema=0.9)
    assert [epoch.train_loss for epoch in run.history] == [epoch.train_loss for epoch in plain.history]
    assert all(ours.val_loss != theirs.val_loss for ours, theirs in zip(run.history, plain.history, strict=True))
    assert run.summary.val_loss == pytest.approx(run.history[-1].val_loss, rel=1e-5)
    assert _same(callback.seen[-1], run.model.get_weights())
    assert not _same(run.model.get_weights(), plain.model.get_weights())


def test_the_best_epochs_average_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from greycard.training import best_weights

    monkeypatch.setattr(best_weights, "best_epoch", lambda history: history[min(len(history), 2) - 1])
    callback = _Weights()
    run = _train(tmp_path, callback, ema=0.9, keep="best")
    assert run.summary.kept_epoch == 2
    assert _same(callback.seen[1], run.model.get_weights())
    assert run.summary.val_loss == pytest.approx(run.history[1].val_loss, rel=1e-5)


def test_a_callback_has_the_last_word(tmp_path: Path) -> None:
    """As `EarlyStopping(restore_best_weights=True)` has."""
    callback = _Weights(restores=True)
    run = _train(tmp_path, callback, ema=0.9)
    assert _same(callback.seen[0], run.model.get_weights())
    assert run.summary.val_loss == pytest.approx(run.history[0].val_loss, rel=1e-5)
