"""Frames of videos and cameras as images: which ones, their names, and what is wrong with a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from greycard.core.errors import GreycardError
from greycard.datasets.images import UnreadableImageError
from greycard.deploy.answers.content import Frames
from greycard.deploy.inputs.frames import BrokenVideo, Camera, Video, camera_frames, frame_name, video_of
from greycard.deploy.inputs.images import find_images, seconds_of
from videos import write_video


def _name(frame: Any) -> str:
    return frame.filename


@pytest.mark.parametrize(("ending", "code"), [("mp4", "mp4v"), ("avi", "MJPG"), ("mkv", "mp4v")])
def test_frames_have_the_time_in_their_names_and_the_pixels_of_that_time(
    tmp_path: Path, ending: str, code: str
) -> None:
    video = write_video(tmp_path / f"film.{ending}", code)
    frames = list(Video(video, 0.7).frames())
    assert [_name(each) for each in frames] == [
        f"{video}@00:00:0{time}" for time in ("0.000", "0.700", "1.400", "2.100", "2.800")
    ]
    shades = [np.asarray(each).mean() for each in frames if isinstance(each, Image.Image)]
    assert shades == pytest.approx([8 * number for number in (0, 7, 14, 21, 28)], abs=4)


def test_colours_are_not_exchanged(tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "red.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    writer.write(np.full((48, 64, 3), (0, 0, 250), np.uint8))  # OpenCV has blue first
    writer.release()
    (frame,) = Video(tmp_path / "red.avi", 1).frames()
    red, green, blue = np.asarray(frame).mean(axis=(0, 1))
    assert red > 200
    assert max(green, blue) < 50


def test_a_short_time_gives_every_frame(tmp_path: Path) -> None:
    assert len(list(Video(write_video(tmp_path / "a.mp4"), 0.001).frames())) == 30


def test_known_frames_are_left_out(tmp_path: Path) -> None:
    video = Video(write_video(tmp_path / "a.mp4"), 1)
    names = [_name(each) for each in video.frames()]
    assert [_name(each) for each in video.frames({names[0], names[2]}.__contains__)] == [names[1]]
    assert list(video.frames(lambda name: True)) == []


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), (b"", "is empty"), (b"no video" * 99, "no known format")]
)
def test_a_file_without_frames_says_why(tmp_path: Path, content: bytes | None, said: str) -> None:
    video = tmp_path / "bad.mp4"
    if content is not None:
        video.write_bytes(content)
    (broken,) = Video(video, 1).frames()
    assert isinstance(broken, BrokenVideo)
    with pytest.raises(UnreadableImageError, match=said):
        broken.read()


def test_a_cut_video_says_why(tmp_path: Path) -> None:
    video = write_video(tmp_path / "cut.mp4")
    video.write_bytes(video.read_bytes()[:400])
    assert [type(each) for each in Video(video, 1).frames()] == [BrokenVideo]


def test_frames_are_found_again_by_their_names(tmp_path: Path) -> None:
    videos = [write_video(tmp_path / name) for name in ("a.mp4", "b@2.avi")]
    found = [frame for video in videos for frame in Video(video, 1).frames() if isinstance(frame, Image.Image)]
    frames = Frames(1)
    for frame in [*found, found[1]]:
        again = frames.find(_name(frame))
        assert again is not None
        assert np.array_equal(np.asarray(again), np.asarray(frame))
    assert frames.find(frame_name(str(videos[0]), 123_456)) is None
    assert frames.find("photo@home.jpg") is None


def test_names() -> None:
    assert frame_name("dir/film.mp4", 3_723_004.6) == "dir/film.mp4@01:02:03.005"
    assert video_of("dir/film.mp4@01:02:03.005") == Path("dir/film.mp4")
    assert video_of("dir/film.mp4") is None


class StandIn:
    """A camera of 25 images a second: its time goes on with every image that is read."""

    def __init__(self, images: int) -> None:
        self.left, self.read, self.time = images, 0, 100.0

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def grab(self) -> bool:
        self.time += 0.04
        self.left -= 1
        return self.left >= 0

    def retrieve(self) -> tuple[bool, Any]:
        self.read += 1
        return self.read != 2, np.full((4, 4, 3), self.read, np.uint8)

    def get(self, number: int, /) -> float:
        return 0.0

    def release(self) -> None:
        pass


def _frames(capture: StandIn, every: float) -> Iterator[Image.Image]:
    begun = datetime(2026, 1, 2, 3, 4, 5)
    return camera_frames(
        capture, Camera(0, every), lambda: capture.time, lambda: begun + timedelta(seconds=capture.time - 100)
    )


def test_a_camera_gives_the_newest_image_when_it_is_due() -> None:
    capture = StandIn(200)
    names = [_name(each) for each in islice(_frames(capture, 1), 3)]
    assert names[0] == "camera:0@2026-01-02T03:04:05.040"
    assert [name[-6:] for name in names] == ["05.040", "07.000", "08.000"]  # the second image could not be decoded
    assert 200 - capture.left == pytest.approx(75, abs=1)


def test_a_slow_reader_gets_no_images_of_the_past() -> None:
    capture = StandIn(400)
    frames = _frames(capture, 1)
    next(frames)
    capture.time += 5
    capture.read = 2
    assert [_name(next(frames))[-6:] for _ in range(2)] == ["10.080", "11.080"]


def test_a_camera_that_ends_is_an_error() -> None:
    with pytest.raises(GreycardError, match="camera 0 gives no images"):
        list(_frames(StandIn(60), 1))


def test_the_time_between_frames() -> None:
    assert [seconds_of(text) for text in ("1s", "0.5s", "200ms", "2min", "3")] == [1, 0.5, 0.2, 120, 3]
    for text in ("0", "0s", "-1s", "fast", "1h", ""):
        with pytest.raises(GreycardError, match="more than zero"):
            seconds_of(text)


def test_words_for_videos_and_cameras(tmp_path: Path) -> None:
    (tmp_path / "film.MOV").touch()
    images = find_images([str(tmp_path / "film.MOV"), "camera:1"], 2)
    assert list(images.items) == [Video(tmp_path / "film.MOV", 2), Camera(1, 2)]
    assert (images.count, images.live) == (None, True)
