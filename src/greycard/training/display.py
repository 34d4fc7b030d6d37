"""Who is told what happens during a run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from greycard.datasets.download import Progress


class Display(Protocol):
    """Hears of everything that takes its time; epochs count from 1, `images_done` within the epoch."""

    def says(self, sentence: str) -> None: ...
    def waiting(self, what: str) -> AbstractContextManager[None]: ...
    def counting(self, what: str, images: int) -> Callable[[int], None]: ...
    def downloading(self, file: str) -> Progress: ...
    def epoch_begins(self, epoch: int, epochs: int, images: int) -> None: ...
    def images_done(self, count: int) -> None: ...
    def epoch_ends(self, line: dict[str, Any]) -> None: ...


class Silent:
    """A display that shows nothing."""

    def says(self, sentence: str) -> None:
        pass

    def waiting(self, what: str) -> AbstractContextManager[None]:
        return nullcontext()

    def counting(self, what: str, images: int) -> Callable[[int], None]:
        return lambda count: None

    def downloading(self, file: str) -> Progress:
        return lambda done, total: None

    def epoch_begins(self, epoch: int, epochs: int, images: int) -> None:
        pass

    def images_done(self, count: int) -> None:
        pass

    def epoch_ends(self, line: dict[str, Any]) -> None:
        pass
