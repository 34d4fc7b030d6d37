"""The runs of many people as rows of one table, by name."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

from greycard.core.errors import GreycardError, GreycardWarning
from greycard.reports.columns import Row
from greycard.reports.rows import row_of
from greycard.runs.record import RunRecord
from greycard.runs.shared import SharedRun


def joined_rows(runs: Sequence[SharedRun]) -> list[Row]:
    """A row for each run: by name, then by start time. Warnings name and count damaged and unfinished runs."""
    found: list[tuple[str, str, Row]] = []
    damaged, unfinished = 0, []
    for each in runs:
        try:
            run = RunRecord(each.path)
            row = row_of(run)
            row = replace(row, name=row.name or each.owner)
            found.append(((row.name or "").casefold(), str(run.environment["started"]), row))
        except (GreycardError, OSError) as error:
            damaged += 1
            why = error.args[0] if isinstance(error, GreycardError) else error
            warnings.warn(f"{each.label} is left out of the table: {why}", GreycardWarning, stacklevel=4)
        else:
            unfinished += [] if run.finished else [each.label]
    _warn_incomplete(len(runs), damaged, unfinished)
    return [row for _, _, row in sorted(found, key=lambda each: each[:2])]


def _warn_incomplete(runs: int, damaged: int, unfinished: Sequence[str]) -> None:
    parts = [f"{damaged} left out"] if damaged else []
    parts += [f"{len(unfinished)} unfinished ({', '.join(unfinished)})"] if unfinished else []
    if parts:
        warnings.warn(f"of {runs:,} runs, {' and '.join(parts)}", GreycardWarning, stacklevel=5)
