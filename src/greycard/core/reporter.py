"""The interface through which a run reports its progress."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from greycard.core.epoch import Epoch

DownloadProgress = Callable[[int, int | None], None]
"""Called with the number of bytes downloaded so far, and the total size if it is known."""


class Reporter(Protocol):
    """Receives the progress of everything slow. Epochs count from 1; `images_done` counts within the epoch."""

    def log(self, sentence: str) -> None: ...
    def status(self, what: str) -> AbstractContextManager[None]: ...
    def progress(self, what: str, images: int | None) -> Callable[[int], None]: ...
    def downloading(self, file: str) -> DownloadProgress: ...
    def epoch_begins(self, epoch: int, epochs: int, images: int) -> None: ...
    def images_done(self, count: int) -> None: ...
    def epoch_ends(self, epoch: Epoch) -> None: ...


class Silent:
    """A reporter that shows nothing."""

    def log(self, sentence: str) -> None:
        pass

    def status(self, what: str) -> AbstractContextManager[None]:
        return nullcontext()

    def progress(self, what: str, images: int | None) -> Callable[[int], None]:
        return lambda count: None

    def downloading(self, file: str) -> DownloadProgress:
        return lambda done, total: None

    def epoch_begins(self, epoch: int, epochs: int, images: int) -> None:
        pass

    def images_done(self, count: int) -> None:
        pass

    def epoch_ends(self, epoch: Epoch) -> None:
        pass
