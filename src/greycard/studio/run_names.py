"""A run by its name: a folder directly inside the folder of runs, and nothing else."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.deploy.serve.limits import RefusedError
from greycard.runs.record import RunRecord


def run_named(runs: Path, name: object) -> RunRecord:
    """The run with this name, which may come from anywhere; it may be unfinished.

    Raises:
        RefusedError: there is no such folder directly in the folder of runs, a link is in its place, or it is no run.
    """
    if isinstance(name, str) and _is_plain(name):
        with suppress(GreycardError, OSError):  # no run, or a name that is too long
            path = runs / name
            if not path.is_symlink() and path.is_dir():
                return RunRecord(path)
    raise RefusedError(404, f"there is no run {str(name)[:80]!r}")


def run_of(runs: Path, name: object) -> RunRecord:
    """The finished run with this name, on images.

    Raises:
        RefusedError: there is no such run, it is unfinished, or it takes numbers.
    """
    run = run_named(runs, name)
    try:
        run.expect_finished()
        has_images = run.recipe.data.has_images
    except GreycardError as error:
        raise RefusedError(409, str(error.args[0])) from error
    if not has_images:
        raise RefusedError(409, f"{run.name} takes numbers; the page shows runs on images")
    return run


def _is_plain(name: str) -> bool:
    """True if the name has no part that leads elsewhere."""
    return bool(name) and not name.startswith(".") and not any(letter in name for letter in "/\\:\0")
