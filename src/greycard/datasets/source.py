"""A custom source of labelled images: a database, a web archive, arrays in memory, or anything else."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeGuard

import numpy as np
from PIL import Image

from greycard.core.errors import GreycardError
from greycard.datasets.file_facts import scan_files
from greycard.datasets.labelled import survey_labelled
from greycard.datasets.listing import ListedImage, Listing
from greycard.datasets.roles import Role, role_of
from greycard.datasets.survey import Survey
from greycard.datasets.unpacked import stored_image

_METHODS = ("ids", "labels", "read")


class Source(Protocol):
    """Protocol of a data source. Any object with these three members works; it need not inherit from this class.

    It may also have `splits`, a sequence with `train`, `validation` or `test` for each image, and `name`, the
    dataset's name.

    Attributes:
        ids: a unique name for each image.
        labels: the name of each image's class, or its number as a text.
    """

    @property
    def ids(self) -> Sequence[str]: ...

    @property
    def labels(self) -> Sequence[str]: ...

    def read(self, row: int) -> bytes | Path | np.ndarray:
        """Image number `row`: the bytes of an image file, the path of one, or uint8 (height, width[, 1, 3 or 4]).

        It is called once for each row, in order, when the dataset is opened. Bytes and arrays are kept as files in
        the cache folder, so that memory does not grow with them.
        """


def is_source(what: object) -> TypeGuard[Source]:
    """Whether an object implements `Source`."""
    return all(hasattr(what, name) for name in _METHODS) and not isinstance(what, type)


def survey_source(
    source: Source,
    origin: Path | None = None,
    *,
    val_fraction: float = 0.2,
    split_seed: int = 0,
    task: str | None = None,
) -> Survey:
    """The dataset of a source, and the problems that prevent training.

    Args:
        source: the images.
        origin: the file or folder that it reads, if any.
        val_fraction: share of each class for validation, if the source has no split.
        split_seed: random seed of that split; the order of the images matters, too.
        task: as for `survey_labelled`.

    Raises:
        GreycardError: ids that are not unique, lengths that differ, an unknown split, or an image of a wrong type.
    """
    name = str(getattr(source, "name", type(source).__name__))
    ids, labels, sides = list(source.ids), list(source.labels), _sides(source, name)
    _expect_lists(name, ids, labels, sides)
    paths = [_path(source, row, name) for row in range(len(ids))]
    images = zip(ids, paths, labels, sides, scan_files(paths), strict=True)
    listing = Listing(str(origin or name), tuple(ListedImage(*each) for each in images))
    return survey_labelled(listing, name, origin, val_fraction=val_fraction, split_seed=split_seed, task=task)


def _sides(source: Source, name: str) -> list[Role | None]:
    """The role of each image; None for all of them if there is no split."""
    splits = getattr(source, "splits", None)
    if splits is None:
        return [None] * len(source.ids)
    sides = [role_of(str(split)) for split in splits]
    if None in sides:
        received = list(splits)[sides.index(None)]
        raise GreycardError(
            f"{name} has a split {received!r}; expected train, validation or test for each image",
            hint="correct its splits, or leave them out to split off a part of each class",
        )
    return sides


def _expect_lists(name: str, ids: list[str], labels: list[str], sides: list[Role | None]) -> None:
    if not len(ids) == len(labels) == len(sides):
        raise GreycardError(
            f"{name} has {len(ids):,} ids, {len(labels):,} labels, {len(sides):,} splits; expected one for each image",
            hint="give ids, labels and splits the same length",
        )
    odd = next((each for each in (*ids, *labels) if not isinstance(each, str) or not each), None)
    if odd is not None:
        raise GreycardError(
            f"{name} has an id or label that is not a string. Received: {odd!r}",
            hint="ids and labels are names, such as '001.jpg' and 'cat'",
        )
    if len(set(ids)) < len(ids):
        twice = next(id for id in ids if ids.count(id) > 1)
        raise GreycardError(f"{name} has the id {twice!r} twice; expected unique ids", hint="number the images")


def _path(source: Source, row: int, name: str) -> Path:
    """The image's file: the source's own file, or a copy in the cache folder."""
    read = source.read(row)
    if isinstance(read, Path):
        return read
    if isinstance(read, bytes):
        return stored_image(read)
    if isinstance(read, np.ndarray) and read.dtype == np.uint8 and _is_image(read.shape):
        return stored_image(_as_png(read))
    kind = f"{read.dtype} array of shape {read.shape}" if isinstance(read, np.ndarray) else type(read).__name__
    raise GreycardError(
        f"{name}.read({row}) returned {kind}; expected bytes, a path, or a uint8 array (height, width[, 1, 3 or 4])",
        hint="return the image file's bytes, its pathlib.Path, or its pixels",
    )


def _is_image(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))


def _as_png(pixels: np.ndarray) -> bytes:
    """Encode losslessly; speed matters more than size."""
    stream = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2:] == (1,) else pixels).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
