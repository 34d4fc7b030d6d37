"""The images in a zip file that somebody has uploaded."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from greycard.core.errors import GreycardError
from greycard.core.threads import thread_count
from greycard.datasets.archives import Most, unpack_numbered
from greycard.datasets.inside import is_system
from greycard.deploy.serve.limits import Limits, RefusedError
from greycard.deploy.serve.uploads import Upload
from greycard.studio.images.archive_classes import labels_of, manifest_in
from greycard.studio.images.changes import NewImage
from greycard.studio.images.uploaded import image_ending

MOST = Most(files=20_000, bytes=2_000_000_000)
"""The most files of an archive, and their bytes."""

_MOST_DECODING = 4
"""Threads that decode images: each holds one whole image in memory."""

_LONGEST = 120


@dataclass(frozen=True)
class Content:
    """What is in an archive.

    Attributes:
        images: its whole images.
        left_out: for each other file a sentence with its name.
    """

    images: Sequence[NewImage]
    left_out: Sequence[str]


@dataclass(frozen=True)
class _File:
    """A file of an archive: its name there, the file, and the ending of its format, or why it is no whole image."""

    place: PurePosixPath
    file: Path
    ending: str | None
    reason: str = ""


def read_archive(archive: Path, name: str, limits: Limits) -> Content:
    """Unpack an archive beside itself, and check its images.

    Args:
        archive: a zip, in a folder for it alone.
        name: what the user calls it.
        limits: of one image.

    Raises:
        RefusedError: it is damaged, encrypted, unsafe, too large, already split, or has no images.
    """
    try:
        unpacked = unpack_numbered(archive, archive.with_name("content"), MOST, hint="")
    except GreycardError as error:
        raise RefusedError(422, str(error.args[0]).replace(str(archive), name)) from error
    files = _checked([(PurePosixPath(written), file) for written, file in unpacked], limits)
    whole = [each for each in files if each.ending]
    if not whole:
        raise RefusedError(422, f"{name} has no images; expected a zip of images, or of a folder for each class")
    manifest = manifest_in([each.place for each in files])
    labels = labels_of([each.place for each in whole], name, manifest)
    images = [
        NewImage(each.file, within, str(each.ending), label)
        for each, (label, within) in zip(whole, labels, strict=True)
    ]
    others = [each.reason for each in files if not each.ending and each.place != manifest]
    return Content(images, others)


def _checked(files: Sequence[tuple[PurePosixPath, Path]], limits: Limits) -> list[_File]:
    """All files but those that operating systems add, such as Thumbs.db."""
    own = [pair for pair in files if not any(map(is_system, pair[0].parts))]
    with ThreadPoolExecutor(min(thread_count().count, _MOST_DECODING)) as pool:
        return list(pool.map(partial(_check, limits), own))


def _check(limits: Limits, pair: tuple[PurePosixPath, Path]) -> _File:
    place, file = pair
    name = str(place)[-_LONGEST:]
    if file.stat().st_size > limits.body_bytes:
        return _File(place, file, None, f"{name} is larger than {limits.body_bytes / 1e6:.0f} MB")
    try:
        return _File(place, file, image_ending(Upload(name, file.read_bytes()), limits.pixels))
    except RefusedError as error:
        return _File(place, file, None, error.message)
