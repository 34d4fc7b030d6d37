"""A Matplotlib figure for notebooks and files, without pyplot, global state and the user's settings."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context, rcdefaults
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from greycard.core.output_files import GENERATOR


class Drawing(Figure):
    """A figure that Agg draws with any backend of the user; in a notebook cell it is shown as an image."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        return as_png(self)


@contextmanager
def default_style() -> Iterator[None]:
    """Draw with Matplotlib's defaults: the user's matplotlibrc may set LaTeX, other fonts or other sizes."""
    with rc_context():
        rcdefaults()
        yield


@default_style()
def as_png(figure: Figure, source: str = "") -> bytes:
    """The figure on a white background, as the content of a PNG file.

    Args:
        figure: a figure made in `default_style`.
        source: what it shows; `made_by_greycard` can check this.
    """
    buffer = io.BytesIO()
    about = {"Software": GENERATOR} | ({"Source": source} if source else {})
    figure.savefig(buffer, format="png", dpi=110, facecolor="white", metadata=about)
    return buffer.getvalue()
