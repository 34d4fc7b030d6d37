"""What takes longer than a request: the check of the images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from greycard.deploy.serve.limits import RefusedError
from greycard.studio.processes import ENDED, Command, error_in


class Check:
    """`greycard check` of a folder.

    Args:
        root: the folder.
        state: where the process writes.
    """

    def __init__(self, root: Path, state: Path) -> None:
        self._root, self._state = root, state
        self._command = Command(state, "check")

    def start(self) -> None:
        """Raises a RefusedError if it is running."""
        _expect_idle(self._command, "the check")
        out = self._state / "checks"
        self._command.start(["check", self._root, "--format", "json", "--quiet", "--out", out])

    def status(self) -> dict[str, Any]:
        """Its state, and the report as JSON, or what went wrong."""
        progress = self._command.progress()
        error = error_in(progress.log) or ENDED if progress.state == "failed" else None
        return {"state": progress.state, "error": error, "report": progress.result}


def _expect_idle(command: Command, what: str) -> None:
    if command.is_running:
        raise RefusedError(409, f"{what} is running already")
