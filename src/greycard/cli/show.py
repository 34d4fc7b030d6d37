"""`greycard show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from greycard.cli import options
from greycard.cli.crossval import print_crossval
from greycard.cli.output import run_path
from greycard.cli.sweep import print_sweep
from greycard.core.errors import GreycardError

if TYPE_CHECKING:
    from greycard.datasets.dataset import Dataset
    from greycard.recipe import Recipe


@click.command()
@click.argument("path", metavar="RUN|FOLDER")
@click.option("--augmented", is_flag=True, help="Write a contact sheet of augmented images of a FOLDER.")
@options.settings
@options.out
@options.debug
def show(path: str, augmented: bool, settings: tuple[str, ...], out: str, debug: bool) -> None:
    """Show the results of a RUN, a cross-validation or a sweep.

    \b
    greycard show pets-1
    greycard show pets --augmented
    greycard show pets --augmented --set rotation_range=40

    With --augmented, it writes a contact sheet of a FOLDER's images: each row has an original and its augmented
    versions in the first five epochs, at 150 px.
    """
    if settings and not augmented:
        raise click.UsageError("--set needs --augmented")
    if augmented:
        click.echo(_write_sheet(Path(path), settings, Path(out)))
        return
    from greycard.runs.crossval import is_crossval

    if is_crossval(run_path(path, out)):
        print_crossval(run_path(path, out))
        return
    from greycard.runs.sweep import is_sweep

    if is_sweep(run_path(path, out)):
        print_sweep(run_path(path, out))
        return
    from greycard.reports.show import run_text
    from greycard.runs.record import RunRecord

    click.echo(run_text(RunRecord(run_path(path, out))))


def _write_sheet(folder: Path, settings: tuple[str, ...], out: Path) -> Path:
    from greycard.api import open_dataset
    from greycard.core.output_files import expect_output
    from greycard.pipeline.augmentation import Augmentation
    from greycard.reports.contact_sheet import augmented_sheet, write_sheet

    dataset = open_dataset(folder)
    recipe = _recipe(dataset, settings)
    augmentation = recipe.augmentation or Augmentation()
    for note in (*dataset.notes, *augmentation.notes()):
        click.echo(f"note: {note}", err=True)
    for item in dataset.left_out:
        click.echo(f"note: {item.id} is skipped: {item.reason}", err=True)
    size, resize = recipe.data.image_size, recipe.data.resize
    assert size is not None
    place = out.expanduser() / f"{dataset.name}-augmented.png"
    expect_output(place, example="augmented.png", derived=True)
    write_sheet(augmented_sheet(dataset, augmentation, size, seed=recipe.training.seed, resize=resize), place)
    return place


def _recipe(dataset: Dataset, settings: tuple[str, ...]) -> Recipe:
    """A recipe with the augmentation that `train` uses from scratch on these images, and the user's changes."""
    from greycard.recipe import Recipe
    from greycard.recipe.settings import parse_settings
    from greycard.training.image_kind import image_kind
    from greycard.training.scratch import augmentation_for

    augmentation = augmentation_for(image_kind(dataset))
    recipe = Recipe.make(dataset.name, dataset.name, augmentation=augmentation).replace(**parse_settings(settings))
    if recipe.data.image_size is None:
        raise GreycardError("image_size must be set for images. Received: None", hint="--set image_size=150")
    return recipe
