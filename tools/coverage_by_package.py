"""Print how many lines and branches the tests cover, by package: `make coverage`."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    """One line a package and one for all.

    Args:
        report: what `coverage json` writes, branches included.
    """
    covered: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    for file, found in report["files"].items():
        for name in (_package(file), "total"):
            covered[name] += found["summary"]["covered_lines"] + found["summary"]["covered_branches"]
            total[name] += found["summary"]["num_statements"] + found["summary"]["num_branches"]
    for name in sorted(total, key=lambda each: (each == "total", each)):
        if total[name]:
            yield f"{name:<14} {100 * covered[name] / total[name]:5.1f} %  {covered[name]:>6,} of {total[name]:>6,}"


def _package(file: str) -> str:
    """The folder below `greycard/`, or `greycard` for the files beside the packages."""
    parts = PurePath(file).parts
    inside = parts[len(parts) - 1 - parts[::-1].index("greycard") + 1 :]
    return inside[0] if len(inside) > 1 else "greycard"


if __name__ == "__main__":
    print(*lines(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), sep="\n")
