"""Survey a folder of images with their reading and decoding in shards; the rest of a check is on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from greycard.audit.thumbnails import SIDE, Thumbnails
from greycard.cluster.check.readings import Readings, each_reading
from greycard.cluster.compute import Places, compute_shards
from greycard.cluster.shards import Shard
from greycard.cluster.where import HERE, Where
from greycard.core.atomic_files import remove_drafts, remove_whole
from greycard.core.errors import GreycardError
from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Dataset, LeftOut
from greycard.datasets.every_image import image_folder
from greycard.datasets.file_facts import FileFacts
from greycard.datasets.folders import survey_folder
from greycard.datasets.inside import files_below
from greycard.datasets.layouts import find_layout
from greycard.datasets.open import survey_dataset
from greycard.datasets.source import Source
from greycard.datasets.survey import Survey
from greycard.deploy.answers.answer import as_text
from greycard.deploy.answers.parquet import expect_pyarrow
from greycard.pipeline.cache import drop_pages, scratch_array
from greycard.storage.claims import claimed, remove_claims
from greycard.storage.folders import Folder, LocalFolder

SHARD = 1024
"""Images of a shard: each has a thumbnail of 12 kB in its part."""

_APPEARED = "it appeared while the folder was read"


def survey_images(
    what: Dataset | Survey | Source | str | Path,
    data_dir: str | Path | None,
    out: Path,
    where: Where,
    reporter: Reporter,
) -> tuple[Survey, Thumbnails | None]:
    """The images of a dataset; and their thumbnails, if they are read elsewhere than here.

    Args:
        what: a survey, or anything that `survey_dataset` takes; a folder of images if `where` is not here.
        data_dir: the folder of named datasets.
        out: what is read elsewhere is kept in NAME-check-parts in this folder.
        where: the place.
        reporter: shows progress.

    Raises:
        GreycardError: nothing has that name, and the errors of `survey_shards`.
    """
    if where.kind == HERE:
        return what if isinstance(what, Survey) else survey_dataset(what, data_dir), None
    if not isinstance(what, str | Path):
        raise _no_folder(type(what).__name__)
    parts = out / f"{Path(what).absolute().name}-check-parts"
    return survey_shards(str(what), data_dir, parts, reporter, Places(where, SHARD))


def survey_shards(
    what: str, data_dir: str | Path | None, parts: Path, reporter: Reporter, places: Places
) -> tuple[Survey, Thumbnails]:
    """What `survey_dataset` and `load_thumbnails` find, read in shards; the same call again continues.

    Args:
        what: a folder of images.
        data_dir: the folder of named datasets.
        parts: a folder for what was read, on a file system that all machines share; it is removed at the end.
        reporter: shows progress.
        places: where the images are read.

    Raises:
        GreycardError: no folder of images, an image changed, or parts that could not be computed.
        InterruptedRunError: a signal; the same call continues.
    """
    root = image_folder(what, data_dir)
    if root is None:
        raise _no_folder(what)
    expect_pyarrow()
    folder, names = LocalFolder(parts.absolute()), [str(path) for path in _files(root)]
    _expect_outside(folder, root)
    with alone(parts):
        remove_drafts(parts.parent, parts.name)
        shards = compute_shards(Readings(os.getcwd()), names, folder, reporter, places, another=again(folder)).shards
        with reporter.status("gathering thumbnails"):
            known, problems = _facts(folder, shards)
            _expect_unchanged(names, known, folder)
            found = survey_folder(root, read=lambda paths: [known.get(as_text(str(path)), _APPEARED) for path in paths])
            thumbnails = _thumbnails(found.dataset, problems, folder, shards)
        remove_whole(folder.path)
    return found, thumbnails


@contextmanager
def alone(parts: Path) -> Iterator[None]:
    """Within the block no other process reads images into these parts.

    Raises:
        GreycardError: another process does.
    """
    out = parts.parent
    out.mkdir(parents=True, exist_ok=True)
    try:
        with claimed(out, parts.name, otherwise=True) as mine:
            if not mine:
                raise GreycardError(
                    f"another process reads images into {parts}",
                    hint="wait for it, or choose another folder with --out",
                )
            yield
    finally:
        remove_claims(out)


def _no_folder(what: str) -> GreycardError:
    return GreycardError(
        f"--on reads the images of a folder or a list. Received: {what}", hint="name a folder, or leave out --on"
    )


def _expect_outside(folder: LocalFolder, root: Path) -> None:
    """Raise a GreycardError if the parts would be among the images."""
    if folder.path.resolve().is_relative_to(root.resolve()):
        raise GreycardError(
            f"what is read cannot be kept among the images. Received: {folder.path} in {root}",
            hint="--out names a folder outside, such as --out ../runs",
        )


def _files(root: Path) -> list[Path]:
    """Every file that a survey of the folder reads, once."""
    layout = find_layout(root)
    parts = (part for part in (layout.train, layout.validation, layout.test) if part)
    places = [place for part in parts for each in part.folders.values() for place in each]
    places += [layout.strangers] if layout.strangers else []
    return list(dict.fromkeys(path for place in places for path in files_below(place).files))


def _facts(folder: Folder, shards: Sequence[Shard]) -> tuple[dict[str, FileFacts | str], dict[str, str]]:
    """The facts of each file, and why pixels cannot be decoded, by the names of files."""
    known: dict[str, FileFacts | str] = {}
    problems = {}
    for name, reading in each_reading(folder, shards, pixels=False):
        known[name] = reading.facts
        if reading.problem is not None:
            problems[name] = reading.problem
    return known, problems


def _expect_unchanged(names: Sequence[str], known: dict[str, FileFacts | str], folder: LocalFolder) -> None:
    """Parts of an interrupted call may be older than the images."""
    for name in names:
        facts = known.get(as_text(name))
        if isinstance(facts, FileFacts) and _now(name) != (facts.bytes, facts.modified):
            raise GreycardError(f"{as_text(name)} has changed since it was read", hint=again(folder))


def _now(name: str) -> tuple[int, int] | None:
    """A file's size and time; None if it is no longer there."""
    try:
        now = os.stat(name)
    except FileNotFoundError:
        return None
    return now.st_size, now.st_mtime_ns


def again(folder: LocalFolder) -> str:
    """The hint if what was read cannot be used."""
    return f"remove {folder.address}, and run it again"


def _thumbnails(dataset: Dataset, problems: dict[str, str], folder: Folder, shards: Sequence[Shard]) -> Thumbnails:
    ids: list[str] = []
    row_of: dict[str, int] = {}
    labels, sides, left_out = [], [], []
    for side, split in enumerate(dataset.splits):
        names = [as_text(str(path)) for path in split.images]
        good = [row for row, name in enumerate(names) if name not in problems]
        left_out += [LeftOut(split.ids[row], problems[name]) for row, name in enumerate(names) if name in problems]
        row_of |= {names[row]: len(ids) + place for place, row in enumerate(good)}
        ids += [split.ids[row] for row in good]
        labels.append(split.labels[good])
        sides += [side] * len(good)
    colour = scratch_array((len(ids), SIDE, SIDE, 3), np.uint8)
    for shard in shards:
        for name, reading in each_reading(folder, (shard,), pixels=True):
            if name in row_of and reading.pixels is not None:
                colour[row_of[name]] = reading.pixels
        drop_pages(colour)
    of = np.array(sides, np.int8)
    return Thumbnails(tuple(ids), np.concatenate(labels), of == 1, of == 2, colour, tuple(left_out))
