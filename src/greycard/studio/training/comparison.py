"""`greycard compare`, in its own process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from greycard.deploy.serve.limits import RefusedError
from greycard.studio.processes import ENDED, environment, error_in

_SECONDS = 60.0
_MOST_AT_ONCE = 2


class Comparisons:
    """The comparisons that one server makes, each in a process; only a few at once."""

    def __init__(self) -> None:
        self._free = BoundedSemaphore(_MOST_AT_ONCE)

    def of(self, runs: Sequence[Path]) -> dict[str, Any]:
        """What `greycard compare RUN… --format json` says.

        Args:
            runs: folders of runs.

        Raises:
            RefusedError: these runs cannot be compared, for the reason in its message, or other comparisons run.
        """
        if not self._free.acquire(blocking=False):
            raise RefusedError(503, f"{_MOST_AT_ONCE} comparisons are running already; try again in some seconds")
        try:
            return _compared(runs)
        finally:
            self._free.release()


def _compared(runs: Sequence[Path]) -> dict[str, Any]:
    command = [sys.executable, "-m", "greycard", "compare", *map(str, runs), "--format", "json"]
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS, check=False, env=environment()
        )
    except subprocess.TimeoutExpired as error:
        raise RefusedError(503, f"the comparison took longer than {_SECONDS:.0f} s") from error
    if done.returncode == 0:
        found: dict[str, Any] = json.loads(done.stdout)
        return found
    failed = error_in(done.stderr.decode("utf-8", "replace")) or ENDED
    raise RefusedError(422, failed.partition("\n")[0].removeprefix("error: "))
