"""Greycard's commands, each in its own process: the page stays responsive, and closing it ends nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE
from threading import Lock
from typing import Any

from greycard.deploy.serve.limits import RefusedError

_TAIL = 4_000
"""Bytes of a process's output that are shown."""

_GRACE_SECONDS = 5.0

ENDED = "its process has ended without a message: it may have been killed, for example because memory was short"


@dataclass(frozen=True)
class Progress:
    """How far a process is.

    Attributes:
        state: `none`, `running`, `finished`, `failed` or `stopped`.
        log: the end of what it has written for people.
        result: what it has written to stdout, if that is JSON.
    """

    state: str
    log: str = ""
    result: Any = None


class Command:
    """At most one process of one kind at a time, whose output goes to files.

    Its methods may be called from several threads.

    Args:
        folder: of the files.
        name: their name.
        ends_with_server: however this process ends; otherwise it goes on.
    """

    def __init__(self, folder: Path, name: str, *, ends_with_server: bool = False) -> None:
        self._out, self._log, self._lock = folder / f"{name}.out", folder / f"{name}.log", Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped, self._ends_with_server = False, ends_with_server

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @contextmanager
    def starting(self, what: str) -> Iterator[Callable[[Sequence[str | Path]], None]]:
        """What starts the process: called in the block with the words after `greycard`.

        No other thread starts one before the block ends, so the block may also prepare the command's files.

        Args:
            what: is running already, in a refusal.

        Raises:
            RefusedError: one is running, or another thread is starting one.
        """
        if not self._lock.acquire(blocking=False):
            raise RefusedError(409, f"{what} is running already")
        try:
            if self.is_running:
                raise RefusedError(409, f"{what} is running already")
            yield self._start
        finally:
            self._lock.release()

    def start(self, words: Sequence[str | Path], what: str) -> None:
        """Start `greycard WORDS…`. Raises a RefusedError if one is running."""
        with self.starting(what) as start:
            start(words)

    def _start(self, words: Sequence[str | Path]) -> None:
        self.end()
        self._out.parent.mkdir(parents=True, exist_ok=True)
        module, stdin = ("greycard.studio.bound", PIPE) if self._ends_with_server else ("greycard", DEVNULL)
        with self._out.open("wb") as out, self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *map(str, words)],
                stdin=stdin,
                stdout=out,
                stderr=log,
                start_new_session=True,
                env=environment(),
            )
        self._stopped = False

    def stop(self) -> None:
        """Ask the process to end as Ctrl-C does: training saves a checkpoint."""
        if self._process is not None and self.is_running:
            self._stopped = True
            self._process.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGINT)

    def end(self) -> None:
        """End a process that ends with the server."""
        if self._process is not None and self._process.stdin is not None:
            end_bound(self._process)

    def progress(self) -> Progress:
        if self._process is None:
            return Progress("none")
        code, log = self._process.poll(), end_of(self._log)
        if code is None:
            return Progress("running", log)
        return Progress("stopped" if self._stopped else "failed" if code else "finished", log, _parsed(self._out))


def end_bound(process: subprocess.Popen[bytes]) -> None:
    """End a process of studio.bound: it ends when its stdin is closed."""
    assert process.stdin
    process.stdin.close()
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def environment(**more: str) -> dict[str, str]:
    """Of a process whose output goes to a file, with more variables."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "100", "NO_COLOR": "1", **more}


def error_in(log: str) -> str | None:
    """The message of a process that failed: its last lines, from `error:` on; None if there is none."""
    found = list(re.finditer(r"^error: ", log, re.MULTILINE))
    return log[found[-1].start() :].strip() if found else None


def failure_of(progress: Progress) -> str | None:
    """What went wrong; None if nothing did."""
    return error_in(progress.log) or ENDED if progress.state == "failed" else None


def end_of(file: Path) -> str:
    """The end of what a process has written; empty without the file."""
    try:
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - _TAIL))
            return log.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _parsed(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except ValueError:
        return None
