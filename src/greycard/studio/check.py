"""The check of the images, in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from greycard.studio.processes import Command, failure_of


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
        out = self._state / "checks"
        self._command.start(["check", self._root, "--format", "json", "--quiet", "--out", out], "the check")

    def status(self) -> dict[str, Any]:
        """Its state, and the report as JSON, or what went wrong."""
        progress = self._command.progress()
        return {"state": progress.state, "error": failure_of(progress), "report": progress.result}
