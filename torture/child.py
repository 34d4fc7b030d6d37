"""Greycard's command line in processes of its own that begin at once: forked from one that has imported everything.

Importing TensorFlow takes seconds, which a few hundred processes would spend on nothing else. The forking process never
computes anything itself, so that its children find the libraries as freshly imported.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from greycard.backend import configure

LOG, WORK = "log.txt", "work"


def load() -> None:
    """Import all that a training imports, and compute nothing."""
    configure()
    import keras  # noqa: F401
    import tensorflow  # noqa: F401

    import greycard.jobs.training_run  # noqa: F401


def start(words: Sequence[str], scratch: Path, before: Callable[[], None] = lambda: None) -> int:
    """Begin `greycard WORDS` with a cache of its own in `scratch`; its process number.

    Args:
        words: of the command line.
        scratch: a folder; what the process prints is added to its log.
        before: called first thing in the process.
    """
    sys.stdout.flush()
    number = os.fork()
    if number:
        return number
    code = 99
    try:
        _to_log(scratch / LOG)
        os.environ["GREYCARD_CACHE"] = str(scratch / WORK / "cache")
        before()
        from greycard.cli.main import main

        code = main(list(words))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def end(number: int) -> int:
    """Wait for a process; its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def run(words: Sequence[str], scratch: Path, before: Callable[[], None] = lambda: None) -> int:
    """`start` and `end` in one."""
    return end(start(words, scratch, before))


def _to_log(log: Path) -> None:
    file = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)
