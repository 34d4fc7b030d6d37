"""Print a version's section of CHANGELOG.md, for its release: `python tools/release_notes.py v0.1.0`."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def notes(tag: str, changelog: str, version: str) -> str:
    """What CHANGELOG.md says about a tag.

    Args:
        tag: such as `v0.1.0`.
        changelog: its text; the section's heading is `## 0.1.0 (2026-11-30)`.
        version: the one in pyproject.toml.

    Raises:
        SystemExit: the tag is not that version, or its section is missing, undated or empty.
    """
    if tag != f"v{version}":
        raise SystemExit(f"the tag is {tag}, but pyproject.toml says {version}: expected the tag v{version}")
    heading = rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)$"
    found = re.search(rf"{heading}\n(.*?)(?=^## |\Z)", changelog, re.DOTALL | re.MULTILINE)
    if not found or not found[1].strip():
        raise SystemExit(f"CHANGELOG.md needs a section `## {version} (YYYY-MM-DD)` that says what changed")
    return found[1].strip()


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    print(notes(sys.argv[1], (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), project["version"]))
