"""`greycard predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from greycard.cli import options
from greycard.cli.output import run_path
from greycard.errors import GreycardError

if TYPE_CHECKING:
    from greycard.api import Run


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@options.out
@options.debug
def predict(run: str, paths: tuple[str, ...], out: str, debug: bool) -> int:
    """Ask a RUN's model about pictures: files, or folders of them.

    Prints a line a picture: path, class, probability. For house-prices, PATH is a number of bedrooms. Exits with 1 if a
    picture could not be read.
    """
    from greycard.api import open_run

    opened = open_run(run_path(run, out))
    return _answer_numbers(opened, paths) if opened.recipe.is_regression else _answer_pictures(opened, paths)


def _answer_pictures(run: Run, paths: tuple[str, ...]) -> int:
    files = [file for path in paths for file in _files(Path(path))]
    bad = 0
    for found in run.predict_each(files):
        if found.error:
            bad += 1
            click.echo(f"error: {found.source}: {found.error}", err=True)
        else:
            click.echo(f"{found.source}\t{found.label}\t{found.probability:.4f}")
    if bad:
        click.echo(f"{bad} of {len(files)} files could not be read", err=True)
    return 1 if bad else 0


def _answer_numbers(run: Run, words: tuple[str, ...]) -> int:
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise GreycardError(f"{run.path} answers numbers of bedrooms. Received: {' '.join(words)}") from error
    for number, answer in zip(numbers, run.predict_numbers(numbers), strict=True):
        click.echo(f"{number:g}\t{answer:.2f}")
    return 0


def _files(path: Path) -> list[Path]:
    from greycard.datasets.folders import visible_files

    if path.is_dir():
        found, _ = visible_files(path)
        if not found:
            raise GreycardError(f"there are no files in {path}")
        return found
    if not path.exists():
        raise GreycardError(f"{path} does not exist; expected a picture or a folder of pictures")
    return [path]
