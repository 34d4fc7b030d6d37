"""`greycard predict`: the images that its arguments name, also one by one on stdin."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from greycard.core.errors import GreycardError

if TYPE_CHECKING:
    from greycard.deploy.inputs.images import Images

_LOOK_BYTES = 4096


def listed_images(paths: Sequence[str], every: float) -> Images:
    """What the arguments stand for; names on stdin are read later, one by one.

    Args:
        paths: files, folders, patterns, videos, `camera:0`, or `-` for stdin.
        every: seconds between two frames of a video.

    Raises:
        GreycardError: nothing is there, or stdin has no list of names.
    """
    from greycard.deploy.inputs.images import Images, as_item, find_images

    lines = (as_item(Path(line), every) for line in stdin_lines()) if "-" in paths else iter(())
    found = [lines if path == "-" else find_images([path], every).items for path in paths]
    items = (item for each in found for item in each)
    return Images(items, streamed=True) if "-" in paths else Images(list(items))


def stdin_lines() -> Iterator[str]:
    """The names on stdin, one by one; GreycardError if it has no list of names."""
    _expect_names()
    return (line.rstrip("\r\n") for line in sys.stdin if line.strip())


def _expect_names() -> None:
    """Reject image data on stdin: it has zero bytes near its start, a list of file names has none."""
    stream: Any = getattr(sys.stdin, "buffer", None)
    begins = stream.peek(_LOOK_BYTES) if hasattr(stream, "peek") else b""
    if b"\0" in begins[:_LOOK_BYTES]:
        raise GreycardError(
            "`-` reads a list of file names from stdin, one per line. Received: binary data",
            hint="name the image file, or use /dev/stdin for an image that comes through a pipe",
        )
