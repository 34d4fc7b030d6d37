"""The options that several commands share, each said once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

WIDTH = 100
"""Columns of help at most, however wide the terminal is."""

data_dir = click.option(
    "--data-dir",
    metavar="DIR",
    help="Folder of the named datasets.  [default: GREYCARD_DATA, or the user's data folder]",
)
weights = click.option(
    "--weights",
    metavar="PATH|imagenet|none",
    help="Pretrained weights: a file, a folder of files, ImageNet's by download, or none."
    "  [default: GREYCARD_WEIGHTS, or the user's data folder]",
)
out = click.option("--out", metavar="DIR", default="runs", show_default=True, help="Folder of runs.")
settings = click.option(
    "--set",
    "settings",
    metavar="FIELD=VALUE",
    multiple=True,
    help="Change a field of the recipe, such as batch_size=64 or conv=32,64; `greycard recipe` lists them."
    " May be repeated.",
)
quiet = click.option("--quiet", is_flag=True, help="Show no progress; print the result only.")
debug = click.option("--debug", is_flag=True, help="Show tracebacks, and the backend's own messages.")

text_or_json = click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json"), case_sensitive=False),
    default="text",
    show_default=True,
    help="How to print it.",
)

_TRAINING = (
    click.option("--epochs", type=int, metavar="N", help="Passes over the training images."),
    click.option("--seed", type=int, metavar="N", help="Seed of weights, order, dropout and augmentation."),
    click.option(
        "--target-accuracy",
        type=float,
        metavar="X",
        help="Stop once validation accuracy reaches X, such as 0.95 (--set target_split=training for training).",
    ),
    settings,
    weights,
    out,
    click.option("--tensorboard", is_flag=True, help="Write TensorBoard's event files into the run, too."),
    click.option("--mlflow", is_flag=True, help="Log to MLflow, too: MLFLOW_TRACKING_URI, or mlruns/."),
    quiet,
    debug,
)


def training(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of whatever trains."""
    for option in reversed(_TRAINING):
        command = option(command)
    return command


def changes(
    epochs: int | None, seed: int | None, target_accuracy: float | None, words: tuple[str, ...]
) -> dict[str, Any]:
    """What the options change in a recipe; a `--set` comes last and wins."""
    from greycard.recipe.settings import parse_settings

    named = {"epochs": epochs, "seed": seed, "target_accuracy": target_accuracy}
    return {name: value for name, value in named.items() if value is not None} | parse_settings(words)


def track(tensorboard: bool, mlflow: bool) -> list[str]:
    """The other tools that the options ask to tell."""
    return [name for name, asked in (("tensorboard", tensorboard), ("mlflow", mlflow)) if asked]
