"""Find the files that a table lists: exact path, other slash, missing extension, or a folder next to the table."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from greycard.datasets.columns import readable_text
from greycard.datasets.formats import has_image_ending
from greycard.datasets.inside import loose_files, subfolders

_LOOKED_AT = 20


@dataclass
class Finder:
    """Finds the files of a table.

    Attributes:
        base: the folder that its paths are relative to.
    """

    base: Path
    _names: dict[Path, dict[str, Path | None]] = field(default_factory=dict)

    def find(self, written: str) -> Path | None:
        """The file; None if there is none or the name is ambiguous."""
        exact = next((path for name in _spellings(written) if (path := self.base / name).is_file()), None)
        return exact or self._by_stem(readable_text(written).replace("\\", "/"))

    def _by_stem(self, written: str) -> Path | None:
        """A name without extension or with different case, if exactly one file in its folder matches."""
        folder = (self.base / written).parent
        if folder not in self._names:
            self._names[folder] = _index(folder) if folder.is_dir() else {}
        return self._names[folder].get(Path(written).name.casefold())


def base_of(table: Path, written: Iterable[str]) -> Path:
    """The folder that a table's paths are relative to: its own, or the only subfolder with the first files."""
    own, some = table.absolute().parent, list(written)[:_LOOKED_AT]
    if any(Finder(own).find(name) for name in some):
        return own
    candidates = [folder for child in subfolders(own) for folder in (child, *subfolders(child))]
    having = [folder for folder in candidates if any(Finder(folder).find(name) for name in some)]
    return having[0] if len(having) == 1 else own


def _spellings(written: str) -> Iterator[str]:
    """The path unchanged, with Windows backslashes and encoding, and in the other Unicode form."""
    text = readable_text(written)
    for name in (written, text, text.replace("\\", "/")):
        yield name
        yield unicodedata.normalize("NFC", name)
        yield unicodedata.normalize("NFD", name)


def _index(folder: Path) -> dict[str, Path | None]:
    """The folder's images by name and by stem; None if several match."""
    found: dict[str, Path | None] = {}
    for path in loose_files(folder):
        for name in {path.name.casefold(), path.stem.casefold()} if has_image_ending(path) else ():
            found[name] = None if name in found else path
    return found
