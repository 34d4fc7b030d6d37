"""Suggestions after training: three commands that work from the current folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from greycard.core.errors import command

if TYPE_CHECKING:
    from greycard.runs.record import RunRecord

_SERVER = ("uvicorn", "starlette", "multipart", "prometheus_client")


def print_next_steps(runs: Sequence[RunRecord], data: str | Path | None = None, data_dir: str | None = None) -> None:
    """Print three shell commands on stderr.

    Args:
        runs: the runs that were just trained.
        data: the folder or manifest that they were trained on; None to find it by its name.
        data_dir: the folder of the catalog's datasets.
    """
    commands = _after_one(runs[0], _image(runs[0], data, data_dir)) if len(runs) == 1 else _after_several(runs)
    lines = (command(*words) for words in commands)
    with suppress(OSError):  # the terminal is closed
        click.echo("\n  ".join(["next:", *lines]), err=True)


def _after_one(run: RunRecord, image: Path | None) -> list[list[object]]:
    path = run.path
    if not run.recipe.data.has_images:
        return [["predict", path, "7"], ["show", path], ["report", path]]
    if image is not None:
        return [["predict", path, image], ["explain", path, image], ["report", path]]
    can_serve = all(find_spec(name) for name in _SERVER)
    return [["show", path], ["report", path], ["serve", path] if can_serve else ["card", path]]


def _after_several(runs: Sequence[RunRecord]) -> list[list[object]]:
    paths = [run.path for run in runs]
    alike = len({_validation(run) for run in runs}) == 1 and runs[0].recipe.data.has_images
    compared: list[object] = ["compare", *paths] if alike else ["show", paths[-1]]
    return [["table", *paths], compared, ["report", *paths]]


def _validation(run: RunRecord) -> tuple[object, ...]:
    """The recipe fields that decide which images are validation images."""
    recipe = run.recipe
    return recipe.data.dataset, recipe.data.val_fraction, recipe.data.split_seed, recipe.data.val_limit


def _image(run: RunRecord, data: str | Path | None, data_dir: str | None) -> Path | None:
    """The path of an existing validation image; None if there is none."""
    if not run.recipe.data.has_images:
        return None
    folders = list(_folders(run.recipe.data.dataset, data, data_dir))
    for id in run.predictions["ids"].tolist():
        found = next((folder / id for folder in folders if (folder / id).is_file()), None)
        if found is not None and str(found).isprintable():
            return found
    return None


def _folders(dataset: str, data: str | Path | None, data_dir: str | None) -> Iterator[Path]:
    """The folders that image ids may be relative to: the named one, the manifest's, or the dataset's."""
    from greycard.core.paths import data_dir as data_folder
    from greycard.datasets.catalog import CATALOG

    if data is not None:
        yield Path(data) if Path(data).is_dir() else Path(data).parent
        return
    root = data_folder(data_dir)
    layouts = [layout for entry in CATALOG if entry.name == dataset for layout in entry.layouts]
    yield from (root / train if validation is None else (root / train).parent for train, validation in layouts)
    if not layouts:
        yield from (Path(dataset), root / dataset, Path())
