"""Ctrl-C, or a system that wants the process gone: asked for once, it is done after the step and with all saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class InterruptedRunError(KeyboardInterrupt):
    """A run that was ended before its end.

    Args:
        run: its folder.
        saved: where the state is from that was kept last; empty if none could be.
        number: the signal that ended it.
    """

    def __init__(self, run: Path, saved: str, number: int) -> None:
        super().__init__(f"{run} is saved, {saved}" if saved else f"no state of {run} could be saved")
        self.run, self.number = run, number


class Interruption:
    """Whether someone asked to end; the second time ends at once, and what was not kept by then is lost."""

    def __init__(self) -> None:
        self.asked = 0

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Within the block a signal only asks, and is raised at its end if nobody heard.

        In other threads than the first, signals stay as they are.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before: dict[int, Any] = {number: signal.signal(number, self._ask) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if self.asked:
            raise KeyboardInterrupt

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = number
