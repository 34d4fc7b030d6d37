"""What takes longer than a request: the check of the images, and training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from greycard.core.errors import GreycardError
from greycard.deploy.serve.limits import RefusedError
from greycard.evaluation.intervals import accuracy_interval
from greycard.runs.record import RunRecord
from greycard.studio.processes import Command, Progress


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
        expect_idle(self._command, "the check")
        out = self._state / "checks"
        self._command.start(["check", self._root, "--format", "json", "--quiet", "--out", out])

    def status(self) -> dict[str, Any]:
        """Its state, and the report as JSON, or what went wrong."""
        progress = self._command.progress()
        return {"state": progress.state, "error": error_in(progress), "report": progress.result}


class Training:
    """`greycard train` on a folder, one run at a time.

    Args:
        root: the folder.
        state: where the process writes.
        runs: the folder of runs.
        author: the name of who trains.
    """

    def __init__(self, root: Path, state: Path, runs: Path, author: str | None = None) -> None:
        self._root, self._runs, self._author = root, runs, author
        self._command, self._before = Command(state, "train"), set[str]()

    def start(self, minutes: float | None) -> None:
        """Raises a RefusedError if a training is running."""
        expect_idle(self._command, "training")
        self._before = self._names()
        limit = [] if minutes is None else ["--minutes", f"{minutes:g}"]
        named = [] if self._author is None else ["--name", self._author]
        self._command.start(["train", self._root, *limit, *named, "--out", self._runs])

    def stop(self) -> None:
        """Stop it; the run keeps its checkpoint."""
        self._command.stop()

    def status(self) -> dict[str, Any]:
        """Its state, the end of its output, and the figures of the finished run."""
        progress = self._command.progress()
        run = self._newest() if progress.state == "finished" else None
        return {"state": progress.state, "log": progress.log, "error": error_in(progress), "run": run}

    def _newest(self) -> dict[str, Any] | None:
        made = [self._runs / name for name in self._names() - self._before]
        for path in sorted(made, key=lambda each: each.stat().st_mtime, reverse=True):
            try:
                record = RunRecord(path)
                summary = record.summary
            except GreycardError:  # the folder of a search, or a run that has not ended
                continue
            accuracy = summary.val_accuracy or 0.0
            low, high = accuracy_interval(accuracy, summary.val_images)
            figures = {"accuracy": accuracy, "low": low, "high": high, "val_images": summary.val_images}
            return {"path": str(path), **figures}
        return None

    def _names(self) -> set[str]:
        return {path.name for path in self._runs.iterdir() if path.is_dir()} if self._runs.is_dir() else set()


def expect_idle(command: Command, what: str) -> None:
    """Raises a RefusedError if the command is running."""
    if command.is_running:
        raise RefusedError(409, f"{what} is running already")


def error_in(progress: Progress) -> str | None:
    """The message of a process that failed: its last lines from `error:` on."""
    if progress.state != "failed":
        return None
    place = progress.log.rfind("error:")
    return progress.log[place:].strip() if place >= 0 else progress.log.strip()[-500:] or "it ended without a message"
