"""A command in a process of its own: what it printed, how long it took, how much memory it had.

Linux counts a child's peak from the size of the process that started it, so whoever measures memory here must itself
stay small: no Keras, no backend.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True)
class Finished:
    """A process that has ended well.

    Attributes:
        output: what it wrote to stdout.
        seconds: from its start to its end.
        cpu_seconds: user and system time, of all its threads.
        peak_memory_mb: the most it had in memory, files mapped into memory included.
        peak_own_mb: the most without mapped files, whose pages the system takes back when it needs them; sampled ten
            times a second. None where the system does not tell.
    """

    output: str
    seconds: float
    cpu_seconds: float
    peak_memory_mb: float
    peak_own_mb: float | None


def run(words: Sequence[str | Path], **environment: str) -> Finished:
    """Run a command to its end.

    Args:
        words: the command line.
        environment: variables on top of this process's own.

    Raises:
        RuntimeError: it failed; the message has what it said.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        begun = time.perf_counter()
        process = subprocess.Popen(list(map(str, words)), stdout=out, stderr=err, env={**os.environ, **environment})
        watch = _Watch(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        own = watch.end()
        _expect_success(words, process.returncode, _text(err))
        peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
        return Finished(_text(out), seconds, usage.ru_utime + usage.ru_stime, peak, own)


class _Watch(threading.Thread):
    """Thumbnails at a process's anonymous memory until told to end."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._status, self._ended = Path(f"/proc/{pid}/status"), threading.Event()
        self._peak: float | None = None
        self.start()

    def run(self) -> None:
        while not self._ended.wait(0.1):
            now = self._anonymous_mb()
            if now is not None:
                self._peak = max(now, self._peak or 0)

    def end(self) -> float | None:
        self._ended.set()
        self.join()
        return self._peak

    def _anonymous_mb(self) -> float | None:
        try:
            lines = self._status.read_text().splitlines()
        except OSError:
            return None
        found = [line.split()[1] for line in lines if line.startswith("RssAnon:")]
        return int(found[0]) * 1024 / 1e6 if found else None


def _text(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def _expect_success(words: Sequence[str | Path], code: int, said: str) -> None:
    if code:
        raise RuntimeError(f"{' '.join(map(str, words))} ended with {code}:\n{said[-3000:]}")
