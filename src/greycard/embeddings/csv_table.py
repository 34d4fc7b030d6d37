"""Feature vectors as CSV, for other programs: columns id, path, label, and one for each feature."""

from __future__ import annotations

import csv
from pathlib import Path

from greycard.embeddings.table import About, Rows


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
        self._lines.writerow(["id", "path", *label, *(f"f{number}" for number in range(about.network.features))])

    def write(self, rows: Rows) -> None:
        for id, path, label, vector in zip(rows.ids, rows.paths, rows.labels, rows.vectors, strict=True):
            shown = [label or ""] if self._labelled else []
            self._lines.writerow([id, path, *shown, *(f"{value:.7g}" for value in vector.tolist())])

    def close(self) -> None:
        self._file.close()
