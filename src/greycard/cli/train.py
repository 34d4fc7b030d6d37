"""`greycard train`."""

from __future__ import annotations

from dataclasses import replace

import click

from greycard.cli import options
from greycard.cli.next_steps import print_next_steps
from greycard.cli.output import print_table, run_path
from greycard.core.errors import GreycardError, command


@click.command()
@click.argument("folder")
@click.option(
    "--backbone",
    metavar="NETWORK|RUN",
    help="Transfer from EfficientNetLite0, a keras.applications network, or an earlier run's folder.",
)
@click.option(
    "--fine-tune",
    type=click.Choice(["last", "all"]),
    help="After fitting a head on the pretrained features, train the network's last block or all of it, too.",
)
@click.option(
    "--minutes",
    type=float,
    metavar="N",
    help="Time budget: try recipes from quick to slow for N minutes, and keep the best.",
)
@options.workers
@options.on
@options.author
@options.data_dir
@options.training
def train(
    folder: str,
    backbone: str | None,
    fine_tune: str | None,
    minutes: float | None,
    workers: int | None,
    where: str,
    author: str | None,
    data_dir: str | None,
    asked: options.Training,
) -> None:
    """Train on a FOLDER of labelled images.

    \b
    greycard train pets
    greycard train pets --minutes 10  # the best model of 10 minutes
    greycard train pets --weights none --epochs 30 --set rotation_range=20
    greycard train pets --backbone EfficientNetLite0
    greycard train pets --fine-tune last
    greycard train pets --weights none --workers 2

    With --minutes, Greycard measures this machine, prints the recipes that fit, and trains them one after the other.
    The reported accuracy is measured on images that were set aside before. Ctrl-C keeps the best recipe so far.

    FOLDER, here or in --data-dir, has one folder for each class, or train/, validation/ and perhaps test/ with class
    folders in each. A zip or tar of such a folder, a label file (CSV or TSV) and Parquet files work, too.

    Greycard chooses the recipe by the number, size and kind of the images and the available weights, and prints it;
    --set changes it. With weights, it fits a probe: a logistic regression on a pretrained network's features. Without,
    it trains a residual network from scratch for as many epochs as fit into 10 minutes (--set minutes=N), and keeps
    the best epoch. It prints the run's line of the table.
    """
    from greycard.cluster.workers import expect_workers

    if fine_tune is not None:
        asked = replace(asked, changes={"fine_tune": fine_tune} | asked.changes)
    if minutes is not None:
        _expect_one(workers, where)
        _search(folder, minutes, backbone, author, data_dir, asked)
        return
    expect_workers(workers, where)
    _train(folder, backbone, workers, where, author, data_dir, asked)


def _train(
    folder: str,
    backbone: str | None,
    workers: int | None,
    where: str,
    author: str | None,
    data_dir: str | None,
    asked: options.Training,
) -> None:
    """Train one recipe, and print the run's line of the table."""
    from greycard.api import open_dataset, runs_table, train
    from greycard.jobs.train import HOW_TO_READ
    from greycard.models.weights import expect_weights

    changes, weights = asked.changes, asked.weights
    if "backbone" in changes:  # by --set: a network or a run as by --backbone, or none
        backbone = changes.pop("backbone")
        weights = "none" if backbone is None else weights
    read = {name: changes[name] for name in HOW_TO_READ if changes.get(name) is not None}
    _expect_no_project(folder, data_dir)
    expect_weights(weights)
    dataset = open_dataset(folder, data_dir, **read)
    if backbone and run_path(backbone, asked.out).is_dir():
        backbone = str(run_path(backbone, asked.out))
    run = train(
        dataset,
        weights=weights,
        backbone=backbone,
        out=asked.out,
        quiet=asked.quiet,
        track=asked.track,
        author=author,
        workers=workers,
        on=where,
        **changes,
    )
    print_table(runs_table([run]))
    if not asked.quiet:
        print_next_steps([run], dataset.origin)


def _expect_one(workers: int | None, where: str) -> None:
    if workers is not None or where != "here":
        raise GreycardError(
            "--minutes tries recipes one after the other, each with one worker",
            hint="leave out --workers and --on; --set minutes=N limits the time of one recipe, which workers can share",
        )


def _search(
    folder: str,
    minutes: float,
    backbone: str | None,
    author: str | None,
    data_dir: str | None,
    asked: options.Training,
) -> None:
    """Search within the minutes, and print the run's line of the table and the ladder."""
    from greycard.api import runs_table, search
    from greycard.reports.ladder import search_lines
    from greycard.runs.run_args import read_run_args

    fixed = [
        *asked.changes.keys() - {"seed", "task"},
        *(["backbone"] if backbone else []),
        *(["track"] if asked.track else []),
    ]
    if fixed:
        raise GreycardError(
            f"--minutes searches for the best recipe, so it takes no {sorted(fixed)[0]}",
            hint="leave --minutes out to train one recipe; --set minutes=N limits its time",
        )
    _expect_no_project(folder, data_dir)
    run = search(
        folder,
        minutes=minutes,
        data_dir=data_dir,
        weights=asked.weights,
        out=asked.out,
        quiet=asked.quiet,
        author=author,
        **asked.changes,  # at most the seed and the task
    )
    print_table(runs_table([run]))
    click.echo("\n".join(["", *search_lines(run)]))
    if not asked.quiet:
        print_next_steps([run], read_run_args(run.path).data)


def _expect_no_project(folder: str, data_dir: str | None) -> None:
    """Raise a GreycardError if the folder does not exist and its name is that of a project or its dataset."""
    from greycard.datasets.open import find_path
    from greycard.projects import projects

    if find_path(folder, data_dir).exists():
        return
    named = [project.name for project in projects() if folder in (project.name, project.recipe.data.dataset)]
    if named:
        what = "a project" if folder in named else "a project's dataset"
        hint = f"`{command('run', folder if folder in named else named[0])}` trains on it"
        raise GreycardError(f"{folder} is {what}, not a folder of images", hint=hint)
