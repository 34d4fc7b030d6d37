"""`greycard run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from greycard.cli import options
from greycard.cli.next_steps import print_next_steps
from greycard.cli.output import print_table
from greycard.core.errors import GreycardError

if TYPE_CHECKING:
    from greycard.jobs.open_run import Run
    from greycard.runs.record import RunRecord


@click.command()
@click.argument("projects", nargs=-1, required=True, metavar="PROJECT|FILE...|all")
@click.option(
    "--resume",
    "go_on",
    is_flag=True,
    help="Resume unfinished runs in --out and skip finished ones.",
)
@options.data_dir
@options.training
def run(
    projects: tuple[str, ...],
    go_on: bool,
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
    """Train projects, recipe files, or all projects that have data.

    \b
    greycard run digits-cnn
    greycard run mnist-dnn mnist-cnn --epochs 5
    greycard run recipe.yaml
    greycard run all --resume

    It prints one line of the table for each. `greycard projects` lists the projects, `greycard recipe PROJECT` prints a
    project's recipe, which is a recipe file.
    """
    from greycard.api import runs_table, train
    from greycard.jobs.train import find_recipe
    from greycard.runs.record import earlier_run

    track = options.track(tensorboard, mlflow)
    changes = options.changes(epochs, seed, target_accuracy, settings)
    chosen = {name: find_recipe(name) for name in projects if name != "all"}
    chosen |= {project.name: project.recipe for project in (_all_here(data_dir) if "all" in projects else [])}
    finished, failed = [], []
    for name in chosen:
        try:
            earlier = earlier_run(out, chosen[name].replace(**changes)) if go_on else None
            if earlier is not None:
                finished.append(_gone_on_with(earlier, data_dir, weights, track, quiet))
                continue
            run = train(name, data_dir=data_dir, weights=weights, out=out, quiet=quiet, track=track, **changes)
            finished.append(run)
        except GreycardError as error:
            if len(chosen) == 1:
                raise
            failed.append(name)
            click.echo(f"error: {name}: {error}", err=True)
    if finished:
        print_table(runs_table(finished))
        if not quiet:
            print_next_steps(finished, data_dir=data_dir)
    if failed:
        raise GreycardError(
            f"{len(failed)} of {len(chosen)} projects could not be trained: {', '.join(failed)}",
            hint="see the errors above; the same command with --resume continues with the remaining projects",
        )


def _gone_on_with(run: RunRecord, data_dir: str | None, weights: str | None, track: list[str], quiet: bool) -> Run:
    from greycard.api import open_run, resume

    if not run.finished:
        return resume(run, data_dir=data_dir, weights=weights, track=track or None, quiet=quiet)
    click.echo(f"note: {run.path} is already finished", err=True)
    return open_run(run.path)


def _all_here(data_dir: str | None) -> list[Any]:
    from greycard.datasets.load import is_here
    from greycard.projects import projects as all_projects

    everything = all_projects()
    here = [project for project in everything if is_here(project.recipe.data.dataset, data_dir)]
    for project in everything:
        if project not in here:
            dataset = project.recipe.data.dataset
            click.echo(f"note: {project.name} is skipped: its data is missing (greycard fetch {dataset})", err=True)
    return here
