"""The options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from greycard.core.errors import GreycardError
from greycard.core.paths import expect_local


class LocalPath(click.ParamType):
    """A path of this machine: GreycardError for an address such as `s3://bucket/folder`."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        expect_local(str(value), param.opts[-1] if isinstance(param, click.Option) else "the folder")
        return value


LOCAL = LocalPath()
"""Of every option that names what is written and cannot be in remote storage."""

WIDTH = 100
"""The maximum width of help texts in columns."""

data_dir = click.option(
    "--data-dir",
    metavar="DIR",
    help="Folder of downloaded datasets.  [default: GREYCARD_DATA, or the user's data folder]",
)
weights = click.option(
    "--weights",
    metavar="PATH|imagenet|none",
    help="Pretrained weights: a file, a folder of files, imagenet to download them, or none."
    "  [default: GREYCARD_WEIGHTS or the user's data folder, and the installed extra `pretrained`]",
)
out = click.option("--out", type=LOCAL, metavar="DIR", default="runs", show_default=True, help="Folder of runs.")
settings = click.option(
    "--set",
    "settings",
    metavar="FIELD=VALUE",
    multiple=True,
    help="Change a field of the recipe, such as batch_size=64 or conv=32,64; repeatable."
    " `greycard recipe` lists the fields.",
)
quiet = click.option("--quiet", is_flag=True, help="Show no progress; print the result only.")
debug = click.option("--debug", is_flag=True, help="Show tracebacks and the backend's messages.")

author = click.option(
    "--name",
    "author",
    metavar="NAME",
    help="Your name, for tables: recorded in the run.",
)

on = click.option(
    "--on",
    "where",
    metavar="WHERE",
    default="here",
    show_default=True,
    help="Where the work is done: here; processes:N on this machine; HOST:PORT of a Ray cluster; or cluster, at"
    " RAY_ADDRESS.",
)

workers = click.option(
    "--workers",
    type=int,
    metavar="N",
    help="Train one run with N workers, a power of two, each of which computes its part of every batch; by default in"
    " processes of this machine.",
)

seeds = click.option("--seeds", metavar="0-4", help="Train with each of these seeds, such as 0-4 or 0,1,7.")

share = click.option(
    "--share",
    metavar="I/N",
    help="This is process I of N, counted from 0, on one folder: it begins with its part, then takes what is left.",
)

text_or_json = click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json"), case_sensitive=False),
    default="text",
    show_default=True,
    help="Output format.",
)

_TRAINING = (
    click.option("--epochs", type=int, metavar="N", help="Number of passes over the training images."),
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
    click.option("--tensorboard", is_flag=True, help="Also write TensorBoard event files to the run."),
    click.option("--mlflow", is_flag=True, help="Also log to MLflow (MLFLOW_TRACKING_URI, else mlruns/)."),
    quiet,
    debug,
)


@dataclass(frozen=True)
class Training:
    """What the options that all training commands share ask for."""

    changes: dict[str, Any]
    weights: str | None
    out: str
    track: list[str]
    quiet: bool


def training(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that all training commands share; the command gets them as one `Training`, called `asked`."""

    @wraps(command)
    def packed(
        *arguments: Any,
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
        **others: Any,
    ) -> Any:
        changed = _changes(epochs, seed, target_accuracy, settings)
        asked = Training(changed, weights, out, _track(tensorboard, mlflow), quiet)
        return command(*arguments, asked=asked, **others)

    for option in reversed(_TRAINING):
        packed = option(packed)
    return packed


def _changes(
    epochs: int | None, seed: int | None, target_accuracy: float | None, words: tuple[str, ...]
) -> dict[str, Any]:
    """The recipe changes that the options request; `--set` overrides the other options."""
    from greycard.recipe.settings import parse_settings

    named = {"epochs": epochs, "seed": seed, "target_accuracy": target_accuracy}
    return {name: value for name, value in named.items() if value is not None} | parse_settings(words)


def _track(tensorboard: bool, mlflow: bool) -> list[str]:
    """The names of the requested experiment trackers."""
    return [name for name, requested in (("tensorboard", tensorboard), ("mlflow", mlflow)) if requested]


def parse_share(text: str | None) -> tuple[int, int] | None:
    """The numbers of `--share I/N`; None without it."""
    if text is None:
        return None
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal()):
        raise GreycardError(f"--share is I/N. Received: {text!r}", hint="for example --share 0/4")
    return int(number), int(of)
