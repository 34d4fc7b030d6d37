"""The result of a check of a list of images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greycard.audit.finding import STRICT, Finding


@dataclass(frozen=True)
class ListReport:
    """The result of a check of images without labels.

    Attributes:
        name: of the list.
        images: number of images in it.
        findings: the most serious first, each with its first images.
        folder: with all images of the findings, in Parquet files.
    """

    name: str
    images: int
    findings: tuple[Finding, ...]
    folder: Path

    def __repr__(self) -> str:
        return f"ListReport({self.name!r}, {len(self.findings)} kinds of findings)"

    @property
    def fails_strict(self) -> bool:
        """True if `--strict` fails: unreadable files."""
        return any(finding.kind in STRICT for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "images": self.images,
            "findings": [finding.to_json() for finding in self.findings],
            "folder": str(self.folder),
        }
