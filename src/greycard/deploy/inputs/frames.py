"""Single frames of a video file or a camera, as images with names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath
from time import monotonic
from typing import Any, Protocol

from PIL import Image

from greycard.core.errors import GreycardError
from greycard.datasets.images import UnreadableImageError

_VIDEO_ENDINGS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv")
_POSITION_MS = 0
_FRAMES_PER_SECOND = 5
"""Numbers of OpenCV's properties CAP_PROP_POS_MSEC and CAP_PROP_FPS."""

_AT = "@"


class Capture(Protocol):
    """The part of `cv2.VideoCapture` that is used here."""

    def isOpened(self) -> bool: ...  # noqa: N802
    def grab(self) -> bool: ...
    def retrieve(self) -> tuple[bool, Any]: ...
    def get(self, number: int, /) -> float: ...
    def release(self) -> None: ...


Skip = Callable[[str], bool]
"""Whether a frame of this name is not wanted."""


@dataclass(frozen=True)
class BrokenVideo:
    """A video without frames: predicting it gives the reason, as for an unreadable image."""

    name: str
    reason: str

    def read(self) -> bytes:
        raise UnreadableImageError(self.reason)


@dataclass(frozen=True)
class Video:
    """A video file.

    Attributes:
        path: the file.
        every: seconds from one frame to the next.
    """

    path: Path
    every: float

    def frames(self, skip: Skip = lambda name: False) -> Iterator[Image.Image | BrokenVideo]:
        """The frames in order; one `BrokenVideo` if there are none."""
        reason = self._problem()
        count = 0
        if reason is None:
            for frame in _video_frames(_opened(str(self.path)), str(self.path), self.every, skip):
                count += 1
                if frame is not None:
                    yield frame
        if not count and not skip(str(self.path)):
            yield BrokenVideo(str(self.path), reason or "a video in no known format, or without frames")

    def _problem(self) -> str | None:
        try:
            with self.path.open("rb") as file:
                return None if file.read(1) else "the file is empty"
        except OSError as error:
            return error.strerror or "cannot be read"


@dataclass(frozen=True)
class Camera:
    """A camera of this machine.

    Attributes:
        number: 0 for the first one.
        every: seconds from one frame to the next.
    """

    number: int
    every: float

    def frames(self, skip: Skip = lambda name: False) -> Iterator[Image.Image]:
        """The frames until the process is ended.

        Raises:
            GreycardError: there is no such camera, or it gives no more images.
        """
        capture = _opened(self.number)
        try:
            yield from camera_frames(capture, self)
        finally:
            capture.release()


def is_video(path: PurePath) -> bool:
    """Whether a file has the extension of a video."""
    return path.suffix.lower() in _VIDEO_ENDINGS


def camera_frames(
    capture: Capture,
    camera: Camera,
    clock: Callable[[], float] = monotonic,
    now: Callable[[], datetime] = datetime.now,
) -> Iterator[Image.Image]:
    """The due frames. Those between them are read, too: else a camera gives old frames from its buffer."""
    due = clock()
    while capture.isOpened() and capture.grab():
        if clock() < due:
            continue
        due = _next_due(due, camera.every, clock())
        good, pixels = capture.retrieve()
        if good:
            name = f"camera:{camera.number}{_AT}{now().isoformat(timespec='milliseconds')}"
            yield _image(pixels, name)
    raise GreycardError(
        f"camera {camera.number} gives no images",
        hint="check that it is connected and that no other program uses it; camera:0 is the first one",
    )


def frame_name(video: str, milliseconds: float) -> str:
    """Such as `film.mp4@00:01:02.500`."""
    seconds, rest = divmod(round(milliseconds), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{video}{_AT}{hours:02}:{minutes:02}:{seconds:02}.{rest:03}"


def video_of(name: str) -> Path | None:
    """The video file of a frame's name; None for the name of an image."""
    before, at, _ = name.rpartition(_AT)
    return Path(before) if at and is_video(PurePath(before)) else None


def _opened(source: str | int) -> Capture:
    """OpenCV's capture, without the lines that FFmpeg writes to stderr about damaged files."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    import cv2

    logging = cv2.utils.logging
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(source)
    finally:
        logging.setLogLevel(level)


def _video_frames(capture: Capture, path: str, every: float, skip: Skip) -> Iterator[Image.Image | None]:
    """The due frames; None for one that is skipped."""
    due, number = 0.0, 0
    try:
        while capture.isOpened() and capture.grab():
            at = _milliseconds(capture, number)
            number += 1
            if at < due - 0.5:  # times are whole milliseconds in some formats
                continue
            due = _next_due(due, 1000 * every, at)
            name = frame_name(path, at)
            if skip(name):
                yield None
            elif (read := capture.retrieve())[0]:
                yield _image(read[1], name)
    finally:
        capture.release()


def _next_due(due: float, every: float, now: float) -> float:
    """The time of the next frame; a delay is not made up for by frames that follow at once."""
    return due + every if due + every > now else now + every


def _milliseconds(capture: Capture, number: int) -> float:
    """The time of the frame just read; from the frame rate where the file does not say it."""
    at, rate = capture.get(_POSITION_MS), capture.get(_FRAMES_PER_SECOND)
    return at if at > 0 or not number or rate <= 0 else 1000 * number / rate


def _image(pixels: Any, name: str) -> Image.Image:
    """An image from OpenCV's order of colours; its file name is what a prediction calls it."""
    image = Image.fromarray(pixels[:, :, ::-1])
    image.filename = name  # type: ignore[attr-defined]
    return image
