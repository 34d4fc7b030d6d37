"""Processes that go on when the server ends, and how a later server knows them again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from greycard.core.run_format import JOB
from greycard.studio.processes import environment

_BORN_WITHIN = 5.0
"""Seconds: the clock, from which the system computes when a process began, may be set between two looks."""


def start(words: Sequence[str | Path], log: Path, job: str) -> int:
    """Start `greycard WORDS…`, and return the number of its process.

    Args:
        words: the arguments.
        log: gets what it writes for people.
        job: is written into its run, so that the run can be found.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "greycard", *map(str, words)]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            start_new_session=True,
            env=environment(**{JOB: job}),
        )
    process.returncode = 0  # Python warns of a process that nobody waits for, but this one may outlive the server
    return process.pid


def born(pid: int) -> float | None:
    """When a process began, in seconds since 1970; None if it has ended."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE or not _has_ended(pid):
            return process.create_time()
    return None


def _has_ended(zombie: int) -> bool:
    """True if all threads of a process have ended: until then it holds its locks. The system then forgets it."""
    try:
        return os.waitpid(zombie, os.WNOHANG) != (0, 0)
    except ChildProcessError:  # another process has started it
        return True


def lives(pid: int, began: float) -> bool:
    """True if the process with this number is still the one that began then."""
    found = born(pid)
    return found is not None and abs(found - began) < _BORN_WITHIN


def find(job: str) -> int | None:
    """The process that was started for a job, by its environment: the server was killed before it wrote the number."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(JOB) == job and process.status() != psutil.STATUS_ZOMBIE:
                return process.pid
    return None


def interrupt(pid: int) -> None:
    """Ask a process to end as Ctrl-C does: training saves a checkpoint."""
    with suppress(psutil.Error):
        psutil.Process(pid).send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGINT)


def kill(pid: int) -> None:
    """End a process at once; its run keeps its last checkpoint."""
    with suppress(psutil.Error):
        psutil.Process(pid).kill()
