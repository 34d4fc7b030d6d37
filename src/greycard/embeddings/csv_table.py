"""Feature vectors as CSV, for other programs: columns id, path, label, and one for each feature."""

from __future__ import annotations

import csv
from pathlib import Path

from greycard.embeddings.table import About, Rows

_FIRST = ["id", "path"]
_FEATURE = "f{}"


def is_csv_of_vectors(place: Path) -> bool:
    """Whether a file has the columns that `CsvWriter` writes."""
    if place.suffix.lower() != ".csv" or not place.is_file():
        return False
    with place.open(newline="", encoding="utf-8", errors="replace") as file:
        columns = next(csv.reader(file), [])
    return columns[:2] == _FIRST and _FEATURE.format(0) in columns[2:4]


class CsvWriter:
    """Writes lines; a CSV file has no metadata.

    Args:
        place: the file.
        about: of which it writes the number of features only.
    """

    def __init__(self, place: Path, about: About) -> None:
        self._file = place.open("w", newline="", encoding="utf-8", errors="backslashreplace")
        self._lines, self._labelled = csv.writer(self._file, lineterminator="\n"), about.labelled
        label = ["label"] if about.labelled else []
        self._lines.writerow([*_FIRST, *label, *map(_FEATURE.format, range(about.network.features))])

    def write(self, rows: Rows) -> None:
        for id, path, label, vector in zip(rows.ids, rows.paths, rows.labels, rows.vectors, strict=True):
            shown = [label or ""] if self._labelled else []
            self._lines.writerow([id, path, *shown, *(f"{value:.7g}" for value in vector.tolist())])

    def close(self) -> None:
        self._file.close()
