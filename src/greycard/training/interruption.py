"""What ends training before it is finished: a signal (Ctrl-C, SIGTERM, a closed terminal), or a pause that was planned.

Training saves its state after the current step.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class EndedError(KeyboardInterrupt):
    """A signal requested the end of the process; `number` is the signal's number."""

    def __init__(self, number: int, message: str = "") -> None:
        super().__init__(message)
        self.number = number


class InterruptedRunError(EndedError):
    """A run was interrupted by a signal.

    Args:
        run: the run's folder, or that of many units of work.
        saved: the position of the last saved state, in words; empty if the state could not be saved.
        number: the signal's number.
        hint: how to continue it; None for `greycard resume`.
    """

    def __init__(self, run: Path | str, saved: str, number: int, hint: str | None = None) -> None:
        super().__init__(number, f"{run} is saved, {saved}" if saved else f"the state of {run} could not be saved")
        self.run, self.hint = run, hint


class PausedRunError(Exception):
    """A run has trained as many epochs as it was asked for now; its state is saved, and `resume` continues it."""


class Interruption:
    """Handles signals that end training. The same signal twice ends it at once, without saving.

    A second SIGHUP is ignored: a closing terminal sends SIGHUP, and then its shell sends it again.

    Args:
        pause_after: the epoch, counted from 1, after which training pauses; None to train to the end.

    Attributes:
        received: number of the first signal; 0 before any signal.
    """

    def __init__(self, pause_after: int | None = None) -> None:
        self.pause_after = pause_after
        self.received = 0
        self._seen: set[int] = set()

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Inside this block a signal only sets `received`; if training does not end, the block's end does.

        Only the main thread can handle signals. Signals that are already ignored, as under `nohup`, stay ignored.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handled = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        before: dict[int, Any] = {number: signal.signal(number, self._handle) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if self.received:
            raise EndedError(self.received)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if number in self._seen and number != getattr(signal, "SIGHUP", None):
            raise EndedError(number)
        self._seen.add(number)
        self.received = self.received or number
