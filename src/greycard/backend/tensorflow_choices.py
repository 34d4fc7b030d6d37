"""Choose how TensorFlow computes the training steps of a model on this processor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import keras

from greycard.backend import measurements, tensorflow_conv, tensorflow_conv_pool, tensorflow_pool
from greycard.backend.choices import Choice, Choices, Measured, Shape, Table
from greycard.backend.memory_parts import part_size
from greycard.backend.objective import matches
from greycard.backend.tensorflow_forward import shapes
from greycard.backend.tensorflow_steps import is_long
from greycard.backend.tensorflow_tune import measure

WAYS = {
    operation.OPERATION: operation.ways_of for operation in (tensorflow_conv, tensorflow_conv_pool, tensorflow_pool)
}
"""Operation → the ways of one of its shapes, the plain one first."""


def choose(model: keras.Model, batch_size: int, steps: int, precision: str) -> Choices:
    """The choices for a model, from the measurements of its processor.

    A long training on a processor that nobody has measured begins with measuring, for some seconds, once.

    Args:
        model: compiled.
        batch_size: images per step.
        steps: of the whole training.
        precision: of training, float32 or bfloat16.
    """
    if not matches(model) or not is_long(model, batch_size, steps):
        return Choices()
    part = images_at_once(model, batch_size, steps, precision)
    found, table = dict(shapes(model, precision)), measurements.table()
    if found and not table.measured:
        table = tune(found.items(), part)
    chosen = tuple(Choice(shape, table.way(shape, ways)) for shape, ways in found.items())
    return Choices(chosen, part if part != batch_size else None, table.source if chosen else "")


def images_at_once(model: keras.Model, batch_size: int, steps: int, precision: str) -> int:
    """How many images of a batch are computed at once, if the steps of the model are these."""
    in_parts = matches(model) and is_long(model, batch_size, steps)
    return part_size(model, batch_size, precision) if in_parts else batch_size


def tune(found: Iterable[tuple[Shape, Sequence[str]]], batch: int) -> Table:
    """Measure shapes with their ways, and keep the result; returns all measurements, the new ones included."""
    measured: list[Measured] = list(measure(found, batch))
    with suppress(OSError):  # without a cache folder, the next run measures again
        measurements.keep(measured, {}, datetime.now(UTC).date().isoformat())
    table = measurements.table()
    return table if table.measured else Table(tuple(measured), {}, "measured here")
