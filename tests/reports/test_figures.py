"""Figures: whole epochs, percent, nothing over anything else with any number of classes, colours that can be read."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from conftest import an_epoch
from greycard.core.epoch import Epoch
from greycard.evaluation.calibration import Bin
from greycard.evaluation.timing import PARTS
from greycard.reports import figures
from greycard.reports.explanation import heat_figure, overlaid

LONG = "a class whose name nobody would want to write into a table, number"


def history(epochs: int) -> list[Epoch]:
    return [
        an_epoch(
            epoch,
            train_accuracy=1 - 0.5 / epoch,
            val_accuracy=1 - 0.6 / epoch,
            train_loss=1 / epoch,
            val_loss=1.2 / epoch,
        )
        for epoch in range(1, epochs + 1)
    ]


def shown_ticks(axis: Any) -> list[Text]:
    """The labels of ticks that lie within the axis."""
    low, high = sorted(axis.get_view_interval())
    ticks = zip(axis.get_ticklabels(), axis.get_ticklocs(), strict=True)
    return [label for label, place in ticks if low - 1e-9 <= place <= high + 1e-9 and label.get_text()]


def expect_apart(figure: Figure) -> None:
    """No text covers another, and none leaves the figure."""
    figure.draw_without_rendering()
    texts = [text for axes in figure.axes for text in _texts(axes)]
    texts += [text for legend in figure.legends for text in legend.get_texts()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text().strip()]
    for (one, first), (other, second) in itertools.combinations(boxes, 2):
        assert not _overlap(first, second), (one, other)
    width, height = figure.get_size_inches() * figure.dpi
    for name, box in boxes:
        assert -1 <= box.x0 <= box.x1 <= width + 1, name
        assert -1 <= box.y0 <= box.y1 <= height + 1, name


def _texts(axes: Axes) -> list[Text]:
    if not axes.axison:
        return [axes.title, *axes.texts]
    labels = [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
    children = [text for child in axes.child_axes for text in _texts(child)]
    return [*labels, *shown_ticks(axes.xaxis), *shown_ticks(axes.yaxis), *children]


def _overlap(one: Bbox, other: Bbox) -> bool:
    common = Bbox.intersection(one, other)
    return common is not None and common.width > 0.5 and common.height > 0.5


@settings(max_examples=8)
@given(epochs=st.one_of(st.integers(1, 9), st.integers(10, 400)))
def test_epochs_are_whole_and_accuracies_in_percent(epochs: int) -> None:
    figure = figures.learning_curves({"run": history(epochs)})
    figure.draw_without_rendering()
    for axes in figure.axes:
        ticks = [label.get_text() for label in shown_ticks(axes.xaxis)]
        assert ticks
        assert all(tick.isdigit() and 0 <= int(tick) <= epochs * 1.1 for tick in ticks), ticks
    percentages = [label.get_text() for label in shown_ticks(figure.axes[0].yaxis)]
    assert all(text.endswith(" %") and float(text.removesuffix(" %")) <= 100 for text in percentages), percentages


@pytest.mark.parametrize("runs", [1, 2, 9])
@pytest.mark.parametrize("name", ["run", LONG, "$run$ 100 %"])
def test_curves_have_room_for_their_legend(runs: int, name: str) -> None:
    expect_apart(figures.learning_curves({f"{name} {number}": history(5 + number) for number in range(runs)}))


@pytest.mark.parametrize("classes", [2, 3, 10, 26, 100])
@pytest.mark.parametrize("name", ["", "class ", LONG])
def test_a_confusion_matrix_has_room_for_its_names(classes: int, name: str) -> None:
    counts = np.random.default_rng(0).integers(0, 2000, (classes, classes)) + 90_000 * np.eye(classes, dtype=int)
    expect_apart(figures.confusion(counts.tolist(), [f"{name}{number}" for number in range(classes)]))


def test_reliability_and_time_have_room() -> None:
    curve = [Bin((n - 1) / 15, n / 15, images=3, confidence=n / 15, accuracy=n / 15) for n in range(1, 16)]
    expect_apart(figures.reliability(curve))
    expect_apart(figures.time_bar({part: float(number) for number, part in enumerate(PARTS, start=2)}))


@pytest.mark.parametrize("name", ["cat", LONG, "Ж" * 40])
@pytest.mark.parametrize("heat", [0.0, 0.004, 0.5])
def test_explanations_have_room_and_say_when_no_place_matters(name: str, heat: float) -> None:
    image, map_ = np.zeros((16, 16, 3), np.uint8), np.full((16, 16), heat, np.float32)
    figure = heat_figure(image, map_, map_, name, {name: 0.9, f"{name} 2": 0.1})
    expect_apart(figure)
    said = [axes.get_title() for axes in figure.axes]
    assert ("no region supports" in said[1]) == ("no covered region takes" in said[2]) == (heat < 0.01)
    assert any("points of probability" in child.get_ylabel() for axes in figure.axes for child in axes.child_axes)


@given(points=st.floats(-1, 1), brightness=st.integers(0, 255))
def test_heat_has_one_scale(points: float, brightness: int) -> None:
    """A place's own worth decides its colour, not that of the rest of the image; under a point it has none."""
    image = np.full((2, 2, 3), brightness, np.uint8)
    alone = overlaid(image, np.full((2, 2), points))
    beside_more = overlaid(image, np.array([[points, 1.0], [1.0, 1.0]]))
    assert (alone[0, 0] == beside_more[0, 0]).all()
    assert (alone == image).all() == (points < 0.01)


def luminance(colour: str) -> float:
    """WCAG's relative luminance of `#rrggbb`."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(over: str, paper: str, share: float) -> str:
    """A colour of that opacity over another."""
    pairs = [(int(over[place : place + 2], 16), int(paper[place : place + 2], 16)) for place in (1, 3, 5)]
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


def test_text_on_figures_can_be_read() -> None:
    deepest = figures.confusion([[1, 0], [0, 1]], ["a", "b"]).axes[0].images[0].get_cmap()(1.0)[3]
    assert contrast(figures.INK, mixed(figures.VALIDATION, figures.PAPER, deepest)) >= 4.5
    assert contrast(figures.FAINT, figures.PAPER) >= 4.5
    assert all(contrast(colour, figures.PAPER) >= 3 for colour in (*figures.SERIES, figures.TRAIN))  # lines
