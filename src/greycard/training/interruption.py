"""Signals that end training (Ctrl-C, SIGTERM, a closed terminal): it saves its state after the current step."""

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
    """A signal asks the process to end; `number` is the signal's number."""

    def __init__(self, number: int, message: str = "") -> None:
        super().__init__(message)
        self.number = number


class InterruptedRunError(EndedError):
    """A run was interrupted by a signal.

    Args:
        run: the run's folder.
        saved: the position of the last saved state, in words; empty if none could be saved.
        number: the signal's number.
    """

    def __init__(self, run: Path, saved: str, number: int) -> None:
        super().__init__(number, f"{run} is saved, {saved}" if saved else f"no state of {run} could be saved")
        self.run = run


class Interruption:
    """Receives signals that ask training to end. The same signal twice ends it at once, without saving.

    A second SIGHUP does not: a closing terminal sends it, and then its shell sends it again.
    """

    def __init__(self) -> None:
        self.asked = 0
        self._seen: set[int] = set()

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """In this block a signal only sets `asked`; if training did not react to it, the block's end raises it.

        Other threads than the main one cannot handle signals. Signals that are ignored, as under `nohup`, stay ignored.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handled = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        before: dict[int, Any] = {number: signal.signal(number, self._ask) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if self.asked:
            raise EndedError(self.asked)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        if number in self._seen and number != getattr(signal, "SIGHUP", None):
            raise EndedError(number)
        self._seen.add(number)
        self.asked = self.asked or number
