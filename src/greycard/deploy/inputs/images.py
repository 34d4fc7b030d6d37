"""The images that words on the command line stand for: files, folders, patterns, videos, cameras."""

from __future__ import annotations

import glob
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from greycard.core.errors import GreycardError, GreycardWarning
from greycard.core.paths import is_remote
from greycard.core.suggestions import did_you_mean
from greycard.datasets.patterns import matching
from greycard.datasets.scan import image_files, others_note
from greycard.deploy.inputs.frames import Camera, Video, is_video
from greycard.deploy.sources import ImageLike

_CAMERA = re.compile(r"camera:(\d{1,3})")
_EVERY = re.compile(r"(\d+(?:\.\d+)?)(ms|s|min)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, None: 1.0}

Item = Path | Video | Camera


@dataclass(frozen=True)
class Images:
    """Images in order; they can be listed again and again.

    Attributes:
        items: image files, videos and cameras; names on stdin are read only once.
        streamed: whether the items come one by one, such as names on stdin.
    """

    items: Iterable[Item]
    streamed: bool = False

    @property
    def count(self) -> int | None:
        """The number of images; None if it is known only at the end."""
        files = not self.streamed and all(isinstance(item, Path) for item in self.items)
        return len(list(self.items)) if files else None

    @property
    def live(self) -> bool:
        """Whether an image waits for its answer: a camera must not be read ahead."""
        return not self.streamed and any(isinstance(item, Camera) for item in self.items)

    def without(self, known: Callable[[str], bool]) -> Images:
        """The images whose names are not known, each once. Frames of videos are left out when they are read."""
        left = (item for item in _once(self.items) if not isinstance(item, Path) or not known(str(item)))
        return Images(left, True) if self.streamed else Images(list(left))

    def each(self, known: Callable[[str], bool] = lambda name: False) -> Iterator[ImageLike]:
        """Each image, but for frames whose names are known."""
        for item in self.items:
            if isinstance(item, Path):
                yield item
            else:
                yield from item.frames(known)


def seconds_of(text: str) -> float:
    """Seconds from `1s`, `0.5s`, `200ms` or `2min`.

    Raises:
        GreycardError: another form, or zero.
    """
    found = _EVERY.fullmatch(text.strip())
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if not seconds:
        raise GreycardError(
            f"the time between two frames must be more than zero, in s, ms or min. Received: {text!r}",
            hint="for example --every 1s, --every 200ms or --every 2min",
        )
    return seconds


def find_images(words: Iterable[str], every: float = 1.0) -> Images:
    """The images that all words stand for.

    Args:
        words: image files, folders of images, patterns, video files, `camera:0`.
        every: seconds between two frames of a video or camera.

    Raises:
        GreycardError: nothing is there, or a folder has no images.
    """
    return Images([item for word in words for item in _items(word, every)])


def _once(items: Iterable[Item]) -> Iterator[Item]:
    seen: set[str] = set()
    for item in items:
        name = str(item)
        if name not in seen:
            seen.add(name)
            yield item


def expect_outside(place: Path, words: Iterable[str], images: Images) -> None:
    """Raise GreycardError if a folder that is written would be read as images, now or in the next call."""
    root = place.resolve()
    folders = [Path(word).resolve() for word in words if Path(word).is_dir()]
    files = () if images.streamed else (item for item in images.items if isinstance(item, Path))
    if any(root.is_relative_to(folder) for folder in folders) or any(root in file.absolute().parents for file in files):
        raise GreycardError(
            f"{place} is in a folder whose images are predicted, so the next call would predict what this one writes",
            hint="choose a folder outside",
        )


def as_item(path: Path, every: float) -> Item:
    return Video(path, every) if is_video(path) else path


def _items(word: str, every: float) -> list[Item]:
    camera = _CAMERA.fullmatch(word)
    if camera and not Path(word).exists():
        return [Camera(int(camera[1]), every)]
    found = [as_item(file, every) for match in _matching(word) for file in _there(match)]
    if not found:
        raise GreycardError(f"there are no images in {word}", hint="name an image, or a folder of images")
    return found


def _matching(word: str) -> list[Path]:
    if Path(word).exists():
        return [Path(word)]
    if is_remote(word):
        raise GreycardError(
            f"{word} is in remote storage, whose images are predicted in shards", hint="add --answers DIR"
        )
    found = matching(word) if glob.has_magic(word) else []
    if not found:
        what = "matches no file" if glob.has_magic(word) else "does not exist"
        folder = Path(word).parent
        names = [str(folder / entry.name) for entry in folder.iterdir()] if folder.is_dir() else []
        raise GreycardError(
            f"{word} {what}; expected an image, a folder of images, a pattern, or - for stdin",
            hint=did_you_mean(word, names, f"check the path; it is relative to {Path.cwd()}"),
        )
    return found


def _there(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    images, others = image_files(path)
    for note in others_note(others):
        warnings.warn(note, GreycardWarning, stacklevel=3)
    return images
