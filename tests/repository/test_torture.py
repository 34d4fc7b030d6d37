"""Torture: a loss fails the script that meets it, and each script still does its work at its smallest."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TORTURE = Path(__file__).resolve().parents[2] / "torture"


def _tell(folder: Path, monkeypatch: pytest.MonkeyPatch, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    """What a script of torture keeps of its rows."""
    monkeypatch.syspath_prepend(str(TORTURE))
    monkeypatch.syspath_prepend(str(TORTURE.parent / "benchmarks"))
    report, result = importlib.import_module("report"), importlib.import_module("result")
    monkeypatch.setattr(report, "HERE", folder)
    monkeypatch.setattr(result, "environment", lambda: {"machine": "an abacus"})
    monkeypatch.setattr(result, "commit", lambda: "0123456789ab")
    report.tell("kills", "stage", rows, keep=True)
    return json.loads((folder / "results" / "kills.json").read_text())["rows"]


def test_rows_are_kept_with_their_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = _tell(tmp_path, monkeypatch, {"stage": "training", "killed": 3, "lost": []})
    assert [(row["stage"], row["killed"]) for row in kept] == [("training", 3)]
    assert kept[0]["measured"].keys() == {"command", "commit", "date", "environment"}


def test_a_loss_fails_the_script_after_every_row_was_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ({"stage": "training", "lost": ["a checkpoint"]}, {"stage": "writing", "lost": []})
    with pytest.raises(SystemExit, match="1 lost: a checkpoint"):
        _tell(tmp_path, monkeypatch, *rows)
    kept = json.loads((tmp_path / "results" / "kills.json").read_text())["rows"]
    assert [row["lost"] for row in kept] == [["a checkpoint"], []]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kills", "flips", "faults", "fuzz"])
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_at_its_smallest(name: str, tmp_path: Path) -> None:
    if name == "fuzz" and importlib.util.find_spec("atheris") is None:
        pytest.skip('needs pip install "greycard[torture]"')
    words = [sys.executable, TORTURE / f"{name}.py", "--quick", *(["idx", "recipe", "zip"] if name == "fuzz" else [])]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
