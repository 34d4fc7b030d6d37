"""What a server allows, and how it says no."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one server allows.

    Attributes:
        body_bytes: of a request.
        pixels: of all images of a request, by their own headers, before they are decoded.
        large: pixels from which images are decoded one at a time, for the memory it takes.
        images: in a request.
        seconds: for a request's head, and for its body, to arrive, and for its answer to be taken.
        work_seconds: for its answer to be found.
        requests: in work at once; the next is told to come again.
        together: images that the model looks at in one go.
    """

    body_bytes: int = 16_000_000
    pixels: int = 60_000_000
    large: int = 16_000_000
    images: int = 16
    seconds: float = 10.0
    work_seconds: float = 60.0
    requests: int = 64
    together: int = 16


class RefusedError(Exception):
    """A request that is answered with an HTTP status from 400 on and a sentence.

    Args:
        status: the HTTP status.
        message: what was wrong, what is expected and what was received.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message
