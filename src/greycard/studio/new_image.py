"""A checked image that is to be added to the folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class NewImage:
    """A checked image that is to be added.

    Attributes:
        file: its file, in the folder's state.
        name: the name that it had.
        ending: of its format, such as `.jpg`.
        label: its class; None for the one that the page shows.
    """

    file: Path
    name: str
    ending: str
    label: str | None
