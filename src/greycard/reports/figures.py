"""The figures of a report, as Matplotlib objects; nothing global is touched, nothing is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from greycard.evaluation.time_spent import PARTS
from greycard.reports.drawing import Drawing, default_style

INK, FAINT, PAPER = "#1a1c1f", "#9aa0a6", "#ffffff"
LIGHT = "#fdfdfd"  # on a dark shade, whatever the page is
TRAIN, VALIDATION = "#8a8f98", "#0b63ce"
SERIES = ("#0b63ce", "#c4511c", "#1d8348", "#8e44ad", "#b7950b", "#00838f")
"""Colours that stay apart for most colour-blind eyes, and in grey."""

_MANY = 12


@default_style()
def learning_curves(histories: Mapping[str, Sequence[Mapping[str, Any]]], kinds: Sequence[str] = ()) -> Figure:
    """Accuracy and loss by epoch; one run's training and validation, or several runs' validation, overlaid.

    Args:
        histories: by the run's name, a line an epoch.
        kinds: `accuracy`, `loss`, or both in this order; all that were measured if none is named.
    """
    shown = kinds or measured_kinds(histories)
    named = 0.19 * -(-max(2, len(histories)) // 2)
    figure, axes = _figure(3.8 * len(shown), 2.8 + named, columns=len(shown))
    for axis, kind in zip(axes, shown, strict=True):
        for number, (name, history) in enumerate(histories.items()):
            _curve(axis, name, history, kind, _line(number), alone=len(histories) == 1)
        axis.set_title(kind, fontsize=9, color=INK)
        axis.set_xlabel("epoch")
        axis.margins(y=0.12)
    look: dict[str, Any] = {"frameon": False, "fontsize": 8, "labelcolor": INK}
    # Beside the curves, which may fill the whole drawing; a search for a free place there may take seconds.
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, **look)
    return figure


def measured_kinds(histories: Mapping[str, Sequence[Mapping[str, Any]]]) -> tuple[str, ...]:
    """What every epoch of every run has."""
    classes = all("val_accuracy" in line for history in histories.values() for line in history)
    return ("accuracy", "loss") if classes else ("loss",)


def _line(number: int) -> dict[str, str]:
    """Six colours, and six again in dashes."""
    return {"color": SERIES[number % len(SERIES)], "linestyle": ("-", "--", ":")[number // len(SERIES) % 3]}


def _curve(
    axis: Any, name: str, history: Sequence[Mapping[str, Any]], kind: str, line: dict[str, str], *, alone: bool
) -> None:
    epochs = [line["epoch"] for line in history]
    values = [np.nan if line[f"val_{kind}"] is None else line[f"val_{kind}"] for line in history]
    mark = "o" if len(epochs) == 1 else None
    if alone:
        training = [np.nan if line[f"train_{kind}"] is None else line[f"train_{kind}"] for line in history]
        axis.plot(epochs, training, color=TRAIN, label="training", marker=mark)
    look = {"color": VALIDATION, "linestyle": "-"} if alone else line
    axis.plot(epochs, values, **look, label="validation" if alone else plain(name), marker=mark)
    if np.isfinite(values).any():
        best = int(np.nanargmax(values) if kind == "accuracy" else np.nanargmin(values))
        axis.plot(epochs[best], values[best], "o", color=look["color"], markersize=5)
        if alone:
            axis.annotate(f"best, {epochs[best]}", (epochs[best], values[best]), xytext=(0, 7), **_NOTE)


_NOTE: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "fontsize": 8, "color": INK}


@default_style()
def confusion(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> Figure:
    """Rows are true classes, columns what was answered; shaded by the share of the row, counts where they have room."""
    counts = np.array(matrix)
    side = min(7.6, 1.6 + 0.5 * len(classes))
    figure, (axis,) = _figure(side, side * 0.85)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap=_shades(), vmin=0, vmax=1)
    if len(classes) <= _MANY:
        for (row, column), count in np.ndenumerate(counts):
            colour = LIGHT if shares[row, column] > 0.55 else INK
            axis.text(column, row, f"{count:,}" if count else "·", ha="center", va="center", fontsize=8, color=colour)
    every = range(len(classes))
    axis.set_xticks(
        every, classes, rotation=45 if len(classes) > 3 else 0, ha="right" if len(classes) > 3 else "center"
    )
    axis.set_yticks(every, classes)
    axis.set_xlabel("answered")
    axis.set_ylabel("true")
    axis.spines[:].set_visible(False)
    return figure


@default_style()
def class_bars(scores: Mapping[str, Any]) -> Figure:
    """Each class's recall and precision."""
    classes = scores["classes"]
    figure, (axis,) = _figure(4.6, 0.8 + 0.32 * len(classes))
    places = np.arange(len(classes))[::-1]
    for offset, name, colour in ((0.19, "recall", VALIDATION), (-0.19, "precision", TRAIN)):
        values = [100 * (each[name] or 0) for each in classes]
        axis.barh(places + offset, values, 0.36, color=colour, label=name)
    axis.set_yticks(places, [plain(each["class"]) for each in classes])
    axis.set_xlim(0, 100)
    axis.set_xlabel("%")
    axis.legend(frameon=False, fontsize=8, labelcolor=INK, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return figure


@default_style()
def reliability(scores: Mapping[str, Any]) -> Figure:
    """How often the model is right against how sure it is; on the diagonal it is as sure as it should be."""
    curve = scores["reliability"]
    figure, (axis,) = _figure(3.6, 3.2)
    axis.plot([0, 100], [0, 100], color=FAINT, linewidth=1, linestyle="--")
    sizes = [each["images"] for each in curve]
    marks = [10 + 90 * size / max(sizes) for size in sizes]
    sure, right = ([100 * each[name] for each in curve] for name in ("confidence", "accuracy"))
    axis.plot(sure, right, color=VALIDATION, linewidth=1.2)
    axis.scatter(sure, right, s=marks, color=VALIDATION, zorder=3)
    axis.set_xlabel("how sure, %")
    axis.set_ylabel("how often right, %")
    axis.set_xlim(0, 102)
    axis.set_ylim(0, 102)
    return figure


@default_style()
def time_bar(seconds: Mapping[str, float]) -> Figure:
    """Where a run's time went, one bar."""
    figure, (axis,) = _figure(7.6, 1.1)
    total, left = sum(seconds.values()) or 1.0, 0.0
    shown = [(part, seconds[part]) for part in PARTS if seconds.get(part, 0) >= 0.01 * total]
    for number, (part, value) in enumerate(shown):
        share = 100 * value / total
        axis.barh(0, share, left=left, color=SERIES[number % len(SERIES)], label=f"{PARTS[part]} {share:.0f} %")
        left += share
    axis.set_xlim(0, 100)
    axis.set_axis_off()
    axis.legend(frameon=False, fontsize=8, labelcolor=INK, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 0.1))
    return figure


def plain(name: str) -> str:
    """A name as Matplotlib shows it letter by letter: a dollar begins no formula, and every character can be drawn."""
    return name.encode("utf-8", "replace").decode().replace("$", r"\$")


def _figure(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Any]]:
    """A figure in inches with axes that have no frame but two lines."""
    figure = Drawing(figsize=(width, height), layout="constrained")
    axes = [figure.add_subplot(1, columns, column + 1) for column in range(columns)]
    for axis in axes:
        axis.patch.set_alpha(0)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8, colors=INK)
        for label in (axis.xaxis.label, axis.yaxis.label):
            label.set_fontsize(8)
            label.set_color(INK)
        for spine in axis.spines.values():
            spine.set_color(FAINT)
    return figure, axes


def _shades() -> Any:
    """From the page's own paper to the colour of validation."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("shades", [(0.043, 0.388, 0.808, 0.0), (0.043, 0.388, 0.808, 1.0)])
