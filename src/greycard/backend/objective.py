"""What training steps need of a compiled model: its loss, which outputs are right, and the sums over an epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from greycard.backend.losses import ScaledSquaredError, soft_binary_crossentropy

SUMS = ("loss", "right", "images")
"""The sums over an epoch; `right` is the number of correct predictions."""

_OPTIMIZERS = (keras.optimizers.Adam, keras.optimizers.AdamW, keras.optimizers.RMSprop, keras.optimizers.SGD)


@dataclass(frozen=True)
class Objective:
    """A loss as steps compute it, on any backend.

    Attributes:
        loss: of targets (b, 1) or (b, classes) and outputs (b, units), for each image (b,).
        right: which outputs agree with the targets, bool (b,) or (b, 1), as Keras's accuracy has it; None without
            accuracy.
    """

    loss: Callable[[Any, Any], Any]
    right: Callable[[Any, Any], Any] | None

    @classmethod
    def of(cls, model: keras.Model) -> Objective:
        """Of a model that `matches` accepts."""
        kind, loss = _kind(model.loss), keras.losses.get(model.loss)
        assert kind is not None
        return cls(loss.call if isinstance(loss, ScaledSquaredError) else loss, kind.right)

    def sums(self, loss: Any, targets: Any, outputs: Any, dtype: str) -> Any:
        """`SUMS` of one batch with this mean loss, as an array (3,) of this type."""
        count = ops.cast(ops.shape(outputs)[0], dtype)
        return ops.stack([ops.cast(loss, dtype) * count, self.count_right(targets, outputs, dtype), count])

    def count_right(self, targets: Any, outputs: Any, dtype: str) -> Any:
        """The number of outputs that are right, of this type; 0 without accuracy."""
        return ops.sum(ops.cast(self.right(targets, outputs), dtype)) if self.right else ops.zeros((), dtype)

    def means(self, sums: Iterable[float]) -> dict[str, float]:
        """Mean `loss`, and `accuracy` if there is one, of `SUMS`."""
        loss, right, images = sums
        mean = {"loss": float(loss / images)}
        return mean | {"accuracy": float(right / images)} if self.right else mean


def stored(sums: Iterable[float]) -> dict[str, float]:
    """Sums as `Steps.state` gives them."""
    return dict(zip(SUMS, map(float, sums), strict=True))


def restored(sums: Mapping[str, float]) -> list[float]:
    """The sums that `stored` had; an empty mapping gives zeros."""
    return [sums.get(name, 0.0) for name in SUMS]


def matches(model: keras.Model) -> bool:
    """True if Greycard's own steps train this model, and measure loss and accuracy, exactly as Keras does.

    The model needs one input of known size and one output (b, units), with one unit unless the loss is for several
    classes. It must be compiled with one of the losses of the tasks, without loss weights, and with one of the recipes'
    optimizers (no subclass but Keras's own for PyTorch), and must not override Keras's training step.
    """
    kind, loss = type(model), _kind(model.loss)
    return (
        kind.train_step is keras.Model.train_step
        and kind.compute_loss is keras.Model.compute_loss
        and isinstance(model.optimizer, _OPTIMIZERS)
        and type(model.optimizer).__module__.startswith("keras.")
        and loss is not None
        and model.get_compile_config()["loss_weights"] is None
        and len(model.inputs) == len(model.outputs) == 1
        and None not in model.inputs[0].shape[1:]
        and len(model.outputs[0].shape) == 2
        and loss.units in (None, model.outputs[0].shape[1])
    )


@dataclass(frozen=True)
class _Kind:
    """What the steps know of a loss.

    Attributes:
        units: that the model's output must have; None for any number.
        right: as in `Objective`.
    """

    units: int | None
    right: Callable[[Any, Any], Any] | None


def _kind(loss: Any) -> _Kind | None:
    """What the steps know of a model's loss; None if they do not know it."""
    if isinstance(loss, ScaledSquaredError):
        return _Kind(1, None)
    return _KINDS.get(loss) if isinstance(loss, str) or callable(loss) else None


def _same_half(targets: Any, outputs: Any) -> Any:
    """As `BinaryAccuracy`."""
    return ops.equal(outputs > 0.5, targets > 0.5)


def _likeliest(targets: Any, outputs: Any) -> Any:
    """As `SparseCategoricalAccuracy`."""
    return ops.equal(ops.argmax(outputs, axis=1), ops.cast(targets[:, 0], "int32"))


def _larger(targets: Any, outputs: Any) -> Any:
    """As `soft_binary_accuracy`."""
    return ops.equal(outputs[:, 0] > 0.5, targets[:, 1] > targets[:, 0])


def _largest(targets: Any, outputs: Any) -> Any:
    """As `CategoricalAccuracy`."""
    return ops.equal(ops.argmax(outputs, axis=1), ops.argmax(targets, axis=1))


_KINDS = {
    "mean_squared_error": _Kind(1, None),
    "binary_crossentropy": _Kind(1, _same_half),
    "sparse_categorical_crossentropy": _Kind(None, _likeliest),
    soft_binary_crossentropy: _Kind(1, _larger),
    "categorical_crossentropy": _Kind(None, _largest),
    "bce": _Kind(None, None),  # of several labels: the mean over them, for hard and soft targets
}
