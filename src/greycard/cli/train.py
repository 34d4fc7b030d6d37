"""`greycard train`."""

from __future__ import annotations

from pathlib import Path

import click

from greycard.cli import options
from greycard.cli.output import print_table, run_path
from greycard.errors import GreycardError


@click.command()
@click.argument("folder")
@click.option(
    "--backbone",
    metavar="NETWORK|RUN",
    help="Transfer from a keras.applications network, or from an earlier run's folder.",
)
@options.data_dir
@options.training
def train(
    folder: str,
    backbone: str | None,
    data_dir: str | None,
    epochs: int | None,
    seed: int | None,
    target_accuracy: float | None,
    settings: tuple[str, ...],
    weights: str | None,
    out: str,
    tensorboard: bool,
    mlflow: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Train on a FOLDER of labelled pictures, here or in --data-dir, or on a manifest, and print the table line.

    One folder a class, or train/ and validation/ with one folder a class in each. What is trained is chosen by the
    number and size of the pictures and the weights at hand, and said; --set changes it.
    """
    from greycard.api import runs_table
    from greycard.api import train as train_dataset
    from greycard.datasets.open import open_pictures
    from greycard.models.weights import expect_weights
    from greycard.projects import projects

    track = options.track(tensorboard, mlflow)
    changes = options.changes(epochs, seed, target_accuracy, settings)
    if "backbone" in changes:  # by --set: a network or a run as by --backbone, or none
        backbone = changes.pop("backbone")
        weights = "none" if backbone is None else weights
    split = {name: changes[name] for name in ("val_fraction", "split_seed") if changes.get(name) is not None}
    if not Path(folder).exists() and folder in {project.name for project in projects()}:
        raise GreycardError(f"{folder} is a project, not a folder of pictures", hint=f"greycard run {folder}")
    expect_weights(weights)
    dataset = open_pictures(folder, data_dir, **split)
    if backbone and run_path(backbone, out).is_dir():
        backbone = str(run_path(backbone, out))
    run = train_dataset(dataset, weights=weights, backbone=backbone, out=out, quiet=quiet, track=track, **changes)
    print_table(runs_table([run]))
