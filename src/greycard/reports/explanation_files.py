"""Explanations as PNG files: each image has names of its own, and what is there already stays."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path

from matplotlib.figure import Figure

from greycard.core.errors import GreycardError
from greycard.core.output_files import made_by_greycard, write_output
from greycard.reports.drawing import as_png

_NAME_END = 60
"""Characters kept of an image's name; file systems take 255 bytes."""


def expect_explanation_folder(folder: Path) -> None:
    """GreycardError where something other than a folder has its name."""
    if os.path.lexists(folder) and not folder.is_dir():
        raise GreycardError(f"{folder} is not a folder; explanations are written into it", hint="move it away")


def write_explanation(folder: Path, image: str, label: str | None, figures: Mapping[str, Figure]) -> list[Path]:
    """Write the figures of one image, in the place of its earlier ones and of nothing else.

    Args:
        folder: created if missing.
        image: the image's path.
        label: the class that was asked for, if one was.
        figures: by kind, such as `heat`; the files are `NAME-KIND.png`.
    """
    names, source = _names(image, label), _source(image, label)
    name = next(name for name in names if all(_is_free(folder / f"{name}-{kind}.png", source) for kind in figures))
    return [_written(folder / f"{name}-{kind}.png", figure, source) for kind, figure in figures.items()]


def write_filters(folder: Path, figure: Figure) -> Path:
    """Write the first convolution's filters as `filters.png`, numbered where the user has a file of that name."""
    names = ("filters.png", *(f"filters-{number}.png" for number in range(2, 100)))
    return _written(folder / next(name for name in names if _is_free(folder / name, "filters")), figure, "filters")


def _names(image: str, label: str | None) -> Iterator[str]:
    """The end of its path as it was typed, since class folders number their images alike; and the asked-for class.

    Where another image has that name, its ending tells them apart, or else a number.
    """
    path = Path(image)
    parts = [part for part in path.with_suffix("").parts if part not in ("..", path.anchor)][-3:]
    stem = re.sub(r"[^\w.-]+", "-", "-".join(parts))[-_NAME_END:]
    asked = [re.sub(r"[^\w.-]+", "-", label)[:_NAME_END]] if label else []
    yield "-".join([stem, *asked])
    yield "-".join([stem, path.suffix.lower().lstrip(".") or "image", *asked])
    for number in count(2):
        yield "-".join([stem, *asked, str(number)])


def _source(image: str, label: str | None) -> str:
    """What is the same for the same question only; a run holds no path of the machine it lies on."""
    asked = "\0".join((os.path.abspath(image), label or ""))
    return hashlib.sha256(os.fsencode(asked)).hexdigest()[:16]


def _is_free(place: Path, source: str) -> bool:
    return not os.path.lexists(place) or made_by_greycard(place, mark=f"Source\0{source}")


def _written(place: Path, figure: Figure, source: str) -> Path:
    write_output(place, as_png(figure, source))
    return place
