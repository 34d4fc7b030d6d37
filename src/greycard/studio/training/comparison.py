"""`greycard compare`, in its own process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from greycard.deploy.serve.limits import RefusedError

_SECONDS = 60.0


def compared(runs: Sequence[Path]) -> dict[str, Any]:
    """What `greycard compare RUN… --format json` says.

    Args:
        runs: folders of runs.

    Raises:
        RefusedError: these runs cannot be compared, for the reason in its message.
    """
    command = [sys.executable, "-m", "greycard", "compare", *map(str, runs), "--format", "json"]
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise RefusedError(503, f"the comparison took longer than {_SECONDS:.0f} s") from error
    if done.returncode == 0:
        found: dict[str, Any] = json.loads(done.stdout)
        return found
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    message = next((line for line in lines if line.startswith("error: ")), "error: it failed without a message")
    raise RefusedError(422, message.removeprefix("error: "))
