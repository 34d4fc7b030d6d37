"""A Matplotlib figure that shows itself in a notebook, without pyplot, its global state and the user's own settings."""

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
    """A figure like any other, drawn by Agg whatever the user's backend is; as a cell's value it is an image."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        return as_png(self)


@contextmanager
def default_style() -> Iterator[None]:
    """Draw with Matplotlib's defaults: a matplotlibrc of the user's may ask for LaTeX, other fonts or other sizes."""
    with rc_context():
        rcdefaults()
        yield


@default_style()
def as_png(figure: Figure, source: str = "") -> bytes:
    """The figure on white, as a PNG file's content.

    Args:
        figure: drawn in `default_style`.
        source: what it was drawn of, to be known again by `made_by_greycard`.
    """
    buffer = io.BytesIO()
    about = {"Software": GENERATOR} | ({"Source": source} if source else {})
    figure.savefig(buffer, format="png", dpi=110, facecolor="white", metadata=about)
    return buffer.getvalue()
