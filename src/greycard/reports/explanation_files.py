"""Write explanations as PNG files: unique names for each image; other files are not overwritten."""

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
"""The maximum length of an image's name in characters; file systems allow 255 bytes."""


def expect_explanation_folder(folder: Path) -> None:
    """Raise GreycardError if `folder` exists and is not a folder."""
    if os.path.lexists(folder) and not folder.is_dir():
        raise GreycardError(f"{folder} is not a folder; explanations are written into it", hint="move it away")


def write_explanation(folder: Path, image: str, label: str | None, figures: Mapping[str, Figure]) -> list[Path]:
    """Write the figures of one image; only earlier figures of the same image are replaced.

    Args:
        folder: created if missing.
        image: the image's path.
        label: the requested class, if any.
        figures: figures by kind, such as `heat`; the files are `NAME-KIND.png`.
    """
    names, source = _names(image, label), _source(image, label)
    name = next(name for name in names if all(_is_free(folder / f"{name}-{kind}.png", source) for kind in figures))
    return [_written(folder / f"{name}-{kind}.png", figure, source) for kind, figure in figures.items()]


def write_filters(folder: Path, figure: Figure) -> Path:
    """Write the first convolution's filters as `filters.png`; numbered if the user has a file of that name."""
    names = ("filters.png", *(f"filters-{number}.png" for number in range(2, 100)))
    return _written(folder / next(name for name in names if _is_free(folder / name, "filters")), figure, "filters")


def _names(image: str, label: str | None) -> Iterator[str]:
    """A file name from the last parts of the path (image names repeat between class folders) and the requested class.

    If another image has that name, the file extension or a number is added.
    """
    path = Path(image)
    parts = [part for part in path.with_suffix("").parts if part not in ("..", path.anchor)][-3:]
    stem = re.sub(r"[^\w.-]+", "-", "-".join(parts))[-_NAME_END:]
    label_part = [re.sub(r"[^\w.-]+", "-", label)[:_NAME_END]] if label else []
    yield "-".join([stem, *label_part])
    yield "-".join([stem, path.suffix.lower().lstrip(".") or "image", *label_part])
    for number in count(2):
        yield "-".join([stem, *label_part, str(number)])


def _source(image: str, label: str | None) -> str:
    """A mark that identifies the image and the class, without a path of this machine."""
    content = "\0".join((os.path.abspath(image), label or ""))
    return hashlib.sha256(os.fsencode(content)).hexdigest()[:16]


def _is_free(place: Path, source: str) -> bool:
    return not os.path.lexists(place) or made_by_greycard(place, mark=f"Source\0{source}")


def _written(place: Path, figure: Figure, source: str) -> Path:
    write_output(place, as_png(figure, source))
    return place
