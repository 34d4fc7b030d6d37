"""The names of the images of shards: image files and folders, S3 and Google Cloud Storage, and lists of names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from greycard.cluster.images import remote_images
from greycard.cluster.manifests import is_manifest, listed_names
from greycard.core.errors import GreycardError
from greycard.core.paths import expect_known_storage, is_remote
from greycard.deploy.inputs.frames import is_video
from greycard.deploy.inputs.images import find_images

Named = str | os.PathLike[str]

_TABLES = (".csv", ".tsv", ".json", ".jsonl")
"""Files that could hold a list, but have columns or fields."""


def image_names(images: Named | Iterable[Named]) -> Iterator[str]:
    """The names of all images, in order, one by one.

    Args:
        images: an image file, a folder or a pattern; `s3://…` or `gs://…`; a list of names, which is a `.txt` file with
            one name a line or a `.parquet` file with a column `path`. Or the names themselves, which are not looked up.

    Raises:
        GreycardError: nothing is there, or it is a camera, or no name.
    """
    empty = True
    for item in _items(images):
        yield _image(item)
        empty = False
    if empty:
        where = images if isinstance(images, str | os.PathLike) else "the list of names"
        raise GreycardError(f"there are no images in {where}", hint="look at what has written the list")


def without_videos(names: Iterable[str]) -> Iterator[str]:
    """The same names; GreycardError for that of a video, which has frames, not one answer."""
    for name in names:
        if is_video(PurePosixPath(name)):
            raise _no_image(name)
        yield name


def _items(images: Named | Iterable[Named]) -> Iterable[object]:
    if isinstance(images, str | os.PathLike):
        return _found(os.fspath(images))
    return images if isinstance(images, Iterable) else [images]


def _found(place: str) -> Iterator[object]:
    expect_known_storage(place)
    if is_manifest(place):
        return listed_names(place)
    if PurePosixPath(place).suffix.lower() in _TABLES:
        raise GreycardError(
            f"{place} is no image; expected a list of names as .txt or .parquet",
            hint="write one name a line into a .txt file",
        )
    return remote_images(place) if is_remote(place) else iter(find_images([place]).items)


def _image(item: object) -> str:
    if isinstance(item, str | Path):
        return str(item)
    raise _no_image(item)


def _no_image(item: object) -> GreycardError:
    return GreycardError(
        f"expected image files, by their names. Received: {str(item)[:80]}",
        hint="leave it out; `predict` with -o FILE, or run.predict_to, predicts the frames of videos and cameras",
    )
