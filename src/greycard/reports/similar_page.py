"""The nearest images of each query as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from greycard.reports.image_urls import jpeg_url
from greycard.reports.page import render
from greycard.reports.thumbnails import file_thumbnail

_SIDE = 176


@dataclass(frozen=True)
class ShownImage:
    """An image on the page.

    Attributes:
        name: shown below it.
        path: of its file; empty if it is none.
        caption: what else is known, such as its similarity.
    """

    name: str
    path: str
    caption: str

    @property
    def url(self) -> str | None:
        """A data URL; None if the image cannot be read."""
        image = file_thumbnail(self.path, _SIDE)
        return None if image is None else jpeg_url(image)


def similar_page(title: str, lead: str, rows: Sequence[tuple[ShownImage, Sequence[ShownImage]]]) -> str:
    """The page as HTML text; it loads no other files.

    Args:
        title: its heading.
        lead: a sentence about the network.
        rows: each query with its nearest images.
    """
    return render("similar.html", title=title, lead=lead, rows=rows)
