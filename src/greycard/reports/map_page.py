"""A map of images as one self-contained HTML page."""

from __future__ import annotations

from greycard.reports.map_part import MapPart
from greycard.reports.page import render


def map_page(title: str, lead: str, part: MapPart) -> str:
    """The page as HTML text; it loads no other files.

    Args:
        title: its heading.
        lead: a sentence about the network.
        part: the map.
    """
    return render("map_page.html", title=title, lead=lead, map=part)
