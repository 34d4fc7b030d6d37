"""Drawings of predicted numbers: predicted against true, and the errors against the predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from greycard.core.randomness import SUBSET, generator
from greycard.evaluation.reach import Reach
from greycard.reports.drawing import default_style
from greycard.reports.figures import FAINT, VALIDATION, framed_figure

_MOST = 1_000
"""Points that are drawn; of more images, a random sample."""


@default_style()
def predicted_against_true(labels: np.ndarray, predicted: np.ndarray, reach: Reach | None) -> Figure:
    """One dot for each image; a perfect prediction is on the diagonal, and most are between the dashed lines."""
    true, found = _sample(labels, predicted)
    figure, (axis,) = framed_figure(3.8, 3.4)
    ends = np.array([min(true.min(), found.min()), max(true.max(), found.max())])
    axis.plot(ends, ends, color=FAINT, linewidth=1)
    _band(axis, ends, ends, reach)
    _dots(axis, true, found)
    axis.set_xlabel("true number")
    axis.set_ylabel("predicted number")
    return figure


@default_style()
def residuals(labels: np.ndarray, predicted: np.ndarray, reach: Reach | None) -> Figure:
    """Predicted minus true against the prediction: a slope or a funnel shows where the errors are."""
    true, found = _sample(labels, predicted)
    figure, (axis,) = framed_figure(3.8, 3.4)
    ends = np.array([found.min(), found.max()])
    axis.axhline(0, color=FAINT, linewidth=1)
    _band(axis, ends, np.zeros(2), reach)
    _dots(axis, found, found - true)
    axis.set_xlabel("predicted number")
    axis.set_ylabel("predicted minus true")
    return figure


def _sample(labels: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows = np.arange(len(labels))
    if len(rows) > _MOST:
        rows = np.sort(generator(SUBSET, 0).permutation(rows)[:_MOST])
    return labels[rows].astype(np.float64), predicted[rows].astype(np.float64)


def _band(axis: Any, across: np.ndarray, middle: np.ndarray, reach: Reach | None) -> None:
    if reach is not None:
        for side in (-reach.width, reach.width):
            axis.plot(across, middle + side, color=FAINT, linewidth=1, linestyle="--")


def _dots(axis: Any, across: np.ndarray, up: np.ndarray) -> None:
    axis.scatter(across, up, s=9, color=VALIDATION, alpha=0.6, linewidths=0, zorder=3)
