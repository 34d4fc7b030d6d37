"""Progress on the terminal (stderr): a progress bar with images per second and time left, and one line per epoch.

Or the same lines in a file.
"""

from __future__ import annotations

import io
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Protocol, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from greycard.core.epoch import Epoch
from greycard.core.errors import GreycardWarning
from greycard.core.reporter import Reporter, Silent
from greycard.reports.columns import loss_text
from greycard.reports.pace import Pace

_LINES = 20
"""The maximum number of lines for the epochs of one training, about."""

_REFRESH_SECONDS = 0.1


@contextmanager
def terminal_reporter(quiet: bool = False, lines: int = _LINES) -> Iterator[Reporter]:
    """The reporter of a run: silent, a live bar on a terminal, or plain lines if stderr is not a terminal.

    Args:
        quiet: True for a silent one.
        lines: the maximum number of lines for the epochs of one training, about.
    """
    if quiet or sys.stderr is None:
        yield Silent()
        return
    console = Console(file=cast(IO[str], _Stderr()), highlight=False, soft_wrap=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(28),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield _Terminal(console, progress, lines)


class Lines(Protocol):
    """What a log is written to."""

    def write(self, text: str) -> int: ...
    def flush(self) -> None: ...
    def isatty(self) -> bool: ...


class LateLog:
    """A text file that gets its place later, when the run's folder exists; until then it keeps what is written."""

    def __init__(self) -> None:
        self._kept = io.StringIO()
        self._file: IO[str] | None = None

    def open(self, place: Path) -> None:
        """Append to the file at `place` from now on, and first what was written before."""
        self._file = place.open("a", encoding="utf-8", errors="backslashreplace")
        self.write(self._kept.getvalue())
        self.flush()

    def write(self, text: str) -> int:
        return (self._file or self._kept).write(text)

    def flush(self) -> None:
        (self._file or self._kept).flush()

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        if self._file:
            self._file.close()


@contextmanager
def log_reporter(log: Lines) -> Iterator[Reporter]:
    """A reporter that writes plain lines; warnings become lines, too."""
    console = Console(file=cast(IO[str], log), highlight=False, soft_wrap=True, force_terminal=False)
    with Progress(console=console, disable=True) as progress, warnings.catch_warnings():
        reporter = _Terminal(console, progress, _LINES)
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", GreycardWarning)
        warnings.showwarning = lambda message, *place: reporter.log(f"note: {message}")
        yield reporter


class _Stderr:
    """stderr that ignores write errors, because a closed terminal must not stop training."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            return sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)


class _Terminal:
    def __init__(self, console: Console, progress: Progress, lines: int) -> None:
        self._console, self._progress, self._lines = console, progress, lines
        self._task: TaskID | None = None
        self._counted: list[TaskID] = []
        self._epochs = self._images = self._done_before = 0
        self._shown = 0.0
        self._first: tuple[float, int] | None = None

    def log(self, sentence: str) -> None:
        self._console.print(sentence, markup=False)

    @contextmanager
    def status(self, what: str) -> Iterator[None]:
        task = self._progress.add_task(what, total=None, speed="")
        try:
            yield
        finally:
            self._progress.remove_task(task)

    def progress(self, what: str, images: int | None) -> Callable[[int], None]:
        """The bar appears with the first image, so cached images show none. Threads call this concurrently."""
        task = self._progress.add_task(what, total=images, speed="", visible=False)
        self._counted.append(task)
        pace = Pace(what, images)

        def done(count: int) -> None:
            pace.add(count)
            self._progress.update(task, advance=count, visible=True, speed=pace.speed)
            if not self._console.is_terminal and (line := pace.due_line()):
                self.log(line)

        return done

    def downloading(self, file: str) -> Callable[[int, int | None], None]:
        task: list[TaskID] = []

        def received(done: int, total: int | None) -> None:
            if not task:
                task.append(self._progress.add_task(file, total=total, speed=""))
            self._progress.update(task[0], completed=done, speed=f"{done / 1e6:,.1f} MB")
            if done == total:
                self._progress.update(task[0], visible=False)

        return received

    def epoch_begins(self, epoch: int, epochs: int, images: int) -> None:
        while self._counted:
            self._progress.remove_task(self._counted.pop())
        if self._task is None:
            self._task = self._progress.add_task("", total=epochs * images, speed="")
        self._epochs, self._images = epochs, images
        self._done_before = (epoch - 1) * images
        self._progress.update(
            self._task, description=f"epoch {epoch}/{epochs}", total=epochs * images, completed=self._done_before
        )
        self._first = None

    def images_done(self, count: int) -> None:
        """Called after every batch, so it must be fast: it updates the bar at most ten times per second."""
        now = time.perf_counter()
        self._first = self._first or (now, count)  # a resumed epoch starts with a count above 0
        if self._task is None or now - self._shown < _REFRESH_SECONDS or now == self._first[0]:
            return
        self._shown = now
        speed = f"{(count - self._first[1]) / (now - self._first[0]):,.0f} images/s"
        self._progress.update(self._task, completed=self._done_before + count, speed=speed)

    def epoch_ends(self, epoch: Epoch) -> None:
        every = -(-self._epochs // self._lines)
        if epoch.epoch % every == 0 or epoch.epoch in (1, self._epochs):
            self.log(epoch_line(epoch, self._epochs, self._images))


def epoch_line(epoch: Epoch, epochs: int, images: int) -> str:
    """One line for an epoch: accuracies if there are any, losses, seconds, training images per second."""
    measured = (("train", epoch.train_accuracy), ("val", epoch.val_accuracy))
    accuracies = "".join(f"  {split} {100 * accuracy:6.2f} %" for split, accuracy in measured if accuracy is not None)
    shown = accuracies and images and epoch.train_seconds
    speed = f"  {images / epoch.train_seconds:,.0f} images/s" if shown else ""
    losses = f"loss {loss_text(epoch.train_loss)} / {loss_text(epoch.val_loss)}"
    return f"epoch {epoch.epoch:>{len(str(epochs))}}/{epochs}{accuracies}  {losses}  {epoch.seconds:.1f} s{speed}"
