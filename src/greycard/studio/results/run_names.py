"""A run by its name: a folder directly inside the folder of runs, and nothing else."""

from __future__ import annotations

from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.deploy.serve.limits import RefusedError
from greycard.runs.record import RunRecord


def run_of(runs: Path, name: object) -> RunRecord:
    """The finished run with this name, which may come from anywhere.

    Raises:
        RefusedError: there is no such run, it is unfinished, or it predicts numbers.
    """
    path = runs / name if isinstance(name, str) and _is_plain(name) else None
    if path is None or path.is_symlink() or not path.is_dir():
        raise RefusedError(404, f"there is no run {str(name)[:80]!r}")
    try:
        run = RunRecord(path)
        run.expect_finished()
        has_classes = run.task.has_classes
    except GreycardError as error:
        raise RefusedError(409, str(error.args[0])) from error
    if not has_classes:
        raise RefusedError(409, f"{name} predicts numbers; the page shows runs with classes")
    return run


def _is_plain(name: str) -> bool:
    """True if the name has no part that leads elsewhere."""
    return bool(name) and not name.startswith(".") and not any(letter in name for letter in "/\\:\0")
