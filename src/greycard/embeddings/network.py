"""What feature vectors depend on: vectors are comparable only if all of it is the same."""

from __future__ import annotations

from dataclasses import dataclass, replace

from greycard.core.errors import GreycardError
from greycard.core.records import Number


@dataclass(frozen=True)
class Network:
    """The network that computed feature vectors, and how images become its input.

    Attributes:
        name: the run's, or the pretrained network's.
        weights: SHA-256 of the file of its weights.
        height: of its images, in pixels.
        width: of its images, in pixels.
        channels: 1 for grey, 3 for RGB.
        resize: how an image of another shape becomes this size, as `data.resize`.
        decoding: the version of the decoder.
        features: length of a vector.
    """

    name: str
    weights: str
    height: Number
    width: Number
    channels: Number
    resize: str
    decoding: Number
    features: Number

    def __str__(self) -> str:
        return f"{self.name} ({self.features:,} features, {self.height}×{self.width} px, weights {self.weights[:12]})"

    def expect_same(self, other: Network, place: object, hint: str) -> None:
        """Raise a GreycardError if vectors of the other network, from the file `place`, cannot be compared."""
        if replace(other, name=self.name) != self:  # a run keeps its vectors if its folder is renamed
            raise GreycardError(f"{place} has vectors of {other}; expected vectors of {self}", hint=hint)
