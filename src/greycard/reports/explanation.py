"""Figures of explanations: heat maps on one scale, feature maps, filters of the first convolution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from greycard.reports.columns import percent
from greycard.reports.drawing import Drawing, default_style
from greycard.reports.figures import INK, plain
from greycard.reports.fonts import use_fonts

_A_ROW = 16
_FILTERS = 64

LEAST = 0.01
"""Regions that change the probability by less than this (one point) are not coloured."""

_TICKS = (LEAST, 0.1, 0.25, 0.5, 1.0)


@default_style()
def heat_figure(
    image: np.ndarray,
    heat: np.ndarray | None,
    occlusion: np.ndarray,
    label: str,
    probabilities: Mapping[str, float],
) -> Figure:
    """The image, its Grad-CAM heat map and its occlusion map, on the same scale.

    Args:
        image: uint8 (height, width, channels).
        heat: float32 (height, width), each pixel's contribution to the probability, or None.
        occlusion: float32 (height, width), differences of probability.
        label: the explained class.
        probabilities: probability of every class.
    """
    answers = dict(sorted(probabilities.items(), key=lambda pair: -pair[1])[:3])
    panels = [("\n".join(f"{plain(n)} {percent(p, 1)}" for n, p in answers.items()), as_rgb(image))]
    if heat is not None:
        panels.append((_grad_cam_title(heat, plain(label)), overlaid(image, heat)))
    panels.append((_occlusion_title(occlusion, plain(label)), overlaid(image, occlusion)))
    figure = Drawing(figsize=(3.1 * len(panels) + 0.6, 3.9), layout="constrained")
    axes = figure.subplots(1, len(panels))
    for axis, (title, image) in zip(axes, panels, strict=True):
        show_image(axis, image, title)
    draw_scale(axes[-1].inset_axes((1.03, 0, 0.06, 1)))
    use_fonts(figure, [*answers, label])
    return figure


def overlaid(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """The heat map in colour over the grey image, uint8 (height, width, 3); no colour below one point.

    Args:
        image: uint8 (height, width, channels).
        heat: float (height, width), differences of probability. The scale is the same for every image: from 0 to 1,
            with a square root, so that a few points are visible.
    """
    strength = np.sqrt(np.where(heat >= LEAST, np.clip(heat, 0, 1), 0))
    grey = as_rgb(image).mean(axis=2, keepdims=True).repeat(3, axis=2)
    colour = colormaps["inferno"](strength)[..., :3] * 255
    share = np.where(strength > 0, 0.25 + 0.6 * strength, 0)[..., None]
    return np.clip(grey * (1 - share) + colour * share, 0, 255).astype(np.uint8)


def _grad_cam_title(heat: np.ndarray, label: str) -> str:
    most = float(heat.max())
    if most < LEAST:
        return f"Grad-CAM: no region supports\n{label} by one point or more"
    return f"Grad-CAM: regions for {label}\nwithout them, {_points(most)} less"


def _occlusion_title(occlusion: np.ndarray, label: str) -> str:
    most, least = float(occlusion.max()), float(occlusion.min())
    adds = f",\nanother one adds {_points(-least)}" if least <= -LEAST else ""
    if most < LEAST:
        return f"occlusion: no covered region takes\none point from {label}{adds}"
    return f"occlusion: a covered region takes\nup to {_points(most)} from {label}{adds}"


def _points(share: float) -> str:
    points = round(100 * share)
    return "1 point" if points == 1 else f"{points} points"


def draw_scale(axis: Any, unit: str = "points of probability") -> None:
    """The colour scale of `overlaid` on middle grey; its ends are 1 and 100 of the unit."""
    values = np.linspace(0, 1, 256)[:, None] ** 2
    grey = np.full((256, 1, 3), 128, np.uint8)
    axis.imshow(overlaid(grey, values), origin="lower", aspect="auto", extent=(0, 1, 0, 1))
    axis.set_xticks([])
    axis.set_yticks([tick**0.5 for tick in _TICKS], [f"{100 * tick:.0f}" for tick in _TICKS], fontsize=8, color=INK)
    axis.yaxis.tick_right()
    axis.yaxis.set_label_position("right")
    axis.set_ylabel(unit, fontsize=8, color=INK)


@default_style()
def maps_figure(maps: Mapping[str, np.ndarray]) -> Figure:
    """One row for each layer with its first filters, each normalized separately."""
    rows = max(len(maps), 1)
    figure = Drawing(figsize=(9.6, 0.85 * rows + 0.4), layout="constrained")
    figure.suptitle("each map is normalized separately: dark is its minimum, bright its maximum", fontsize=8, color=INK)
    for row, (name, values) in enumerate(maps.items()):
        axis = figure.add_subplot(rows, 1, row + 1)
        shape = "×".join(map(str, values.shape))
        show_image(axis, _side_by_side(values[:, :, :_A_ROW]), f"{name}, {shape}", cmap="viridis", left=True)
    return figure


@default_style()
def filters_figure(kernels: np.ndarray) -> Figure:
    """The first convolution's kernels, (height, width, channels, filters), each normalized separately."""
    shown = [_stretched(kernels[:, :, :, number]) for number in range(min(kernels.shape[3], _FILTERS))]
    columns = min(len(shown), 16)
    rows = -(-len(shown) // columns)
    figure = Drawing(figsize=(0.55 * columns + 0.2, 0.55 * rows + 0.2), layout="constrained")
    for place, kernel in enumerate(shown, start=1):
        axis = figure.add_subplot(rows, columns, place)
        show_image(axis, kernel if kernel.shape[2] == 3 else kernel[:, :, 0], "", cmap="gray")
    return figure


def as_rgb(image: np.ndarray) -> np.ndarray:
    return image if image.shape[2] == 3 else image.repeat(3, axis=2)


def _side_by_side(values: np.ndarray) -> np.ndarray:
    """Combine (rows, columns, filters) into one image, with gaps in between."""
    each = [_stretched(values[:, :, number]) for number in range(values.shape[2])]
    framed = [np.pad(one, ((0, 0), (0, 1)), constant_values=np.nan) for one in each]
    return np.hstack(framed)


def _stretched(values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def show_image(axis: Any, image: np.ndarray, title: str, cmap: str | None = None, *, left: bool = False) -> None:
    """Show an image without axes."""
    axis.imshow(image, cmap=cmap, interpolation="nearest")
    axis.set_axis_off()
    if title:
        axis.set_title(title, fontsize=8, loc="left" if left else "center")
