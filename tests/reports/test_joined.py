"""A table of the runs of many people in one shared folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import greycard
from conftest import a_summary, an_epoch
from greycard.core.errors import GreycardWarning
from greycard.core.records import to_json
from greycard.recipe import Recipe
from greycard.runs.author import AUTHOR, Author
from greycard.runs.directory import RunDirectory

_FACTS = ("greycard", "python", "machine", "backend", "backend_version", "device", "keras")


def _run(out: Path, accuracy: float = 0.9, name: str | None = None, started: str = "1", finished: bool = True) -> Path:
    """A run as training leaves it, without training."""
    directory = RunDirectory.new(out, "digits-cnn")
    directory.write_json("environment.json", {**dict.fromkeys(_FACTS, "x"), "started": started})
    directory.write_json("labels.json", {"classes": list("0123456789")})
    directory.append_history(an_epoch())
    if name:
        directory.write_json(AUTHOR, to_json(Author(name)))
    directory.write_json("recipe.json", Recipe.make(name="digits-cnn", dataset="digits", conv=(8,), epochs=1).to_json())
    if finished:
        directory.finish(
            a_summary(name="digits-cnn", val_accuracy=accuracy, best_val_accuracy=accuracy, val_images=359)
        )
    directory.release()
    return directory.path


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Three students: one with a folder of runs, one with runs in her folder, one who wrote into the shared folder."""
    folder = tmp_path / "class-7"
    _run(folder / "cleo" / "runs", 0.80)
    _run(folder / "ben", 0.92, started="2")
    _run(folder / "ben", 0.91, started="1")
    _run(folder, 0.95, name="Ada")
    return folder


def _rows(cli, *words: str | Path) -> list[dict[str, object]]:
    return json.loads(cli("table", *words, "--format", "json").out)


def test_runs_are_joined_by_name(shared: Path, cli) -> None:
    rows = _rows(cli, shared)
    assert [(row["name"], row["run"], row["val_accuracy"]) for row in rows] == [
        ("Ada", "digits-cnn-1", 0.95),
        ("ben", "digits-cnn-2", 0.91),
        ("ben", "digits-cnn-1", 0.92),
        ("cleo", "digits-cnn-1", 0.80),
    ]
    assert all(row["val_low"] < row["val_accuracy"] < row["val_high"] for row in rows)  # type: ignore[operator]
    ranked = _rows(cli, shared, "--sort", "val_accuracy")
    assert [row["name"] for row in ranked] == ["Ada", "ben", "ben", "cleo"]
    lines = cli("table", shared).out.splitlines()
    assert lines[0].startswith("name")
    assert "75.5 to 83.8 %" in lines[-1]


def test_one_students_folder_and_single_runs_work_together(shared: Path, cli) -> None:
    rows = _rows(cli, shared / "ben", shared / "cleo" / "runs" / "digits-cnn-1")
    assert [row["val_accuracy"] for row in rows] == [0.91, 0.92, 0.80]


def test_damaged_and_unfinished_runs_are_named_and_counted(shared: Path, cli) -> None:
    (_run(shared / "dora") / "summary.json").write_text("{")
    _run(shared / "emil", finished=False)
    outcome = cli("table", shared, "--format", "json")
    rows = json.loads(outcome.out)
    assert outcome.code == 0
    assert [(row["name"], row["status"]) for row in rows[-2:]] == [("cleo", "finished"), ("emil", "unfinished")]
    assert "note: dora/digits-cnn-1 is left out of the table: " in outcome.err
    assert "note: of 6 runs, 1 left out and 1 unfinished (emil/digits-cnn-1)" in outcome.err


def test_a_runs_own_name_comes_before_its_folder(tmp_path: Path, cli) -> None:
    _run(tmp_path / "computer-12", name="Ada")
    assert [row["name"] for row in _rows(cli, tmp_path)] == ["Ada"]


def test_other_files_and_the_folds_of_a_cross_validation_are_no_runs(shared: Path, cli) -> None:
    _run(shared / "ada" / "digits-cnn-crossval-1")
    (shared / "ada" / "digits-cnn-crossval-1" / "crossval.json").write_text("{}")
    (shared / ".trash").mkdir()
    _run(shared / ".trash")
    (shared / "notes.txt").write_text("hello")
    assert len(_rows(cli, shared)) == 4


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_named(shared: Path) -> None:
    (shared / "ben").chmod(0)
    with pytest.warns(GreycardWarning, match=r"ben cannot be read"):
        assert len(greycard.runs_table(shared).rows) == 2
    (shared / "ben").chmod(0o700)


def test_a_folder_without_runs_is_named(tmp_path: Path, cli) -> None:
    for folder, why in ((tmp_path, "it has no recipe.json"), (tmp_path / "nowhere", "it does not exist")):
        outcome = cli("table", folder)
        assert (outcome.code, f"{folder} is not a run: {why}" in outcome.err) == (2, True)
        assert "note:" not in outcome.err


def test_without_names_there_is_no_such_column(tmp_path: Path, cli) -> None:
    _run(tmp_path)
    assert cli("table", "--out", tmp_path).out.startswith("run ")
