"""`greycard sweep`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from greycard.cli import options
from greycard.cli.crossval import named
from greycard.cli.output import print_table, run_path


@click.command()
@click.argument("what", metavar="PROJECT|FOLDER|RECIPE")
@click.option(
    "--vary",
    "varied",
    multiple=True,
    metavar="FIELD=A,B",
    help="Try these values of a field of the recipe; repeatable: every combination is trained. Values with commas are"
    " in brackets: conv=(32,64),(32,64,128).",
)
@options.seeds
@click.option(
    "--halve-from",
    type=int,
    metavar="EPOCH",
    help="After this epoch the better half of the combinations continues, then after twice as many, and so on.",
)
@click.option(
    "--minutes",
    type=float,
    metavar="N",
    help="Time limit of each run, not of all; it also decides the recipe of a folder, as --set minutes=N does.",
)
@options.on
@options.share
@click.option("--backbone", metavar="NETWORK|RUN", help="Transfer from a network or a run, as in greycard train.")
@options.text_or_json
@options.data_dir
@options.training
def sweep(
    what: str,
    varied: tuple[str, ...],
    seeds: str | None,
    halve_from: int | None,
    minutes: float | None,
    where: str,
    share: str | None,
    backbone: str | None,
    form: str,
    data_dir: str | None,
    asked: options.Training,
) -> None:
    """Train every combination of settings and seeds, and compare them.

    \b
    greycard sweep digits-cnn --seeds 0-4 --vary learning_rate=0.003,0.001
    greycard sweep pets --epochs 16 --vary conv=(16),(32) --halve-from 2
    greycard sweep digits-cnn --seeds 0-4 --on processes:2
    greycard sweep digits-cnn --seeds 0-39 --share $SLURM_ARRAY_TASK_ID/40

    Each run is an ordinary run in the folder NAME-sweep of --out. The same command again continues, also after a crash,
    and several processes can share the folder. It prints the table, the effects and a comparison of the best.
    """
    from greycard.api import sweep as train_sweep
    from greycard.recipe.vary import parse_seeds, parse_varied

    if backbone and run_path(backbone, asked.out).is_dir():
        backbone = str(run_path(backbone, asked.out))
    found = train_sweep(
        named(what, data_dir),
        vary=parse_varied(varied),
        seeds=None if seeds is None else parse_seeds(seeds),
        halve_from=halve_from,
        on=where,
        share=options.parse_share(share),
        data_dir=data_dir,
        weights=asked.weights,
        backbone=backbone,
        out=asked.out,
        quiet=asked.quiet,
        track=asked.track,
        **({} if minutes is None else {"minutes": minutes}) | asked.changes,
    )
    print_sweep(found.path, form)


def print_sweep(path: Path, form: str = "text") -> None:
    """Print a sweep, finished or not."""
    from greycard.api import runs_table
    from greycard.reports.sweep import sweep_text
    from greycard.runs.sweep import SweepRecord
    from greycard.runs.sweep_result import result_of

    sweep = SweepRecord(path)
    found = result_of(sweep)
    if form == "json":
        click.echo(json.dumps(found.to_json(), indent=2))
        return
    if sweep.runs:
        print_table(runs_table(sweep.runs))
        click.echo()
    click.echo(sweep_text(found))
