"""Ctrl-C, a terminal that closes, a system that wants the process gone: training ends after the step, all saved."""

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
    """The process is to end; `number` is the signal's."""

    def __init__(self, number: int, message: str = "") -> None:
        super().__init__(message)
        self.number = number


class InterruptedRunError(EndedError):
    """A run that was ended before its end.

    Args:
        run: its folder.
        saved: where the state is from that was kept last; empty if none could be.
        number: the signal that ended it.
    """

    def __init__(self, run: Path, saved: str, number: int) -> None:
        super().__init__(number, f"{run} is saved, {saved}" if saved else f"no state of {run} could be saved")
        self.run = run


class Interruption:
    """Whether someone asked to end; the same signal again ends at once, and what was not kept by then is lost.

    SIGHUP alone never does: a terminal that closes sends it, and then the shell in it once more.
    """

    def __init__(self) -> None:
        self.asked = 0
        self._seen: set[int] = set()

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Within the block a signal only asks, and is raised at its end if nobody heard.

        In other threads than the first, signals stay as they are; and so do ignored ones, as under `nohup`.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        heard = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        before: dict[int, Any] = {number: signal.signal(number, self._ask) for number in heard}
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
