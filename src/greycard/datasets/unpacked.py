"""Contents of archives and Parquet files as image files in the cache folder, written once.

CACHE/unpacked/KEY/NAME/…       an archive, unpacked; KEY is a hash of its path, size and modification time
CACHE/unpacked/images/ab/…      single images, each under the SHA-256 of its bytes
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.core.paths import cache_dir

_KEY_DIGITS = 16


def unpacked_root() -> Path:
    """The folder of all unpacked files."""
    return cache_dir() / "unpacked"


def unpacked_folder(archive: Path, write: Callable[[Path], object]) -> Path:
    """The folder with an archive's content; `write` creates it if it does not exist yet.

    Args:
        archive: the file; a different path, size or modification time gives a different folder.
        write: writes the content to a folder that does not exist yet.

    Raises:
        GreycardError: the cache folder cannot be written to, or an error of `write`; nothing is left in both cases.
    """
    facts = archive.stat()
    identity = f"{archive.resolve()}\0{facts.st_size}\0{facts.st_mtime_ns}"
    key = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:_KEY_DIGITS]
    place = unpacked_root() / key
    if not place.is_dir():
        try:
            _write(place, write)
        except OSError as error:
            raise _no_room(error) from error
    return place


def stored_image(content: bytes) -> Path:
    """A file with these bytes, in the cache folder.

    Raises:
        GreycardError: the cache folder cannot be written to.
    """
    digest = hashlib.sha256(content).hexdigest()
    place = unpacked_root() / "images" / digest[:2] / digest
    try:
        if not place.is_file() or place.stat().st_size != len(content):
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as file:
                file.write(content)
            os.replace(file.name, place)
    except OSError as error:
        raise _no_room(error) from error
    return place


def unpacked_bytes() -> int:
    """Bytes of all unpacked files on disk."""
    return sum(path.stat().st_size for path in unpacked_root().rglob("*") if path.is_file())


def clear_unpacked() -> int:
    """Remove all unpacked files; return the bytes freed."""
    freed = unpacked_bytes()
    shutil.rmtree(unpacked_root(), ignore_errors=True)
    return freed


def _write(place: Path, write: Callable[[Path], object]) -> None:
    """Write to a temporary folder and rename it; if another process was faster, its folder is kept."""
    place.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=place.parent))
    try:
        write(workshop / "content")
        if not place.is_dir():
            os.replace(workshop / "content", place)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _no_room(error: OSError) -> GreycardError:
    return GreycardError(
        f"images cannot be unpacked into {unpacked_root()}: {error.strerror or error}",
        hint="set GREYCARD_CACHE to another folder, or free space with `greycard cache clear`",
    )
