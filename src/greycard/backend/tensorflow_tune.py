"""Measure the ways of an operation on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from greycard.backend import tensorflow_conv, tensorflow_conv_pool, tensorflow_pool
from greycard.backend.choices import Measured, Shape

_OPERATIONS: dict[str, Callable[..., Any]] = {
    tensorflow_conv.OPERATION: lambda x, kernel, bias, way: tensorflow_conv.convolution(x, kernel, "same", way),
    tensorflow_conv_pool.OPERATION: tensorflow_conv_pool.conv_pool,
    tensorflow_pool.OPERATION: lambda x, kernel, bias, way: tensorflow_pool.max_pool(x, way),
}
_TIMES = 5
_SECONDS = 0.25
"""Each way is computed at least `_TIMES` times, and for about this long."""


def measure(shapes: Iterable[tuple[Shape, Sequence[str]]], batch: int) -> Iterator[Measured]:
    """How long each way takes to compute each shape: the shortest time, because other programs only add to it.

    Args:
        shapes: with their ways, the plain one first.
        batch: images at once.
    """
    for shape, ways in dict(shapes).items():
        runs = {way: _compiled(shape, way, batch) for way in ways}
        for run in runs.values():
            run()
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        begun = time.perf_counter()
        while len(seconds[ways[0]]) < _TIMES or time.perf_counter() - begun < _SECONDS * len(ways):
            for way, run in runs.items():  # in turn: a processor that becomes slower does so for all
                seconds[way].append(_timed(run))
        yield Measured(shape, {way: round(1000 * min(taken), 3) for way, taken in seconds.items()})


def _compiled(shape: Shape, way: str, batch: int) -> Callable[[], Any]:
    """A function that computes the operation and its gradients, those of the images unless they are the input."""
    dtype, side = tf.as_dtype(shape.dtype), (shape.pixels, shape.pixels, shape.channels)
    draws = tf.random.Generator.from_seed(0)
    x, kernel, bias = (
        tf.cast(draws.normal(size), dtype)
        for size in ((batch, *side), (3, 3, shape.channels, shape.filters), (shape.filters,))
    )
    operation, is_input = _OPERATIONS[shape.operation], shape.channels <= 3

    @tf.function
    def run() -> Any:
        sources = [kernel, bias] if is_input else [x, kernel, bias]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            result = operation(x, kernel, bias, way=way)
        gradients = tape.gradient(result, sources, output_gradients=result)
        return [gradient[..., 0] for gradient in gradients if gradient is not None]

    return run


def _timed(run: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    for result in run():
        result.numpy()
    return time.perf_counter() - begun
