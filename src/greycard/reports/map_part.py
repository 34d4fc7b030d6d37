"""A map of images for a page: a point for each, with the image in small, which needs no script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from greycard.datasets.label_lists import NO_LABEL
from greycard.evaluation.projection import TSNE, Projection
from greycard.reports.columns import percent
from greycard.reports.figures import SERIES
from greycard.reports.image_urls import jpeg_url
from greycard.runs.image_map import read_map
from greycard.runs.record import RunRecord

WIDTH, HEIGHT, _EDGE = 480, 440, 12
_CARD = (150, 154)
"""Width and height of the map, its margin, and the size of what a point shows, in units of the drawing."""

_SHAPES = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",  # circle
    "M0-5L4.6 3.4H-4.6z",  # triangle
    "M-3.6-3.6h7.2v7.2h-7.2z",  # square
    "M0-5L4.6 0L0 5L-4.6 0z",  # diamond
    "M-1.5-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",  # plus
    "M0 5L4.6-3.4H-4.6z",  # triangle that points down
)
_MOST_CLASSES = len(_SHAPES) * len(SERIES)
_NAME = 20
"""Letters of a name that fit."""


@dataclass(frozen=True)
class Drawn:
    """The images of a map.

    Attributes:
        ids: their names.
        thumbnails: uint8 (height, width, channels) each; None for an image that cannot be shown.
        labels: the number of each one's class, or the numbers of its labels; empty if it has none.
        answers: what was predicted for each, in words, and whether it is wrong; empty without predictions.
        classes: the class names.
        what: the images in words, such as `500 of 1,200 validation images, drawn at random`.
        several: whether an image can have several labels; then it has the colour of the first.
    """

    ids: Sequence[str]
    thumbnails: Sequence[np.ndarray | None]
    labels: Sequence[Sequence[int]]
    answers: Sequence[tuple[str, bool]]
    classes: Sequence[str]
    what: str
    several: bool = False


@dataclass(frozen=True)
class Look:
    """The colour and shape of a class: `--series-N` of the page, 0 for none; and the path of an SVG."""

    colour: int
    shape: str


@dataclass(frozen=True)
class Point:
    """One image; lengths are in units of the drawing.

    Attributes:
        x: of its middle.
        y: of its middle.
        look: of its class.
        label: everything about it, for screen readers.
        lines: the same in short lines.
        image: a data URL, or None.
        wrong: whether the prediction is wrong.
        card_x: left edge of what it shows.
        card_y: upper edge of what it shows.
        marks: words that say which labels it has, for the filters; "" without filters.
    """

    x: float
    y: float
    look: Look
    label: str
    lines: tuple[str, ...]
    image: str | None
    wrong: bool
    card_x: float
    card_y: float
    marks: str


@dataclass(frozen=True)
class Filter:
    """A label that the page can show alone.

    Attributes:
        mark: the word of its images in `Point.marks`.
        name: of the label.
        colour: its `--series-N`.
        count: number of images on the map that have it.
    """

    mark: str
    name: str
    colour: int
    count: int


@dataclass(frozen=True)
class MapPart:
    """What `map.html` shows: the points, mistakes last so that they lie on top; the legend; and sentences about it.

    If an image can have several labels, there is a filter for each.
    """

    points: tuple[Point, ...]
    legend: tuple[tuple[Look, str], ...]
    note: str
    has_mistakes: bool
    filters: tuple[Filter, ...]


def run_map_part(run: RunRecord) -> MapPart | None:
    """The map of a run's validation images; None if none was made, or if the run has no classes."""
    found = read_map(run) if run.task.has_classes else None
    if found is None:
        return None
    kept = run.predictions
    rows = {id: row for row, id in enumerate(kept["ids"].tolist())}
    shown = [(place, rows[id]) for place, id in enumerate(found.ids) if id in rows]
    places, chosen = [place for place, _ in shown], [row for _, row in shown]
    labels, several = kept["labels"][chosen], run.task.has_several
    guesses = run.task.decide(kept["probabilities"][chosen])
    wrong = ~run.task.correct(labels, kept["probabilities"][chosen])
    some = f"{len(shown):,} of {found.of:,} validation images, drawn at random"
    drawn = Drawn(
        [found.ids[place] for place in places],
        [found.thumbnails[place] for place in places],
        [_numbers(label) for label in labels],
        [
            (_names(_numbers(each), run.classes), is_wrong)
            for each, is_wrong in zip(guesses, wrong.tolist(), strict=True)
        ],
        run.classes,
        some if len(shown) < found.of else f"{len(shown):,} validation images",
        several,
    )
    return map_part(drawn, Projection("PCA", found.positions[places], found.share))


def _numbers(label: np.ndarray) -> list[int]:
    """The number of a class, or the numbers of labels from a row of 0 and 1."""
    return np.flatnonzero(label).tolist() if np.ndim(label) else [int(label)]


def _names(numbers: Sequence[int], classes: Sequence[str]) -> str:
    return ", ".join(classes[number] for number in numbers) or NO_LABEL


def map_part(drawn: Drawn, projection: Projection) -> MapPart:
    """The map of images at the positions of a projection."""
    looks = _looks(drawn)
    every = zip(_placed(projection.positions).tolist(), range(len(drawn.ids)), strict=True)
    points = [_point(drawn, row, looks, x, y) for (x, y), row in every]
    legend = [(look, drawn.classes[number]) for number, look in looks.items() if number is not None]
    others = {label for label in map(_first, drawn.labels) if label is not None} - looks.keys()
    if others:
        legend.append((looks[None], f"{len(others)} other classes"))
    elif drawn.several and not all(drawn.labels):
        legend.append((looks[None], NO_LABEL))
    colours = " An image has the colour of its first label." if drawn.several else ""
    by = f"{drawn.what[0].upper()}{drawn.what[1:]}, by the features that the network computes."
    return MapPart(
        tuple(sorted(points, key=lambda each: each.wrong)),
        tuple(legend),
        f"{by} {_kept(projection)}{colours}",
        any(each.wrong for each in points),
        _filters(drawn) if drawn.several else (),
    )


def _first(labels: Sequence[int]) -> int | None:
    return labels[0] if labels else None


def _filters(drawn: Drawn) -> tuple[Filter, ...]:
    counts = Counter(label for labels in drawn.labels for label in labels)
    return tuple(
        Filter(f"label-{number}", drawn.classes[number], 1 + number % len(SERIES), counts[number])
        for number in sorted(counts)
    )


def _kept(projection: Projection) -> str:
    """How far the distances can be trusted."""
    share = percent(projection.share, 1)
    if projection.method == TSNE:
        return (
            "t-SNE keeps neighbours together; distances between groups and the sizes of groups mean nothing."
            f" Two principal components would keep {share} of the variance."
        )
    return f"The two directions (PCA) keep {share} of the variance: images that lie together can still differ."


def _looks(drawn: Drawn) -> dict[int | None, Look]:
    """A colour and a shape for each class, no two the same; for the most frequent classes, if there are very many."""
    counts = Counter(label for label in map(_first, drawn.labels) if label is not None)
    most = sorted(each for each, _ in counts.most_common(_MOST_CLASSES))
    colours, shapes = len(SERIES), len(_SHAPES)
    looks: dict[int | None, Look] = {
        label: Look(1 + place % colours, _SHAPES[(place + place // colours) % shapes])
        for place, label in enumerate(most)
    }
    return looks | {None: Look(0, _SHAPES[0])}


def _placed(positions: np.ndarray) -> np.ndarray:
    """Positions on the drawing, (n, 2): both axes have one scale, so that distances stay true."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    room = np.array([WIDTH - 2 * _EDGE, HEIGHT - 2 * _EDGE])
    extent = np.maximum(high - low, 1e-12)
    scale = float((room / extent).min()) if (high > low).any() else 0.0
    centred = (positions - (low + high) / 2) * scale * np.array([1, -1])
    return np.round(centred + np.array([WIDTH, HEIGHT]) / 2, 1)


def _point(drawn: Drawn, row: int, looks: dict[int | None, Look], x: float, y: float) -> Point:
    id, labels, image = drawn.ids[row], drawn.labels[row], drawn.thumbnails[row]
    name = _names(labels, drawn.classes) if labels or drawn.several else None
    answer, wrong = drawn.answers[row] if drawn.answers else (None, False)
    said = f"predicted {answer}" if wrong else "predicted correctly" if answer else None
    facts = [fact for fact in (name, said) if fact]
    width, height = _CARD
    return Point(
        x,
        y,
        looks.get(_first(labels), looks[None]),
        f"{id}: {', '.join(facts)}" if facts else id,
        (*map(_start, facts), _end(id)),
        None if image is None else jpeg_url(image),
        wrong,
        round(min(max(x - width / 2, 0), WIDTH - width), 1),
        round(y - height - 9 if y > height + 9 else y + 9, 1),
        "".join(f" label-{label}" for label in labels) if drawn.several else "",
    )


def _start(words: str) -> str:
    return words if len(words) <= _NAME else f"{words[: _NAME - 1]}…"


def _end(id: str) -> str:
    """The end of a path says most."""
    return id if len(id) <= _NAME else f"…{id[1 - _NAME :]}"
