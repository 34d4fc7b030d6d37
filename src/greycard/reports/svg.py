"""A Matplotlib figure as SVG for light and dark pages: it uses the page's colours."""

from __future__ import annotations

import io
import re

from matplotlib import rc_context
from matplotlib.figure import Figure

from greycard.reports.drawing import default_style
from greycard.reports.figures import FAINT, INK, PAPER, SERIES, TRAIN

SERIES_NAMES = tuple(f"--series-{number}" for number in range(1, len(SERIES) + 1))
"""The page's CSS variables for the colours of `SERIES`."""

_THEMED = {
    INK: "--ink",
    FAINT: "--faint",
    PAPER: "--paper",
    TRAIN: "--train",
    **dict(zip(SERIES, SERIES_NAMES, strict=True)),
}


@default_style()
def inline_svg(figure: Figure, label: str) -> str:
    """An `<svg>` element that scales with its column; it keeps text as text and loads no other files.

    Args:
        figure: a figure with the colours of `figures`.
        label: its description for screen readers.
    """
    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": label, "font.family": "sans-serif"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    for colour, name in _THEMED.items():
        drawing = re.sub(re.escape(colour), f"var({name})", drawing, flags=re.IGNORECASE)
    drawing = re.sub(r"font: ([\d.]+)px [^;\"]+", r"font: \1px system-ui, sans-serif", drawing)
    return re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', f'role="img" aria-label="{label}"', drawing, count=1)
