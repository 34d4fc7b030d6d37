"""The figure of the learning-rate finder: loss against learning rate."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from greycard.reports.drawing import default_style
from greycard.reports.figures import FAINT, INK, SERIES, VALIDATION, framed_figure


@default_style()
def rate_figure(
    rates: Sequence[float], losses: Sequence[float], smooth: Sequence[float], suggested: float | None
) -> Figure:
    """The loss of each batch, its running median, and the suggested rate.

    Args:
        rates: rising learning rates.
        losses: of the batch at each rate.
        smooth: running median of the losses.
        suggested: None for no suggestion.
    """
    figure, (axis,) = framed_figure(5.2, 3.2)
    axis.plot(rates, losses, color=FAINT, linewidth=0.8, alpha=0.5, label="each batch")
    axis.plot(rates, smooth, color=VALIDATION, linewidth=1.8, label="running median")
    if suggested is not None:
        axis.axvline(suggested, color=SERIES[1], linestyle="--", linewidth=1.2, label=f"suggested: {suggested:g}")
    axis.set_xscale("log")
    axis.set_xlabel("learning rate")
    axis.set_ylabel("training loss")
    low, first = min(smooth), smooth[0]
    axis.set_ylim(max(0.0, low - 0.3 * (first - low)), first + 0.5 * (first - low) or 1.0)
    axis.legend(frameon=False, fontsize=8, labelcolor=INK, loc="upper left")
    return figure
