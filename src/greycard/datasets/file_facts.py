"""One pass over image files: size, mode, orientation and digest of each, read on all cores."""

from __future__ import annotations

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
        with opened(path) as image:
            header = image.format or "", image.mode, *image.size, orientation(image)
        return FileFacts(*header, file_digest(path), before.st_size, before.st_mtime_ns)
    except OSError as error:
        raise UnreadableImageError(error.strerror or str(error)) from error


def _facts_or_reason(path: Path) -> FileFacts | str:
    try:
        return file_facts(path)
    except UnreadableImageError as error:
        return str(error)
