"""The short variants of the projects: the same recipe with less to do, measured, and never taken for the project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import greycard
from greycard.projects import find_project, projects, short_projects

ROOT = Path(__file__).resolve().parents[2]
ROWS = json.loads((ROOT / "benchmarks" / "results" / "lessons" / "classroom.json").read_text(encoding="utf-8"))["rows"]
MEASURED = {row["name"]: row for row in ROWS if row["kind"] == "project"}
ALSO_SHORT = ("house-prices", "digits-cnn")
LESS = {"name", "image_size", "train_limit", "val_limit", "epochs", "learning_rate", "batch_size"}
TRANSFER = {"backbone", "backbone_layer", "dense"}


@pytest.mark.parametrize("name", [project.name for project in short_projects()])
def test_a_variant_only_has_less_to_do(name: str) -> None:
    variant, project = find_project(name), find_project(name.removesuffix("-short"))
    before, after = project.recipe.settings(), variant.recipe.settings()
    allowed = LESS | TRANSFER if "transfer" in name else LESS
    assert {field for field in before.keys() & after.keys() if before[field] != after[field]} <= allowed
    assert after["epochs"] < before["epochs"]
    assert (variant.recipe.augmentation is None) == ("augmented" not in name)
    assert after["image_size"] <= before["image_size"]
    assert project.published is not None
    assert variant.published is None


def test_the_list_of_projects_has_only_the_projects(cli) -> None:
    assert not any(project.name.endswith("-short") for project in projects())
    assert f"{len(short_projects())} have a variant of a minute" in cli("projects").out
    assert "is no result of that project" in cli("projects", "mnist-cnn-short").out
    assert "mnist-cnn-short" in cli("run", "mnist-cnn-shrt").err


@pytest.mark.parametrize("name", [*ALSO_SHORT, *(project.name for project in short_projects())])
def test_each_was_measured_within_a_minute_and_a_gigabyte(name: str) -> None:
    row = MEASURED[name]
    assert row["digest"] == find_project(name).recipe.digest, "measure it again: benchmarks/classroom.py"
    assert row["seconds"] <= 60
    assert row["peak_own_mb"] <= 1000
    assert row["measured"]["environment"]["machine"].endswith("2 cores")


def test_a_short_run_says_so_and_has_no_published_figures(tmp_path: Path) -> None:
    """On rendered data in the form of MNIST, because the real data is not in the package."""
    import numpy as np

    random = np.random.default_rng(0)
    images = random.integers(0, 255, (40, 28, 28), np.uint8)
    data = greycard.Dataset("mnist", tuple("0123456789"), *_splits(images))
    run = greycard.train("mnist-dnn-short", data, epochs=1, out=tmp_path, quiet=True)
    assert run.name == "mnist-dnn-short-1"
    row = greycard.runs_table(run).rows[0]
    assert (row.project, row.published) == ("mnist-dnn-short", None)


def _splits(images):  # type: ignore[no-untyped-def]
    import numpy as np

    from greycard.datasets.dataset import Split

    labels = np.arange(20) % 10
    return tuple(
        Split(tuple(f"{part}/{n}" for n in range(20)), labels, images[start : start + 20])
        for part, start in (("train", 0), ("test", 20))
    )
