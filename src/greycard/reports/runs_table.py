"""The table of runs that a caller names, or of all runs in a folder."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from greycard.core.errors import GreycardError, GreycardWarning
from greycard.reports.columns import Row
from greycard.reports.joined import joined_rows
from greycard.reports.rows import row_of
from greycard.reports.table import Table, make_table
from greycard.runs.record import RunRecord, find_runs
from greycard.runs.shared import shared_runs


def runs_table(
    runs: str | Path | RunRecord | Iterable[str | Path | RunRecord] | None = None, *, out: str | Path = "runs"
) -> Table:
    """The table of runs: one line for each run, with the published figures in brackets.

    Args:
        runs: one or more runs, run directories, or folders in which many people have runs; None for all readable runs
            in `out`.
        out: the folder of runs.
    """
    if runs is None:
        return make_table(_readable(find_runs(out)))
    rows: list[Row] = []
    for each in one_by_one(runs):
        shared = [] if isinstance(each, RunRecord) else shared_runs(each)
        rows += joined_rows(shared) if shared else [row_of(RunRecord(each))]
    return Table(rows)


def one_by_one(runs: str | Path | RunRecord | Iterable[str | Path | RunRecord]) -> Iterable[str | Path | RunRecord]:
    """What the argument names: one or several."""
    several = isinstance(runs, Iterable) and not isinstance(runs, str | Path | RunRecord)
    return runs if several else [runs]  # type: ignore[return-value, list-item]


def _readable(paths: Iterable[Path]) -> Iterator[RunRecord]:
    """The readable runs; a damaged run is reported and does not hide the others."""
    for path in paths:
        try:
            run = RunRecord(path)
            make_table([run])
        except GreycardError as error:
            warnings.warn(f"{path.name} is left out of the table: {error.args[0]}", GreycardWarning, stacklevel=3)
        else:
            yield run
