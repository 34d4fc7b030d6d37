"""Explanations drawn: heat over the picture, rows of feature maps, first filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from greycard.reports.columns import percent
from greycard.reports.drawing import Drawing, default_style
from greycard.reports.figures import plain

_A_ROW = 16
_FILTERS = 64


@default_style()
def heat_figure(
    picture: np.ndarray,
    heat: np.ndarray | None,
    occlusion: np.ndarray,
    label: str,
    probabilities: Mapping[str, float],
) -> Figure:
    """The picture, what speaks for the class (Grad-CAM), and what covering takes away from it.

    Args:
        picture: uint8 (height, width, channels).
        heat: float32 (height, width), 0 to 1, or None.
        occlusion: float32 (height, width), differences of probability.
        label: the class.
        probabilities: of every class.
    """
    answers = sorted(probabilities.items(), key=lambda pair: -pair[1])[:3]
    panels: list[tuple[str, np.ndarray]] = [
        (", ".join(f"{plain(n)} {percent(p, 1)}" for n, p in answers), as_rgb(picture))
    ]
    if heat is not None:
        panels.append((f"where it sees {plain(label)} (Grad-CAM)", overlaid(picture, heat)))
    reach = float(np.abs(occlusion).max()) or 1.0
    lost = np.maximum(occlusion, 0) / reach
    panels.append((f"covering takes up to {100 * max(float(occlusion.max()), 0):.0f} points", overlaid(picture, lost)))
    figure = Drawing(figsize=(3.1 * len(panels), 3.4), layout="constrained")
    for column, (title, image) in enumerate(panels, start=1):
        _shown(figure.add_subplot(1, len(panels), column), image, title)
    return figure


def overlaid(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """The heat in colour over the greyed picture, uint8 (height, width, 3); where there is none, the grey stays."""
    grey = as_rgb(picture).mean(axis=2, keepdims=True).repeat(3, axis=2)
    colour = colormaps["inferno"](heat)[..., :3] * 255
    share = 0.75 * heat[..., None]
    return np.clip(grey * (1 - share) + colour * share, 0, 255).astype(np.uint8)


@default_style()
def maps_figure(maps: Mapping[str, np.ndarray]) -> Figure:
    """A row for each layer, its first filters side by side, each in its own range."""
    rows = max(len(maps), 1)
    figure = Drawing(figsize=(9.6, 0.85 * rows + 0.2), layout="constrained")
    for row, (name, values) in enumerate(maps.items()):
        axis = figure.add_subplot(rows, 1, row + 1)
        shape = "×".join(map(str, values.shape))
        _shown(axis, _side_by_side(values[:, :, :_A_ROW]), f"{name}, {shape}", cmap="viridis", left=True)
    return figure


@default_style()
def filters_figure(kernels: np.ndarray) -> Figure:
    """The first convolution's kernels, (height, width, channels, filters), each in its own range."""
    shown = [_stretched(kernels[:, :, :, number]) for number in range(min(kernels.shape[3], _FILTERS))]
    columns = min(len(shown), 16)
    rows = -(-len(shown) // columns)
    figure = Drawing(figsize=(0.55 * columns + 0.2, 0.55 * rows + 0.2), layout="constrained")
    for place, kernel in enumerate(shown, start=1):
        axis = figure.add_subplot(rows, columns, place)
        _shown(axis, kernel if kernel.shape[2] == 3 else kernel[:, :, 0], "", cmap="gray")
    return figure


def as_rgb(picture: np.ndarray) -> np.ndarray:
    return picture if picture.shape[2] == 3 else picture.repeat(3, axis=2)


def _side_by_side(values: np.ndarray) -> np.ndarray:
    """(rows, columns, filters) as one picture, a line of nothing between."""
    each = [_stretched(values[:, :, number]) for number in range(values.shape[2])]
    framed = [np.pad(one, ((0, 0), (0, 1)), constant_values=np.nan) for one in each]
    return np.hstack(framed)


def _stretched(values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _shown(axis: Any, image: np.ndarray, title: str, cmap: str | None = None, *, left: bool = False) -> None:
    axis.imshow(image, cmap=cmap, interpolation="nearest")
    axis.set_axis_off()
    if title:
        axis.set_title(title, fontsize=8, loc="left" if left else "center")
