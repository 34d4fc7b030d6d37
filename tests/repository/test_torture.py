"""Torture: nothing was lost in what is committed, and each script still does its work at its smallest."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TORTURE = Path(__file__).resolve().parents[2] / "torture"
KEPT = ("resumes", "kills", "flips", "faults", "fuzz")


@pytest.mark.parametrize("name", KEPT)
def test_nothing_was_lost(name: str) -> None:
    rows = json.loads((TORTURE / "results" / f"{name}.json").read_text())["rows"]
    for row in rows:
        assert not row["lost"], row
        assert row["measured"]["command"].startswith(f"python torture/{name}.py")
        assert {"commit", "date", "environment"} <= row["measured"].keys()


def test_enough_was_tried() -> None:
    rows = {name: json.loads((TORTURE / "results" / f"{name}.json").read_text())["rows"] for name in KEPT}
    assert sum(row["killed"] for row in rows["kills"]) >= 100
    assert all(row["killed"] == row["survived"] for row in rows["kills"])
    assert all(row["injected"] == row["recovered"] for row in rows["faults"])
    assert all(row["checkpoint_share"] < 0.02 for row in rows["resumes"])
    assert all(row["peak_memory_mb"] < row["expected_memory_mb"] for row in rows["resumes"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kills", "flips", "faults", "fuzz"])
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_at_its_smallest(name: str, tmp_path: Path) -> None:
    if name == "fuzz" and importlib.util.find_spec("atheris") is None:
        pytest.skip('needs pip install "greycard[torture]"')
    words = [sys.executable, TORTURE / f"{name}.py", "--quick", *(["idx", "recipe", "zip"] if name == "fuzz" else [])]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
