"""Write a gallery: a folder with one page, which works offline and without a server, and its thumbnails."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from greycard.core.atomic_files import atomic_write
from greycard.core.errors import GreycardError
from greycard.core.output_files import GENERATOR, made_by_greycard
from greycard.core.threads import map_ahead, thread_pool
from greycard.datasets.images import UnreadableImageError
from greycard.datasets.label_lists import NO_LABEL, separator_of
from greycard.datasets.thumbnail import smaller
from greycard.deploy.answers.answer import Answer
from greycard.deploy.answers.content import Frames
from greycard.deploy.answers.job import has_job
from greycard.deploy.answers.sorted_folder import frame_file, save_frame
from greycard.deploy.inputs.frames import video_of

PAGE, THUMBNAILS, FRAMES = "index.html", "thumbnails", "frames"
_SIDE = 192
_DIGITS = 16
_AHEAD = 16
"""Thumbnails made ahead; each may hold a frame of a video, several megabytes."""


@dataclass(frozen=True)
class Shown:
    """An image of the gallery.

    Attributes:
        path: as it was given.
        thumbnail: the file's name without folder and ending; "" if the image cannot be read any more.
        groups: the answer; of several labels each of them, so that the image is in the group of each.
        probability: of the most likely class, or of the least sure label.
        file: the image that corrections name, if it is not `path`: a frame that was saved.
        labels: the predicted labels if an image can have several, also of one that is unsure; None if it is refused.
    """

    path: str
    thumbnail: str
    groups: tuple[str, ...]
    probability: float
    file: str | None = None
    labels: tuple[str, ...] | None = None


def expect_gallery_place(root: Path) -> None:
    """Raise GreycardError if a folder has files of another program."""
    if root.exists() and not root.is_dir():
        raise GreycardError(f"{root} is a file; a gallery is a folder", hint=f"for example --gallery {root}-gallery")
    page = root / PAGE
    if (root.is_dir() and not has_job(root) and any(root.iterdir())) or (page.exists() and not made_by_greycard(page)):
        raise GreycardError(f"{root} already has other files; a gallery needs a new folder", "choose another folder")


def write_gallery(
    root: Path,
    title: str,
    answers: Iterable[Answer],
    classes: Sequence[str],
    every: float,
    done: Callable[[int], None],
    *,
    several: bool = False,
) -> Path:
    """Write the page and the thumbnails that are not there yet.

    Args:
        root: the folder.
        title: of the page, such as the run's name.
        answers: the answers; unreadable images are only counted.
        classes: of the run, in order.
        every: seconds between two frames of a video.
        done: called with the number of finished thumbnails.
        several: whether an image can have several labels.

    Returns:
        The page.
    """
    root.mkdir(exist_ok=True)
    bad, shown = 0, []
    with thread_pool() as pool:
        for each in map_ahead(pool, lambda item: _shown(root, *item), _with_frames(answers, Frames(every)), _AHEAD):
            bad += each is None
            if each is not None:
                shown.append(each)
            done(1)
    page = root / PAGE
    atomic_write(page, gallery_page(title, shown, classes, bad, several=several))
    return page


def gallery_page(title: str, shown: Iterable[Shown], classes: Sequence[str], bad: int, *, several: bool = False) -> str:
    """The page as HTML: images in groups by answer, the least sure first; it needs its thumbnails beside it."""
    images = sorted(shown, key=lambda each: each.probability)
    labels = [*classes, *sorted({group for each in images for group in each.groups} - set(classes))]
    place = {label: number for number, label in enumerate(labels)}
    data: dict[str, Any] = {"labels": labels, "classes": list(classes), "folder": os.getcwd(), "separator": os.sep}
    data |= {"images": [_row(each, place) for each in images]}
    data |= {"between": separator_of(classes) if several else None, "none": NO_LABEL}
    page = Environment(
        loader=PackageLoader("greycard.deploy.gallery", "page"), autoescape=True, undefined=StrictUndefined
    )
    return page.get_template("gallery.html").render(
        title=title, generator=GENERATOR, data=data, bad=bad, thumbnails=THUMBNAILS
    )


def _row(shown: Shown, place: Mapping[str, int]) -> list[Any]:
    """Path, thumbnail, the numbers of its groups and its probability; then, if there are any, its file and labels."""
    more = [shown.file, None if shown.labels is None else [place[each] for each in shown.labels]]
    while more and more[-1] is None:
        more.pop()
    return [shown.path, shown.thumbnail, [place[each] for each in shown.groups], round(shown.probability, 4), *more]


def _with_frames(answers: Iterable[Answer], frames: Frames) -> Iterator[tuple[Answer, Image.Image | None]]:
    """Each answer with its frame of a video, which is read in one thread, because a video is read on."""
    for answer in answers:
        yield answer, None if answer.error else frames.find(answer.path)


def _shown(root: Path, answer: Answer, frame: Image.Image | None) -> Shown | None:
    if answer.error:
        return None
    thumbnail, file = "", None
    with suppress(UnreadableImageError, OSError):
        if frame is not None:
            saved = root / FRAMES / f"{frame_file(answer.path)}.jpg"
            _write_once(saved, lambda draft: save_frame(frame, draft))
            file = os.path.abspath(saved)
        if frame is not None or video_of(answer.path) is None:
            thumbnail = _thumbnail(root, Path(file or answer.path))
    labels = None if answer.refused else answer.labels
    return Shown(answer.path, thumbnail, answer.groups, answer.probability, file, labels)


def _thumbnail(root: Path, image: Path) -> str:
    """The name of an image's thumbnail, which is made if it is not there; a changed image gets another one."""
    facts = image.stat()
    identity = f"{facts.st_mtime_ns} {facts.st_size} ".encode() + os.fsencode(os.path.abspath(image))
    name = hashlib.sha256(identity).hexdigest()[:_DIGITS]
    place = root / THUMBNAILS / name[:2] / f"{name[2:]}.jpg"
    _write_once(place, lambda draft: draft.write_bytes(smaller(image, _SIDE)))
    return f"{name[:2]}/{name[2:]}"


def _write_once(place: Path, write: Callable[[Path], object]) -> None:
    """Write a file that can be made again: whole, but not forced to the disk, which would take longer than making it.

    A power cut can leave it empty; the next call then writes it.
    """
    if place.exists() and place.stat().st_size:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".incomplete-{secrets.token_hex(4)}{place.suffix}")
    try:
        write(draft)
        os.replace(draft, place)
    finally:
        draft.unlink(missing_ok=True)
