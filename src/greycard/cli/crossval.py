"""`greycard crossval`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from greycard.cli import options


@click.command()
@click.argument("what", metavar="FOLDER|PROJECT|RECIPE")
@click.option("--folds", type=int, default=5, show_default=True, metavar="N", help="Number of folds, at least 2.")
@options.text_or_json
@options.data_dir
@options.training
def crossval(what: str, folds: int, form: str, data_dir: str | None, asked: options.Training) -> None:
    """Cross-validate a recipe: one run for each fold of the images.

    \b
    greycard crossval pets
    greycard crossval digits-cnn --folds 10
    greycard crossval recipe.yaml --epochs 5

    For few images, this is more precise than one split: every image is measured once. Training and validation images
    are mixed and dealt to the folds, the same share of every class; near-duplicates stay in one fold. Each fold is an
    ordinary run in a new folder of --out. It prints the accuracy of each fold and of all, with intervals, and likely
    label errors; of several labels per image, the mean average precision and F1. `greycard resume` continues an
    interrupted one with the remaining folds.
    """
    from greycard.api import crossval as cross_validate

    found = cross_validate(
        named(what, data_dir),
        folds=folds,
        data_dir=data_dir,
        weights=asked.weights,
        out=asked.out,
        quiet=asked.quiet,
        track=asked.track,
        **asked.changes,
    )
    print_crossval(found.path, form)


def named(what: str, data_dir: str | None) -> str | Path:
    """A project's name, or the path of a folder or file, here or in the data directory."""
    from greycard.datasets.open import find_path
    from greycard.projects import projects

    place = find_path(what, data_dir)
    if what in {project.name for project in projects()}:
        return what
    is_path = place.exists() or os.sep in what or "." in what  # no project's name has these
    return place if is_path else what


def print_crossval(path: Path, form: str = "text") -> None:
    """Print a finished cross-validation."""
    from greycard.reports.crossval import crossval_text
    from greycard.runs.crossval import CrossValidation

    found = CrossValidation(path)
    click.echo(json.dumps(found.to_json(), indent=2) if form == "json" else crossval_text(found))
