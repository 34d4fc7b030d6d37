"""A run's score of strangeness and its calibration, as arrays of one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from greycard.evaluation.rejection.record import Scores
from greycard.models.strangeness import Strangeness

_LAYERS = ("projection", "projection_bias", "distances", "distances_bias")
_SCORES = ("calibration", "own", "strangers")
_WORDS = ("calibrated_on", "strangers_are")

KEYS = (*_LAYERS, "neighbours", *_SCORES, *_WORDS, "ids")
"""The names of the arrays."""


@dataclass(frozen=True)
class Stored:
    """What a run stores about rejection.

    Attributes:
        strangeness: computes the score.
        scores: of images that it was not fitted to.
    """

    strangeness: Strangeness
    scores: Scores

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays of the file, by name."""
        found: dict[str, np.ndarray] = {name: getattr(self.strangeness, name) for name in _LAYERS}
        found["neighbours"] = np.array(self.strangeness.neighbours)
        found |= {name: getattr(self.scores, name) for name in _SCORES}
        found |= {name: np.array(getattr(self.scores, name), np.str_) for name in _WORDS}
        return found | {"ids": np.array(self.scores.ids, np.str_)}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Stored:
        """Read the result of `arrays`."""
        projection, projection_bias, distances, distances_bias = (arrays[name] for name in _LAYERS)
        calibration, own, strangers = (arrays[name] for name in _SCORES)
        calibrated_on, strangers_are = (str(arrays[name]) for name in _WORDS)
        neighbours, ids = int(arrays["neighbours"]), tuple(arrays["ids"].tolist())
        return cls(
            Strangeness(projection, projection_bias, distances, distances_bias, neighbours),
            Scores(calibrated_on, ids, calibration, own, strangers, strangers_are),
        )
