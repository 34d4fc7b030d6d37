"""Videos that tests write themselves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


def write_video(place: Path, code: str = "mp4v", rate: float = 10, frames: int = 30) -> Path:
    """Frames that become lighter: frame n has the grey value 8 n."""
    writer = cv2.VideoWriter(str(place), cv2.VideoWriter_fourcc(*code), rate, (64, 48))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(np.full((48, 64, 3), 8 * number, np.uint8))
    writer.release()
    return place
