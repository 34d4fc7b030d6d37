"""The figures of a report as Matplotlib objects, without global state."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from greycard.core.epoch import Epoch
from greycard.evaluation.calibration import Bin
from greycard.evaluation.timing import PARTS
from greycard.reports.columns import percent
from greycard.reports.drawing import Drawing, default_style
from greycard.reports.fonts import drawable, use_fonts, width

INK, FAINT, PAPER = "#1a1c1f", "#5f656d", "#ffffff"
TRAIN, VALIDATION = "#858a93", "#0b63ce"
SERIES = (VALIDATION, "#c4511c", "#1d8348", "#8e44ad", "#8a6d00", "#00737d")
"""Colours that most colour-blind people can distinguish, also in grey."""

DASHES = ("-", "--", ":")
"""Styles: solid for the first six lines, dashed for the next six, dotted for the next."""

_COUNTED = 12
"""The maximum number of classes for which a confusion matrix shows counts."""

_NAMED = 40
"""The maximum number of names on an axis; with more classes only some are named."""

_TEXT = 8
"""Default text size in points."""

_CELL = 0.5
"""The side of a cell of a small confusion matrix, in inches."""

_DEEPEST = 0.55
"""The opacity of a share of 1: dark text can still be read on it."""


@default_style()
def learning_curves(
    histories: Mapping[str, Sequence[Epoch]], kinds: Sequence[str] = (), *, legend: bool = True
) -> Figure:
    """Accuracy and loss by epoch: training and validation of one run, or validation of several runs.

    Args:
        histories: the epochs of each run, by its name.
        kinds: `accuracy`, `loss`, or both in this order; by default all that were measured.
        legend: True to draw a legend; a page may have its own.
    """
    shown = kinds or measured_kinds(histories)
    rows = -(-max(2, len(histories)) // 2)
    figure, axes = framed_figure(3.8 * len(shown), 2.8 + 0.19 * rows * legend, columns=len(shown))
    for axis, kind in zip(axes, shown, strict=True):
        for number, (name, history) in enumerate(histories.items()):
            _curve(axis, name, history, kind, _line(number), alone=len(histories) == 1)
        _epoch_axis(axis, kind, longest=max(map(len, histories.values())))
    if legend:
        # Below the curves: Matplotlib's search for a free position inside can take seconds.
        look: dict[str, Any] = {"frameon": False, "fontsize": _TEXT, "labelcolor": INK}
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, **look)
    if legend and len(histories) > 1:
        use_fonts(figure, histories)
    return figure


def _epoch_axis(axis: Any, kind: str, longest: int) -> None:
    """Format the axes: whole epochs, and accuracies in percent."""
    axis.set_title(kind, fontsize=9, color=INK)
    axis.set_xlabel("epoch")
    axis.margins(x=0.04, y=0.14)
    axis.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1))
    if longest == 1:
        axis.set_xticks([1])
    if kind == "accuracy":
        limits = axis.get_ylim()  # with room above 100 % for the note, but no percentages there
        axis.set_yticks([tick for tick in axis.get_yticks() if limits[0] <= tick <= 1])
        axis.set_ylim(limits)
        axis.yaxis.set_major_formatter(_PERCENT)


_PERCENT = FuncFormatter(lambda value, place: f"{100 * value:.10g} %")
"""Percent labels without unnecessary digits."""


def measured_kinds(histories: Mapping[str, Sequence[Epoch]]) -> tuple[str, ...]:
    """The values that every epoch of every run has."""
    classes = all(epoch.val_accuracy is not None for history in histories.values() for epoch in history)
    return ("accuracy", "loss") if classes else ("loss",)


def _line(number: int) -> dict[str, str]:
    """Line colour and style: six colours, then the same colours dashed and dotted."""
    return {"color": SERIES[number % len(SERIES)], "linestyle": DASHES[number // len(SERIES) % len(DASHES)]}


def _curve(axis: Any, name: str, history: Sequence[Epoch], kind: str, line: dict[str, str], *, alone: bool) -> None:
    epochs = [epoch.epoch for epoch in history]
    training, values = _measured(history, kind)
    mark = "o" if len(epochs) == 1 else None
    if alone:
        axis.plot(epochs, training, color=TRAIN, label="training", marker=mark)
    look = {"color": VALIDATION, "linestyle": "-"} if alone else line
    axis.plot(epochs, values, **look, label="validation" if alone else plain(name), marker=mark)
    if np.isfinite(values).any():
        best = int(np.nanargmax(values) if kind == "accuracy" else np.nanargmin(values))
        axis.plot(epochs[best], values[best], "o", color=look["color"], markersize=5)
        if alone:
            axis.annotate(f"best, {epochs[best]}", (epochs[best], values[best]), xytext=(0, 7), **_NOTE)


def _measured(history: Sequence[Epoch], kind: str) -> np.ndarray:
    """Training and validation, float64 (2, epochs); NaN for missing values."""
    pairs = [
        (epoch.train_accuracy, epoch.val_accuracy) if kind == "accuracy" else (epoch.train_loss, epoch.val_loss)
        for epoch in history
    ]
    return np.array(pairs, dtype=np.float64).T


_NOTE: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "fontsize": _TEXT, "color": INK}


@default_style()
def confusion(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> Figure:
    """Rows are true classes, columns predicted classes; shaded by the fraction of the row, with counts if they fit."""
    counts = np.array(matrix)
    names = [plain(name) for name in classes]
    longest = max(map(width, names))
    side = 0.9 + longest * _TEXT / 72 + min(6.2, _CELL * len(classes))
    figure, (axis,) = framed_figure(side, side)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap=_shades(), vmin=0, vmax=1)
    if len(classes) <= _COUNTED:
        for (row, column), count in np.ndenumerate(counts):
            axis.text(column, row, _short(int(count)), ha="center", va="center", fontsize=_TEXT, color=INK)
    named = range(0, len(classes), -(-len(classes) // _NAMED))
    axis.set_xticks(
        named, [names[number] for number in named], rotation=0 if longest * _TEXT < 0.8 * _CELL * 72 else 90
    )
    axis.set_yticks(named, [names[number] for number in named])
    axis.set_xlabel("answered")
    axis.set_ylabel("true")
    axis.spines[:].set_visible(False)
    use_fonts(figure, classes)
    return figure


def _short(count: int) -> str:
    """Shorten a count to fit its cell."""
    return f"{count / 1000:,.0f}k" if count >= 100_000 else f"{count:,}" if count else "·"


@default_style()
def reliability(curve: Sequence[Bin]) -> Figure:
    """Accuracy against confidence; a calibrated model is on the diagonal."""
    figure, (axis,) = framed_figure(3.6, 3.2)
    axis.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle="--")
    sizes = [each.images for each in curve]
    marks = [10 + 90 * size / max(sizes) for size in sizes]
    sure, right = [each.confidence for each in curve], [each.accuracy for each in curve]
    axis.plot(sure, right, color=VALIDATION, linewidth=1.2)
    axis.scatter(sure, right, s=marks, color=VALIDATION, zorder=3, clip_on=False)
    axis.set_xlabel("confidence (probability of the predicted class)")
    axis.set_ylabel("accuracy")
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter(_PERCENT)
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1)
    return figure


@default_style()
def time_bar(seconds: Mapping[str, float]) -> Figure:
    """A run's time as one bar, with a legend of its parts."""
    total, left = sum(seconds.values()) or 1.0, 0.0
    shown = [(part, seconds[part] / total) for part in PARTS if seconds.get(part, 0) >= 0.01 * total]
    figure, (axis,) = framed_figure(3.8, 0.5 + 0.19 * len(shown))
    for number, (part, share) in enumerate(shown):
        look = {"color": SERIES[number % len(SERIES)], "alpha": 1 if number < len(SERIES) else 0.5}
        axis.barh(0, share, left=left, label=f"{PARTS[part]} {percent(share, 1)}", **look)
        left += share
    axis.set_xlim(0, 1)
    axis.set_axis_off()
    look = {"frameon": False, "fontsize": _TEXT, "labelcolor": INK}
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower left", **look)
    return figure


_LONGEST = 14.0
"""Width of a name, in multiples of the font size."""

_LEFT_TO_RIGHT = "\u200e"


def plain(name: str) -> str:
    """Escape a name for Matplotlib (a dollar sign would start a formula) and cut the middle of a long one."""
    shown = _shortened(drawable(name))
    if any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in shown):
        shown = f"{_LEFT_TO_RIGHT}{shown}{_LEFT_TO_RIGHT}"  # only the name, not the percentage after it
    return shown.replace("$", r"\$")


def _shortened(shown: str) -> str:
    if width(shown) <= _LONGEST:
        return shown
    half = int(len(shown) * _LONGEST / width(shown) / 2)
    begin, end = shown[:half], shown[-half:]
    while width(f"{begin}…{end}") > _LONGEST:
        begin, end = begin[:-1], end[1:]
    return f"{begin}…{end}"


def framed_figure(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Any]]:
    """A figure, size in inches, with axes that have only two frame lines."""
    figure = Drawing(figsize=(width, height), layout="constrained")
    axes = [figure.add_subplot(1, columns, column + 1) for column in range(columns)]
    for axis in axes:
        axis.patch.set_alpha(0)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=_TEXT, colors=INK)
        for label in (axis.xaxis.label, axis.yaxis.label):
            label.set_fontsize(_TEXT)
            label.set_color(INK)
        for spine in axis.spines.values():
            spine.set_color(FAINT)
    return figure, axes


def _shades() -> Any:
    """A colour map from transparent to the colour of validation."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    colour = to_rgb(VALIDATION)
    return LinearSegmentedColormap.from_list("shades", [(*colour, 0.0), (*colour, _DEEPEST)])
