"""How a command ends early: a signal, an interruption wrapped by a library, or a closed pipe."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from greycard.training.interruption import EndedError

_SIGNALS = ("SIGTERM", "SIGHUP")


@contextmanager
def ending_signals() -> Iterator[None]:
    """Within the block SIGTERM and SIGHUP end the command as Ctrl-C does, so that it removes its unfinished files.

    Signals that are ignored, as under `nohup`, stay ignored. In other threads than the main one this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before: dict[int, Any] = {n: signal.signal(n, _end) for n in numbers if signal.getsignal(n) is signal.SIG_DFL}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def caused_by(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    """The first error of this kind in the chain of causes of `error`."""
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in seen:
        if isinstance(link, kind):
            return link
        seen.append(link)
        link = link.__cause__ or link.__context__
    return None


def discard_output() -> None:
    """Discard the remaining output of a closed pipe; else Python reports an error when it exits."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError, io.UnsupportedOperation):
            stream.flush()
            continue
        with suppress(AttributeError, OSError, ValueError, io.UnsupportedOperation):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _end(number: int, _frame: FrameType | None) -> None:
    raise EndedError(number)
