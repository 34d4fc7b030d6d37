"""What the routes of the page share."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from greycard.deploy.serve.limits import Limits
from greycard.studio.images.folder import STATE, ImageFolder
from greycard.studio.lessons.lessons import Lesson

LIMITS = Limits(body_bytes=64_000_000, requests=128)


@dataclass(frozen=True)
class Context:
    """The user's folders, and what a request may need.

    Attributes:
        images: the user's images.
        runs: the folder of runs.
        limits: limits on size, time and number of requests.
        closing: what is called when the server stops.
        author: the name of the user, for runs.
        lesson: shown at the side.
    """

    images: ImageFolder
    runs: Path
    limits: Limits = LIMITS
    closing: ExitStack = field(default_factory=ExitStack)
    author: str | None = None
    lesson: Lesson | None = None

    @property
    def state(self) -> Path:
        """The hidden folder for what the page keeps between two starts."""
        return self.images.root / STATE
