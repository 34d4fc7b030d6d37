"""`greycard find-lr`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from greycard.cli import options
from greycard.core.errors import command


@click.command("find-lr")
@click.argument("what", metavar="FOLDER|PROJECT|FILE")
@click.option("--backbone", metavar="NETWORK|RUN", help="Transfer from this network or run, as in training.")
@options.data_dir
@options.settings
@options.weights
@options.out
@options.quiet
@options.debug
def find_lr(
    what: str,
    backbone: str | None,
    data_dir: str | None,
    settings: tuple[str, ...],
    weights: str | None,
    out: str,
    quiet: bool,
    debug: bool,
) -> None:
    """Suggest a learning rate for a FOLDER, PROJECT or recipe FILE.

    \b
    greycard find-lr pets
    greycard find-lr mnist-cnn --set optimizer=sgd --set momentum=0.9

    It trains for at most 140 steps while the learning rate rises from 0.000001 to 10, and stops when the loss explodes.
    It prints the rate at which the loss has fallen half-way, and writes a plot of the loss to --out. It makes no run.
    """
    from greycard.api import find_lr as found_for
    from greycard.core.output_files import expect_output, write_output
    from greycard.datasets.open import find_path, open_dataset
    from greycard.jobs.find_recipe import project_of
    from greycard.recipe.settings import parse_settings
    from greycard.reports.drawing import as_png

    changes = parse_settings(settings)
    is_elsewhere = not Path(what).exists() and find_path(what, data_dir).exists()
    project = None if is_elsewhere else project_of(what)
    split = {name: changes[name] for name in ("val_fraction", "split_seed") if changes.get(name) is not None}
    target = project or open_dataset(what, data_dir, **split)
    place = Path(out).expanduser() / f"{project.name if project else target.name}-lr.png"
    expect_output(place, example="lr.png", derived=True)
    found = found_for(target, data_dir=data_dir, weights=weights, backbone=backbone, quiet=quiet, **changes)
    if found.suggested is not None:
        click.echo(f"learning_rate={found.suggested:g}")
    click.echo(found.sentence, err=True)
    write_output(place, as_png(found.figure()))
    click.echo(f"{place} shows the loss at each learning rate", err=True)
    if found.suggested is not None and not quiet:
        fields = (*settings, f"learning_rate={found.suggested:g}")
        click.echo(f"next:\n  {_training(what, project is not None, fields, backbone, data_dir, weights)}", err=True)


def _training(
    what: str, is_project: bool, fields: Sequence[str], backbone: str | None, data_dir: str | None, weights: str | None
) -> str:
    """The command that trains with these fields of the recipe."""
    named = {"--data-dir": data_dir, "--weights": weights, "--backbone": None if is_project else backbone}
    fields = [f"backbone={backbone}", *fields] if is_project and backbone else fields
    words = [word for option, value in named.items() if value is not None for word in (option, value)]
    words += [word for field in fields for word in ("--set", field)]
    return command("run" if is_project else "train", what, *words)
