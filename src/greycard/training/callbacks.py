"""Callbacks: methods that training calls before and after every epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras

from greycard.core.epoch import Epoch
from greycard.core.errors import GreycardError


class Callback:
    """The base of every callback; its methods do nothing."""

    def begin(self, network: keras.Model, epochs: int, history: Sequence[Epoch]) -> None:
        """Called when training begins.

        Args:
            network: the trained model: the full model, or only its head if the backbone is frozen.
            epochs: number of planned epochs.
            history: the epochs that a resumed run has already finished.
        """

    def before_epoch(self, number: int) -> None:
        """Called when an epoch begins; `number` counts from 1."""

    def record(self, epoch: Epoch) -> None:
        """Called with the metrics of an epoch, before `epoch`."""

    def epoch(self, epoch: Epoch) -> str | None:
        """Called after an epoch; returns a reason to stop training, or None to continue."""
        return None

    def end(self) -> bool:
        """Called when training ends; returns True if the weights may have changed since the last epoch."""
        return False


class EpochFunction(Callback):
    """A function that is called with the `Epoch` after each epoch."""

    def __init__(self, function: Callable[[Epoch], object]) -> None:
        self._function = function

    def epoch(self, epoch: Epoch) -> None:
        self._function(epoch)


_CALLED = ("on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end")

_INSTEAD = {
    "BackupAndRestore": "leave it out: greycard.resume continues an interrupted run",
    "TensorBoard": 'leave it out, and use track="tensorboard"',
    "TerminateOnNaN": "leave it out: Greycard stops when a loss is NaN",
}
"""What Greycard has in place of a callback that it cannot call."""


_SET_THE_RATE = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)


class KerasCallback(Callback):
    """Adapter for a Keras callback: calls its hooks at the beginning and end of training and of each epoch.

    Greycard trains several batches per call and measures by itself, so it calls no other hooks.

    Raises:
        GreycardError: the callback has another hook.
    """

    def __init__(self, callback: keras.callbacks.Callback) -> None:
        hooks = _other_hooks(callback)
        if hooks:
            name = type(callback).__name__
            raise GreycardError(
                f"the callback {name} has {hooks[0]}, but Greycard calls callbacks only around training and epochs",
                hint=_INSTEAD.get(name, f"use {' or '.join(_CALLED[2:])}"),
            )
        self._callback = callback
        self._epochs = 0

    def begin(self, network: keras.Model, epochs: int, history: Sequence[Epoch]) -> None:
        self._epochs = epochs
        network.stop_training = False
        _build_metrics(network)
        self._callback.set_model(network)
        self._callback.set_params({"epochs": epochs, "steps": None, "verbose": 0})
        self._callback.on_train_begin()

    def before_epoch(self, number: int) -> None:
        self._callback.on_epoch_begin(number - 1)

    def epoch(self, epoch: Epoch) -> str | None:
        self._callback.on_epoch_end(epoch.epoch - 1, _logs(epoch))
        if not self._callback.model.stop_training:
            return None
        name = type(self._callback).__name__
        return f"stopped after epoch {epoch.epoch} of {self._epochs}: the callback {name} stopped training"

    def end(self) -> bool:
        self._callback.on_train_end()
        return True


def _build_metrics(network: keras.Model) -> None:
    """Build the compiled metrics: `EarlyStopping` asks them whether more or less is better."""
    outputs = keras.ops.zeros((1, network.output_shape[-1]))
    network.compute_metrics(None, keras.ops.zeros((1, 1)), outputs)
    network.reset_metrics()


def _other_hooks(callback: keras.callbacks.Callback) -> list[str]:
    """The hooks of a callback that Greycard does not call, whether its class or the callback itself has them."""
    if isinstance(callback, keras.callbacks.ModelCheckpoint) and callback.save_freq == "epoch":
        return []  # its hook for batches does nothing then
    base = keras.callbacks.Callback
    others = [name for name in dir(base) if name.startswith("on_") and name not in _CALLED]
    return [name for name in others if getattr(getattr(callback, name), "__func__", None) is not getattr(base, name)]


def callbacks_of(given: Sequence[object], schedule: str = "constant") -> list[Callback]:
    """The callbacks that a user gave: Keras callbacks, or functions of an `Epoch`.

    Args:
        given: the callbacks.
        schedule: the kind of the recipe's schedule.

    Raises:
        GreycardError: something else, a Keras callback with a hook that Greycard does not call, or one that sets the
            learning rate although the recipe has a schedule.
    """
    if not isinstance(given, Sequence):
        raise GreycardError(f"callbacks is a list. Received: {given!r}", hint="callbacks=[…]")
    for each in given:
        if isinstance(each, _SET_THE_RATE) and schedule != "constant":
            name = type(each).__name__
            raise GreycardError(
                f"the callback {name} sets the learning rate, and so does the recipe's {schedule} schedule",
                hint='leave the callback out, or set schedule="constant"',
            )
    return [_callback(each) for each in given]


def _callback(given: object) -> Callback:
    if isinstance(given, keras.callbacks.Callback):
        return KerasCallback(given)
    if callable(given) and not isinstance(given, type):
        return EpochFunction(given)
    raise GreycardError(
        f"a callback is a keras.callbacks.Callback or a function of an epoch. Received: {given!r}",
        hint="for example callbacks=[lambda epoch: print(epoch.val_accuracy)]",
    )


def _logs(epoch: Epoch) -> dict[str, float]:
    """The epoch's metrics under Keras's names, without missing and non-finite values."""
    figures = {
        "loss": epoch.train_loss,
        "accuracy": epoch.train_accuracy,
        "val_loss": epoch.val_loss,
        "val_accuracy": epoch.val_accuracy,
    }
    return {name: value for name, value in figures.items() if value is not None}
