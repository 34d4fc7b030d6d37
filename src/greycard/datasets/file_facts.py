"""One pass over image files: size, mode, orientation and digest of each, read on all cores."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from greycard.core.threads import thread_pool
from greycard.datasets.digests import file_digest
from greycard.datasets.images import UnreadableImageError, opened, orientation, quiet_pillow


@dataclass(frozen=True)
class FileFacts:
    """Facts about an image file from one pass; the pixels are not decoded.

    Attributes:
        format: as Pillow names it, such as `JPEG`.
        mode: pixel mode, such as `RGB`.
        width: in pixels, as stored.
        height: in pixels, as stored.
        orientation: EXIF orientation, 1 to 8; 1 is upright.
        digest: SHA-256 of the file's bytes.
        bytes: the file's size.
        modified: when the file was last changed, in nanoseconds since 1970.
    """

    format: str
    mode: str
    width: int
    height: int
    orientation: int
    digest: str
    bytes: int
    modified: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels as shown upright."""
        swapped = self.orientation >= 5 and self.format != "TIFF"  # Pillow rotates a TIFF itself
        return (self.width, self.height) if swapped else (self.height, self.width)


ReadFacts = Callable[[Sequence[Path]], list["FileFacts | str"]]
"""`scan_files`, or what knows its results."""


def scan_files(paths: Sequence[Path]) -> list[FileFacts | str]:
    """The facts of each file, or the reason why it is not a usable image."""
    with quiet_pillow(), thread_pool() as pool:
        return list(pool.map(_facts_or_reason, paths))


def content_digest(path: Path, facts: FileFacts | None = None) -> str:
    """SHA-256 of a file's bytes; the file is read again only if it changed since `facts` were taken.

    Raises:
        OSError: the file cannot be read.
    """
    if facts is not None:
        now = path.stat()
        if (now.st_size, now.st_mtime_ns) == (facts.bytes, facts.modified):
            return facts.digest
    return file_digest(path)


def file_facts(path: Path) -> FileFacts:
    """The facts of a regular file; raises UnreadableImageError if it is not a usable image."""
    try:
        before = path.stat()
        if stat.S_ISFIFO(before.st_mode):  # it can be read only once
            raise UnreadableImageError("a pipe, not a file")
        return FileFacts(*_header(path), file_digest(path), before.st_size, before.st_mtime_ns)
    except (OSError, ValueError) as error:  # a name with a null byte
        raise UnreadableImageError(getattr(error, "strerror", None) or str(error)) from error


def content_facts(content: bytes) -> FileFacts:
    """As `file_facts`, of an image that is no file; it was last changed at 0."""
    return FileFacts(*_header(content), hashlib.sha256(content).hexdigest(), len(content), 0)


def _header(source: Path | bytes) -> tuple[str, str, int, int, int]:
    """Format, mode, width, height, orientation."""
    with opened(source) as image:
        return image.format or "", image.mode, *image.size, orientation(image)


def _facts_or_reason(path: Path) -> FileFacts | str:
    try:
        return file_facts(path)
    except UnreadableImageError as error:
        return str(error)
