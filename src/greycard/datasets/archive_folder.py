"""A zip or tar of class folders: unpacked into the cache folder once, then read like any folder."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.datasets.archives import ARCHIVE_ENDINGS, unpack
from greycard.datasets.folders import survey_folder
from greycard.datasets.survey import Survey
from greycard.datasets.unpacked import unpacked_folder

_FIX = "pack the class folders again, or unpack it and name the folder"


def survey_archive(archive: Path, *, val_fraction: float = 0.2, split_seed: int = 0) -> Survey:
    """The dataset in an archive of class folders; ids are paths in the archive, as for a folder.

    Raises:
        GreycardError: damaged, encrypted, unsafe or too large to unpack, or without files.
    """
    folder = unpacked_folder(archive, partial(unpack, archive, "", hint=_FIX))
    name = _stem(archive)
    try:
        found = survey_folder(folder, val_fraction=val_fraction, split_seed=split_seed)
    except GreycardError as error:
        raise _as_in(archive, folder, error) from error
    notes = tuple(note.replace(str(folder), str(archive)) for note in found.dataset.notes)
    dataset = replace(found.dataset, name=name, notes=notes, origin=archive)
    return Survey(dataset, tuple(_as_in(archive, folder, error) for error in found.problems))


def _stem(archive: Path) -> str:
    """`pets` for `pets.tar.gz`."""
    ending = max((each for each in ARCHIVE_ENDINGS if archive.name.lower().endswith(each)), key=len)
    return archive.name[: -len(ending)]


def _as_in(archive: Path, folder: Path, error: GreycardError) -> GreycardError:
    """The same error with a hint about the archive, because nobody should change the unpacked copy."""
    message = str(error.args[0]).replace(str(folder), str(archive))
    return GreycardError(
        message, hint=f"change the folders and pack {archive.name} again, or unpack it and train on that"
    )
