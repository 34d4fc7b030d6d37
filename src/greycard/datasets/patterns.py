"""Files that match a pattern such as `new/**/*.jpg`; links to folders are not followed, to avoid loops."""

from __future__ import annotations

import fnmatch
import glob
from collections.abc import Sequence
from pathlib import Path

from greycard.datasets.inside import files_below


def matching(pattern: str) -> list[Path]:
    """Sorted matches of a pattern: with `**` visible files at any depth, without it files and folders."""
    parts = Path(pattern).parts
    if "**" not in parts:
        return [Path(match) for match in sorted(glob.glob(pattern))]
    first = parts.index("**")
    roots = sorted(glob.glob(str(Path(*parts[:first])))) if first else ["."]
    found = [(root, path) for root in map(Path, roots) if root.is_dir() for path in files_below(root).files]
    return [path for root, path in found if _match(path.relative_to(root).parts, parts[first:])]


def _match(path: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(_match(path[skipped:], pattern[1:]) for skipped in range(len(path) + 1))
    return bool(path) and fnmatch.fnmatchcase(path[0], pattern[0]) and _match(path[1:], pattern[1:])
