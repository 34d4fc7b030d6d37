"""The classes of the images in an archive: its folders, or the classes of a Teachable Machine project.

A Teachable Machine image project (`project.tm`, "Download project as file") is a zip without folders: `manifest.json`
and, for each class, `CLASS-!-0.jpg`, `CLASS-!-1.jpg` and so on. The format is not published; this is what other
programs write (github.com/MeemeeLab/TeachableMachine-Scraper, src/Class/TMPacker.js) and read
(github.com/webduinoio/webai-train, cvtTMFile.py). That it is a zip is said by its makers
(github.com/googlecreativelab/teachablemachine-community/issues/38). Only the names are used: the manifest describes the
training. The zip of one class's samples is read as every zip with images at its top.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from greycard.datasets.roles import role_of
from greycard.deploy.serve.limits import RefusedError
from greycard.studio.images.names import class_name_in

_MANIFEST, _MARK = "manifest.json", "-!-"

Labelled = tuple[str | None, str]
"""An image's class, or None if the archive names none, and its name within the class."""


def manifest_in(places: Sequence[PurePosixPath]) -> PurePosixPath | None:
    """The manifest of a Teachable Machine project, also if its folder was packed again; None for any other archive."""
    is_project = any(_MARK in str(place) for place in places)
    return next((place for place in places if place.name == _MANIFEST), None) if is_project else None


def labels_of(places: Sequence[PurePosixPath], archive: str, manifest: PurePosixPath | None) -> list[Labelled]:
    """The class of each image.

    Args:
        places: of the images in the archive.
        archive: its name.
        manifest: of the project, if it is one.

    Raises:
        RefusedError: it is split into training and validation images, or a class cannot be a folder.
    """
    if manifest is not None:
        top = "" if manifest.parent == PurePosixPath() else f"{manifest.parent}/"
        return [_in_project(str(place).removeprefix(top)) for place in places]
    places = _without_top(places)
    _expect_no_split(places, archive)
    return [_in_folder(place) for place in places]


def _in_project(name: str) -> Labelled:
    label, mark, number = name.rpartition(_MARK)
    return (class_name_in(label) if mark else None), number


def _in_folder(place: PurePosixPath) -> Labelled:
    """Folders inside a class's folder become a part of the name: a class has no classes in it."""
    label, *rest = place.parts
    return (class_name_in(label), "-".join(rest)) if rest else (None, label)


def _without_top(places: Sequence[PurePosixPath]) -> Sequence[PurePosixPath]:
    """The places without one folder that holds the classes; a folder that holds only images is a class itself."""
    tops = {place.parts[0] for place in places}
    if len(tops) > 1 or all(len(place.parts) < 3 for place in places):
        return places
    return [place.relative_to(place.parts[0]) for place in places]


def _expect_no_split(places: Sequence[PurePosixPath], archive: str) -> None:
    """Folders such as train and validation, with classes in them, are parts and no classes."""
    tops = sorted({place.parts[0] for place in places})
    if len(tops) > 1 and all(map(role_of, tops)) and any(len(place.parts) > 2 for place in places):
        raise RefusedError(422, f"{archive} is already split into {' and '.join(tops)}; add a zip of one of them")
