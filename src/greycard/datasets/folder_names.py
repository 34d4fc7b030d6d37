"""Names of classes as names of folders that Windows, macOS and Linux all accept."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from greycard.datasets.inside import is_system

LONGEST = 60
"""The most characters of a name; file systems allow 255 bytes, and a character may need four."""

UNUSABLE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]')
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Names that Windows gives no file."""


def folder_names(labels: Iterable[str]) -> dict[str, str]:
    """A folder's name for each label: the label itself where that is possible, never a path, and each only once.

    Names that differ only in upper and lower case are one folder on Windows and macOS, so the second one gets a number.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for label in dict.fromkeys(labels):
        plain, number = _plain(label), 2
        name = plain
        while name.casefold() in taken:
            name, number = f"{plain}-{number}", number + 1
        names[label] = name
        taken.add(name.casefold())
    return names


def _plain(label: str) -> str:
    """The label with `_` for characters that a folder's name cannot have."""
    name = UNUSABLE.sub("_", unicodedata.normalize("NFC", label))[:LONGEST].strip().rstrip(". ")
    return f"_{name}" if not name or is_system(name) or RESERVED.fullmatch(name) else name
