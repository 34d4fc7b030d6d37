"""The figure that explains one predicted number: heat maps in standard deviations of the training numbers."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from greycard.reports.drawing import Drawing, default_style
from greycard.reports.explanation import LEAST, as_rgb, draw_scale, overlaid, show_image
from greycard.tasks.target import Target


@default_style()
def number_heat_figure(
    image: np.ndarray, heat: np.ndarray | None, occlusion: np.ndarray, value: float, target: Target
) -> Figure:
    """The image with its number, its Grad-CAM heat map and its occlusion map, on the same scale.

    Args:
        image: uint8 (height, width, channels).
        heat: float32 (height, width), what each place adds to the number, in standard deviations, or None.
        occlusion: float32 (height, width), what covering each place takes from the number, in standard deviations.
        value: the predicted number.
        target: the training numbers.
    """
    panels = [(f"predicted: {target.text(value)}", as_rgb(image))]
    if heat is not None:
        panels.append((_grad_cam_title(float(heat.max()), target), overlaid(image, heat)))
    changed = np.abs(occlusion)
    panels.append((_occlusion_title(float(changed.max()), target), overlaid(image, changed)))
    figure = Drawing(figsize=(3.1 * len(panels) + 0.6, 3.9), layout="constrained")
    axes = figure.subplots(1, len(panels))
    for axis, (title, panel) in zip(axes, panels, strict=True):
        show_image(axis, panel, title)
    draw_scale(axes[-1].inset_axes((1.03, 0, 0.06, 1)), "hundredths of a standard deviation")
    return figure


def _grad_cam_title(most: float, target: Target) -> str:
    if most < LEAST:
        return "Grad-CAM: no region raises\nthe number"
    return f"Grad-CAM: regions that raise the number\nwithout them, {target.text(most * target.deviation)} less"


def _occlusion_title(most: float, target: Target) -> str:
    if most < LEAST:
        return "occlusion: no covered region\nchanges the number"
    return f"occlusion: a covered region changes\nthe number by up to {target.text(most * target.deviation)}"
