"""The limits of a server, and the error for a request that exceeds them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of one server.

    Attributes:
        body_bytes: maximum size of a request's body.
        pixels: maximum number of pixels in all images of a request, by their headers, before decoding.
        large: images with at least this many pixels are decoded one at a time, to limit memory.
        images: maximum number of images in a request.
        seconds: time limit for receiving a request's head, for receiving its body, and for sending the response.
        work_seconds: time limit for computing the response.
        requests: maximum number of concurrent requests; more get a 503.
        together: maximum number of images in a batch of the model.
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
    """A rejected request: the response has an HTTP status of 400 or higher and a message.

    Args:
        status: the HTTP status.
        message: what is wrong, what was expected and what was received.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message
