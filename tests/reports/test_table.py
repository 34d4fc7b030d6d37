"""The table of runs: every format the same rows, published figures beside ours, sorted, and result to a terminal."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

import greycard
from conftest import a_summary, an_epoch
from greycard.core.errors import GreycardError
from greycard.core.published import Published
from greycard.evaluation.timing import TimeSpent
from greycard.recipe import Recipe
from greycard.reports.columns import COLUMNS
from greycard.runs.directory import RunDirectory

PUBLISHED = Published(train_accuracy=0.998, val_accuracy=0.981, seconds_per_epoch=4.0, note="centred | images")

ENVIRONMENT = ("greycard", "python", "machine", "backend", "backend_version", "device", "keras")
_CLOCK = itertools.count(100)


def _clock() -> int:
    return next(_CLOCK)


def _run(out: Path, name: str = "mnist-dnn", accuracy: float = 0.97, finished: bool = True, seed: int = 0) -> Path:
    """A run as training leaves it, without training."""
    directory = RunDirectory.new(out, name)
    directory.write_json("environment.json", {**dict.fromkeys(ENVIRONMENT, "x"), "started": f"2026-01-01-{_clock()}"})
    directory.write_json("labels.json", {"classes": list("0123456789")})
    directory.write_json(
        "recipe.json", Recipe.make(name=name, dataset="mnist", dense=(8,), epochs=3, seed=seed).to_json()
    )
    for epoch in range(1, 4 if finished else 2):
        directory.append_history(an_epoch(epoch))
    if finished:
        accuracies = {"val_accuracy": accuracy, "best_val_accuracy": accuracy + 0.01}
        time = TimeSpent({}, 0.0, None, 4000.0, None)
        directory.finish(
            a_summary(name=name, epochs=3, best_epoch=2, seed=seed, time=time, published=PUBLISHED, **accuracies)
        )
    directory.release()
    return directory.path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    _run(tmp_path, accuracy=0.95)
    _run(tmp_path, accuracy=0.97, seed=1)
    _run(tmp_path, "mnist-cnn", finished=False)
    return tmp_path


def test_json_is_a_list_with_an_object_a_run(out: Path, cli) -> None:
    rows = json.loads(cli("table", "--out", out, "--format", "json").out)
    assert [row["run"] for row in rows] == ["mnist-dnn-1", "mnist-dnn-2", "mnist-cnn-1"]  # as they were begun
    assert rows[0]["val_accuracy"] == 0.95
    assert rows[0]["published_val_accuracy"] == 0.981
    assert [row["status"] for row in rows] == ["finished", "finished", "unfinished"]


def test_text_markdown_and_html_show_both_figures(out: Path, cli) -> None:
    for form in ("text", "md", "html"):
        shown = cli("table", "--out", out, "--format", form).out
        assert "95.00 % (98.10 %)" in shown
        assert "96.00 % @ 2" in shown
        assert "1 of 3" in shown
        assert "1.1 h" in shown
    assert cli("table", "--out", out, "--format", "md").out.splitlines()[1].startswith("| --- |")


def test_csv_reads_back(out: Path, cli) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("table", "--out", out, "--format", "csv").out)))
    assert [row["val_accuracy"] for row in rows] == ["0.95", "0.97", ""]


@pytest.mark.parametrize("name", ["a|b", "<b>x", "`x`", "=1+1", "@x", "two\nlines", "猫"])
def test_names_mean_nothing_in_any_format(name: str, tmp_path: Path) -> None:
    """A run's folder may be renamed, and its dataset is named as its owner likes."""
    run = _run(tmp_path)
    recipe = json.loads((run / "recipe.json").read_text())
    (run / "recipe.json").write_text(json.dumps(recipe | {"data": {"dataset": name}}))
    renamed = run.rename(tmp_path / name)
    table = greycard.runs_table(renamed)
    header, rule, row = table.markdown().splitlines()
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in (header, rule, row)}) == 1
    assert not re.search(r"(?<!\\)[<`]", row)
    (cells,) = csv.DictReader(io.StringIO(table.csv()))
    assert cells["run"].removeprefix("'") == cells["dataset"].removeprefix("'") == name
    assert not cells["run"].startswith(("=", "@"))
    assert "<b>" not in table.html()
    assert len(table.text().splitlines()) == 3


def test_columns_stand_under_one_another_in_east_asian_names_too(tmp_path: Path) -> None:
    paths = [_run(tmp_path).rename(tmp_path / name) for name in ("猫猫猫猫", "dog")]
    lines = greycard.runs_table(paths).text().splitlines()
    assert len({cell_len(line[: line.index("mnist")]) for line in lines[2:]}) == 1


def test_named_runs_and_sorting(out: Path, cli) -> None:
    rows = json.loads(cli("table", "mnist-dnn-2", out / "mnist-dnn-1", "--out", out, "--format", "json").out)
    assert [row["run"] for row in rows] == ["mnist-dnn-2", "mnist-dnn-1"]
    ordered = json.loads(cli("table", "--out", out, "--format", "json", "--sort", "val_accuracy").out)
    assert [row["val_accuracy"] for row in ordered] == [0.97, 0.95, None]
    outcome = cli("table", "--out", out, "--sort", "colour")
    assert outcome.code == 2
    assert "val_accuracy" in outcome.err


@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
def test_text_fits_the_terminal_and_says_what_is_missing(width: int, out: Path) -> None:
    table = greycard.runs_table(out=out)
    *lines, last = table.text(width).splitlines()
    assert all(len(line) <= width for line in lines)
    shown = [column.title for column in COLUMNS if column.title in lines[0]]
    hidden = [column.title for column in COLUMNS if column.title in last]
    every = table.markdown().splitlines()[0]
    assert {*shown, *hidden} == {column.title for column in COLUMNS if f"| {column.title} |" in every}
    assert "val acc (published)" in shown


def test_a_table_shows_itself_in_a_notebook(out: Path) -> None:
    assert "<table>" in greycard.runs_table(out=out)._repr_html_()
    assert "<table>" in greycard.open_run(out / "mnist-dnn-1")._repr_html_()


def test_no_runs_is_no_error(cli) -> None:
    assert json.loads(cli("table", "--format", "json").out) == []
    assert "greycard run digits-cnn" in cli("table").err


@pytest.mark.parametrize("command", ["table", "show"])
def test_what_is_no_run_is_named(command: str, cli) -> None:
    Path("empty").mkdir()
    for name in ("empty", "nowhere"):
        outcome = cli(command, name)
        assert outcome.code == 2
        assert f"{name} is not a run" in outcome.err


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": 99}', ""])
def test_a_damaged_or_newer_run_is_named(content: str, out: Path) -> None:
    (out / "mnist-dnn-1" / "summary.json").write_text(content)
    with pytest.raises(GreycardError, match=r"summary\.json"):
        greycard.runs_table([out / "mnist-dnn-1"])


def test_a_damaged_history_is_named(out: Path) -> None:
    (out / "mnist-cnn-1" / "history.jsonl").write_text("not json\n")
    with pytest.raises(GreycardError, match=r"history\.jsonl"):
        greycard.runs_table([out / "mnist-cnn-1"])


@pytest.mark.parametrize("content", ["[]\n", "{}\n", '{"epoch": 1}\n'])
def test_a_history_without_its_keys_is_named(content: str, out: Path) -> None:
    (out / "mnist-cnn-1" / "history.jsonl").write_text(content)
    with pytest.raises(GreycardError, match=r"history\.jsonl"):
        greycard.runs_table(out / "mnist-cnn-1")


def test_a_damaged_run_does_not_hide_the_others(out: Path, cli) -> None:
    (out / "mnist-dnn-1" / "recipe.json").write_text("{")
    outcome = cli("table", "--out", out, "--format", "json")
    assert [row["run"] for row in json.loads(outcome.out)] == ["mnist-dnn-2", "mnist-cnn-1"]
    assert "note: mnist-dnn-1 is left out of the table" in outcome.err


def test_keys_that_are_times_say_seconds(tmp_path: Path) -> None:
    run = greycard.train("digits-cnn", epochs=2, train_limit=100, val_limit=50, out=tmp_path, quiet=True)

    def times(content: dict[str, Any]) -> set[str]:
        return {key for key in content if "time" in key or "duration" in key}

    assert times(run.summary.to_json()) == {"time"}
    assert not times(run.summary.time.__dict__)
    assert all(not times(epoch.to_json()) for epoch in run.history)
    assert run.summary.seconds_per_epoch == run.history[1].seconds
    assert run.summary.first_epoch_seconds == run.history[0].seconds


@pytest.mark.parametrize(("name", "value"), [("val_accuracy", 5.3), ("seconds_per_epoch", "long"), ("val_loss", [1])])
def test_a_summary_with_figures_that_are_none_is_named(name: str, value: object, tmp_path: Path, cli) -> None:
    run = _run(tmp_path)
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps(summary | {name: value}))
    said = cli("show", run)
    assert (said.code, f"summary.json cannot be read: {name} must be" in said.err) == (2, True)
    assert f"Received: {value!r}" in said.err
