"""Which files are images, by their headers, looked at on all cores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from greycard.core.threads import thread_pool
from greycard.datasets.images import UnreadableImageError, probe, quiet_pillow


def validate_images(paths: Sequence[Path]) -> list[tuple[int, int] | str]:
    """For each file its (height, width) in pixels, or why it is no usable image."""
    with quiet_pillow(), thread_pool() as pool:
        return list(pool.map(_probe, paths))


def _probe(path: Path) -> tuple[int, int] | str:
    try:
        return probe(path)
    except UnreadableImageError as error:
        return str(error)
