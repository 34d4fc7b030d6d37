"""Records, ablation and peers: what is listed is what a result file has, and how the figures are made."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import greycard
from conftest import make_folder
from greycard.core.errors import GreycardError
from greycard.evaluation.intervals import wilson
from greycard.projects import find_project, projects, records
from greycard.projects.digits import digits_cnn
from greycard.projects.record import BUDGETS, Measured, Record

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import one of the scripts by its name, as they import each other."""
    monkeypatch.syspath_prepend(str(BENCHMARKS / "peers"))
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module


def a_row(**figures: Any) -> dict[str, Any]:
    one = records.candidates()[0]
    measured = {"date": "2026-11-26", "environment": {"machine": "an abacus, 2 cores"}}
    row = {"record": one.name, "digest": one.recipe.digest, "seed": 0, "minutes": one.minutes, "measured": measured}
    return row | {"seconds": 20.0, "images": 360, "accuracy": 0.9, "measured_on": "validation"} | figures


def test_the_package_has_what_the_result_file_says(benchmark: Any) -> None:
    script = benchmark("records")
    file = script.RESULTS / "records.json"
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"] if file.is_file() else []
    assert json.loads(script.PACKAGED.read_text(encoding="utf-8")) == script.packaged(rows)


def test_a_record_has_its_seeds_together(benchmark: Any) -> None:
    rows = [a_row(accuracy=0.9, seconds=20.0), a_row(seed=1, accuracy=0.95, seconds=30.0)]
    found = benchmark("records").packaged([*rows, a_row(seed=2, digest="an earlier recipe", accuracy=0.1)])
    assert len(found["records"]) == 1
    its = found["records"][0]
    low, high = wilson(round(0.925 * 360), 360)
    assert (its["seeds"], its["accuracy"], its["lowest"], its["highest"]) == (2, pytest.approx(0.925), 0.9, 0.95)
    assert (its["low"], its["high"], its["seconds"]) == (low, high, 30.0)


def as_measured(benchmark: Any, monkeypatch: pytest.MonkeyPatch, **figures: Any) -> Measured:
    made = Measured(**benchmark("records").packaged([a_row(**figures)])["records"][0])
    monkeypatch.setattr(records, "measured", lambda: (made,))
    return made


def test_the_command_lists_a_measured_record(benchmark: Any, monkeypatch: pytest.MonkeyPatch, cli: Any) -> None:
    made = as_measured(benchmark, monkeypatch)
    said = cli("records")
    assert said.code == 0
    assert "digits" in said.out
    assert "90.00 %" in said.out
    assert "greycard run digits-1-minute" in said.out
    listed = json.loads(cli("records", "--format", "json").out)
    assert [(each["name"], each["accuracy"], each["minutes"]) for each in listed] == [(made.name, 0.9, 1)]
    assert "`greycard run digits-1-minute`" in benchmark("gains").records_table()


@pytest.mark.parametrize("figures", [{"digest": "another recipe"}, {"seconds": 61.0}])
def test_what_was_not_measured_or_took_too_long_is_no_record(
    figures: dict[str, Any], benchmark: Any, monkeypatch: pytest.MonkeyPatch, cli: Any
) -> None:
    as_measured(benchmark, monkeypatch, **figures)
    said = cli("records")
    assert (said.code, said.out) == (0, "")
    assert "no record has been measured yet" in said.err


def test_a_record_is_a_project_of_its_own() -> None:
    names = [each.name for each in records.candidates()]
    assert len(set(names)) == len(names)
    assert not set(names) & {project.name for project in projects()}
    for each in records.candidates():
        assert find_project(each.name).recipe == each.recipe
        assert find_project(each.name).published is None
        assert each.minutes in BUDGETS
    with pytest.raises(GreycardError, match=r"a budget of 1, 10, 60 minutes. Received: 5"):
        Record(5, digits_cnn(), "")


def test_a_figure_that_was_chosen_on_its_own_images_is_no_record(benchmark: Any, tmp_path: Path) -> None:
    figure = benchmark("records").figure
    few = {"epochs": 1, "train_limit": 60, "val_limit": 30, "conv": (), "dense": (8,), "out": tmp_path, "quiet": True}
    last = greycard.train("digits-cnn", **few)
    assert figure(last) == {"measured_on": "validation", "images": 30, "accuracy": last.summary.val_accuracy}
    with pytest.raises(SystemExit, match="chose its epoch on validation"):
        figure(greycard.train("digits-cnn", keep="best", **few))


def test_an_ingredient_is_compared_over_its_seeds(benchmark: Any, tmp_path: Path) -> None:
    ablation, gains = benchmark("ablation"), benchmark("gains")
    one = ablation.Ingredient("a layer", "digits-cnn", without={"dense": (2,), "conv": ()}, with_it={"conv": ()})
    row = ablation.measure(one, range(2), tmp_path, quick=True)
    assert (row["ingredient"], row["images"], row["seeds"]) == ("a layer", 50, [0, 1])
    assert len(row["with"]) == len(row["without"]) == 2
    gain = sum(row["with"]) / 2 - sum(row["without"]) / 2
    assert row["difference"] == pytest.approx(gain)
    assert row["low"] <= gain <= row["high"]
    shown = gains._ingredient(row)
    assert shown[4] == f"{100 * gain:+.2f}"


def test_ingredients_name_fields_that_a_recipe_has(benchmark: Any) -> None:
    for each in benchmark("ablation").INGREDIENTS:
        recipe = find_project(each.project).recipe
        assert recipe.replace(**each.without).digest != recipe.replace(**each.with_it).digest


def test_sides_are_compared_at_equal_minutes_and_equal_accuracy(benchmark: Any) -> None:
    compare = benchmark("side_by_side")
    fast, slow = [compare.Point(1.0, 0.95)], [compare.Point(2.0, 0.90), compare.Point(4.0, 0.97)]
    assert compare.accuracy_at(slow, 1.0) is None
    assert compare.accuracy_at(slow, 3.0) == 0.90
    assert compare.minutes_to(slow, 0.95) == 4.0
    assert compare.minutes_to(fast, 0.97) is None
    assert compare.side_by_side({"fast": fast, "slow": slow}) == [
        "fast: 95.00 % after 1.00 minutes",
        "  slow then had nothing yet, and reached it after 4.00 minutes",
        "slow: 97.00 % after 4.00 minutes",
        "  fast then had 95.00 %, and did not reach it",
    ]


@pytest.mark.slow
def test_the_guide_of_keras_runs(benchmark: Any, real_weights: Path, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "images", ("train", "validation"), ("dark", "light"), 3)
    weights = real_weights / benchmark("side_by_side").MOBILENET
    words = [sys.executable, BENCHMARKS / "peers" / "keras_guide.py", folder, "--weights", weights]
    said = benchmark("child").run([*words, "--epochs", 1, 1, "--steps", 1]).output
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert [line["stage"] for line in lines] == ["frozen", "fine-tuned"]
    assert 0 < lines[0]["minutes"] < lines[1]["minutes"]
