"""The findings of a check of a list: how many, the first images of each, and all of them in Parquet files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from greycard.audit.content import repeated
from greycard.audit.duplicates import Pair, grouped, surest_pairs
from greycard.audit.files import Remark, file_finding
from greycard.audit.finding import KINDS, Finding
from greycard.audit.list_report import ListReport
from greycard.audit.thumbnails import Thumbnails
from greycard.cluster.check.files import expect_own, write_duplicates, write_remarks
from greycard.cluster.check.listing import Listing
from greycard.cluster.check.remarks import Remarks
from greycard.core.atomic_files import atomic_path
from greycard.deploy.answers.answer import as_text

_SHOWN, _OF_GROUP = 12, 4
"""Groups of each finding in the report, and images of each group: names of all might not fit into memory."""


def report_of(
    name: str, listing: Listing, units: Sequence[Remarks], pairs: Sequence[Pair], place: Path
) -> tuple[ListReport, Thumbnails]:
    """Write the Parquet files, and report what is in them.

    Args:
        name: of the list.
        listing: the images.
        units: whose remarks are written.
        pairs: rows that show the same image, the most certain first.
        place: the folder of the files; it is replaced as a whole.

    Returns:
        The report, and thumbnails of the images in it.
    """
    groups, seen = grouped(pairs), _Seen()
    with atomic_path(place, replaces_folder=True) as draft:
        draft.mkdir()
        for table in write_remarks(draft, listing, units):
            seen.add(table)
        write_duplicates(draft, listing, pairs, groups)
        expect_own(place)
    shown = sorted({row for rows in groups[:_SHOWN] for row in rows[:_OF_GROUP]})
    names = dict(zip(shown, map(as_text, listing.names(np.array(shown, np.int64))), strict=True))
    found = [*seen.findings(), *_duplicates(pairs, groups, names)]
    ranked = sorted(found, key=lambda finding: list(KINDS).index(finding.kind))
    return ListReport(name, len(listing), tuple(ranked), place), _thumbnails(listing, names | seen.names)


class _Seen:
    """The number of remarks of each kind, and the first ones."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: defaultdict[str, list[Remark]] = defaultdict(list)
        self.names: dict[int, str] = {}

    def add(self, table: Any) -> None:
        """Count the remarks of a table, and keep the first ones."""
        from pyarrow import compute

        for kind in compute.unique(table["kind"]).to_pylist():
            some = table.filter(compute.field("kind") == kind)
            self._counts[kind] += len(some)
            for row in some.slice(0, max(0, _SHOWN - len(self._first[kind]))).to_pylist():
                self._first[kind].append(Remark(kind, row["path"], row["detail"]))
                self.names[row["row"]] = row["path"]

    def findings(self) -> list[Finding]:
        return [file_finding(remarks, self._counts[kind]) for kind, remarks in self._first.items()]


def _duplicates(pairs: Sequence[Pair], groups: Sequence[Sequence[int]], names: dict[int, str]) -> list[Finding]:
    if not pairs:
        return []
    surest, first = surest_pairs(pairs), groups[:_SHOWN]
    ids = [tuple(names[row] for row in rows[:_OF_GROUP]) for rows in first]
    more = [f"; {len(rows):,} images" if len(rows) > _OF_GROUP else "" for rows in first]
    details = [surest[rows[0]].words + text for rows, text in zip(first, more, strict=True)]
    return [repeated(pairs, groups, ids, details)]


def _thumbnails(listing: Listing, names: dict[int, str]) -> Thumbnails:
    """Thumbnails of the readable ones among some rows, under their names."""
    rows, found = listing.thumbnails(np.array(sorted(names), np.int64))
    return replace(found, ids=tuple(names[row] for row in rows.tolist()))
