"""The images behind answers: files stay where they are; frames are read again from their video."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from greycard.core.errors import GreycardError
from greycard.deploy.inputs.frames import BrokenVideo, Video, video_of


class Frames:
    """Finds frames of videos by name. Frames in the order of the video are found in one pass over it.

    Args:
        every: seconds between two frames, as they were predicted.
    """

    def __init__(self, every: float) -> None:
        self._every = every
        self._video: Path | None = None
        self._left: Iterator[Image.Image | BrokenVideo] = iter(())

    def find(self, name: str) -> Image.Image | None:
        """The frame of this name; None if the video has none of this name any more."""
        video = video_of(name)
        if video is None:
            return None
        if video != self._video:
            self._video = video
            self._left = Video(video, self._every).frames()
        return self._next(name)

    def _next(self, name: str) -> Image.Image | None:
        for frame in self._left:
            if isinstance(frame, Image.Image) and getattr(frame, "filename", None) == name:
                return frame
        self._video = None
        return None


def expect_kept(camera: str | None, option: str) -> None:
    """Raise GreycardError for frames of a camera: nothing has kept them.

    Args:
        camera: the first of these frames; None without one.
        option: what needs the images, for the message.
    """
    if camera is not None:
        raise GreycardError(
            f"{option} needs images that are files, but {camera} is a frame of a camera, which is not kept",
            hint="record a video, and predict that",
        )
