"""Which of several ways computes an operation of a training step: the fastest one that was measured.

All ways of an operation give the same result up to rounding, so a wrong choice costs time and nothing else. The first
way is the plain one: another must be clearly faster, so that noise in a measurement does not change results.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

_MARGIN = 0.05


def is_faster(one: float, other: float) -> bool:
    """True if a time is shorter than another by more than noise: by 5 %."""
    return one < (1 - _MARGIN) * other


@dataclass(frozen=True)
class Shape:
    """An operation on images of one size.

    Attributes:
        operation: its name, such as `conv + pool`.
        dtype: float32 or bfloat16.
        pixels: the side of a square of the same area.
        channels: of its input.
        filters: channels of its result.
    """

    operation: str
    dtype: str
    pixels: int
    channels: int
    filters: int

    def __str__(self) -> str:
        return f"{self.operation}, {self.pixels} px, {self.channels} to {self.filters} channels, {self.dtype}"

    @classmethod
    def of_images(cls, operation: str, shape: Sequence[int], dtype: str, filters: int | None = None) -> Shape:
        """Of images (b, height, width, channels); the result has as many channels unless `filters` says otherwise."""
        _, height, width, channels = shape
        return cls(operation, dtype, round((height * width) ** 0.5), channels, filters or channels)

    def distance(self, other: Shape) -> float:
        """How different two shapes are: the number of doublings between them; infinite for another operation."""
        if (self.operation, self.dtype) != (other.operation, other.dtype):
            return math.inf
        sizes = zip(self._sizes, other._sizes, strict=True)
        return sum(abs(math.log2(one) - math.log2(another)) for one, another in sizes)

    @property
    def _sizes(self) -> tuple[int, int, int]:
        return self.pixels, self.channels, self.filters


@dataclass(frozen=True)
class Measured:
    """How long each way took.

    Attributes:
        shape: what was computed.
        milliseconds: of one batch, forward and back, by way; the plain way first. The shortest of several.
    """

    shape: Shape
    milliseconds: Mapping[str, float]

    def fastest(self, ways: Sequence[str]) -> str:
        """The fastest of these ways; the first one unless another is faster by the margin."""
        known = [way for way in ways if way in self.milliseconds]
        if ways[0] not in known:
            return ways[0]
        best = min(known, key=self.milliseconds.__getitem__)
        return best if is_faster(self.milliseconds[best], self.milliseconds[ways[0]]) else ways[0]


class Ways(Protocol):
    """Chooses the way of an operation."""

    def way(self, shape: Shape, ways: Sequence[str]) -> str:
        """One of the `ways`; the first is the plain one."""


@dataclass(frozen=True)
class Table:
    """Measurements; a shape that was not measured has the way of the most similar one.

    Attributes:
        measured: those of this machine before those of similar ones.
        precisions: family of models → its faster precision, where both were measured.
        source: where they are from, for people.
    """

    measured: tuple[Measured, ...] = ()
    precisions: Mapping[str, str] = field(default_factory=dict)
    source: str = "nothing measured"

    def way(self, shape: Shape, ways: Sequence[str]) -> str:
        nearest = min(self.measured, key=lambda each: each.shape.distance(shape), default=None)
        return nearest.fastest(ways) if nearest and nearest.shape.distance(shape) < math.inf else ways[0]


@dataclass(frozen=True)
class Choice:
    """The way of one operation."""

    shape: Shape
    way: str


@dataclass(frozen=True)
class Choices:
    """The choices of one training, kept in its run, so that it resumes with the same numbers.

    Attributes:
        choices: of each operation that has several ways.
        part: how many images of a batch are computed at once; None for all.
        source: of the measurements behind them.
    """

    choices: tuple[Choice, ...] = ()
    part: int | None = None
    source: str = ""

    def way(self, shape: Shape, ways: Sequence[str]) -> str:
        return next((each.way for each in self.choices if each.shape == shape and each.way in ways), ways[0])
