"""Searches and cross-validations of numbers compare recipes and folds by their errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import greycard
from greycard.core.errors import GreycardError
from greycard.search.decide import best_of, number_gain
from greycard.search.record import DONE, Rung
from greycard.search.set_aside import in_three_parts


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 images of noise around a grey level, and the level."""
    folder, draws = tmp_path_factory.mktemp("levels"), np.random.default_rng(4)
    lines = ["path,level"]
    for row in range(60):
        level = int(draws.integers(30, 220))
        Image.fromarray((level + draws.integers(-30, 30, (12, 12, 3))).clip(0, 255).astype(np.uint8)).save(
            folder / f"{row}.png"
        )
        lines.append(f"{row}.png,{level / 10}")
    (folder / "levels.csv").write_text("\n".join(lines) + "\n")
    return folder / "levels.csv"


@pytest.mark.slow
def test_a_search_reports_the_error_on_images_that_no_choice_has_seen(labels: Path, tmp_path: Path, cli) -> None:
    run = greycard.search(labels, task="regression", minutes=0.1, weights="none", out=tmp_path, quiet=True)
    numbers, record = run.summary.numbers, run.search
    assert numbers is not None
    assert numbers.test is not None
    assert numbers.test.images == run.summary.test_images == record.set_aside.images
    done = [rung for rung in record.rungs if rung.state == DONE]
    assert done
    assert record.rung(record.best).val_mae == min(rung.val_mae for rung in done)
    assert all(rung.val_accuracy is None for rung in done)
    assert run.task.target == run.target
    said = cli("show", run.path)
    assert "reported: off by" in said.out
    assert "off by" in run.report()


def test_each_image_is_predicted_by_a_model_that_was_not_trained_on_it(labels: Path, tmp_path: Path, cli) -> None:
    recipe = greycard.Recipe.make("levels", str(labels), model="mlp", image_size=12, epochs=3, learning_rate=0.01)
    found = greycard.crossval(recipe, folds=2, out=tmp_path, quiet=True)
    assert sorted(found.predictions["ids"].tolist()) == sorted(f"{row}.png" for row in range(60))
    errors = np.abs(found.predictions["probabilities"][:, 0] - found.predictions["labels"])
    assert found.numbers.mae == pytest.approx(errors.mean(), rel=1e-5)
    assert np.average([fold.mae for fold in found.folds], weights=[fold.images for fold in found.folds]) == (
        pytest.approx(found.numbers.mae, rel=1e-5)
    )
    both = [run.predictions["labels"] for run in found.runs]
    assert abs(both[0].mean() - both[1].mean()) < 2  # small and large numbers in each
    assert json.loads(json.dumps(found.to_json()))["mae"] == found.numbers.mae
    said = cli("show", found.path)
    assert said.code == 0
    assert "mean absolute error" in said.out


def test_the_lower_error_is_better() -> None:
    rungs = [
        Rung(name=name, what="", least_epochs=1, state=DONE, val_mae=mae) for name, mae in (("a", 3.0), ("b", 2.0))
    ]
    assert best_of(rungs).name == "b"
    errors = np.abs(np.random.default_rng(0).normal(size=100))
    gain = number_gain("a", 0.5 * errors, errors)
    assert gain.difference == pytest.approx(0.5 * errors.mean())
    assert gain.low > 0
    assert gain.p < 0.01


def test_three_parts_have_small_and_large_numbers(labels: Path) -> None:
    parts = in_three_parts(greycard.open_dataset(labels), 0)
    for split in parts.dataset.splits:
        assert split.labels.min() < 9
        assert split.labels.max() > 16
    few = greycard.open_dataset(labels).limited(8, 4, 0)
    with pytest.raises(GreycardError, match="a search needs at least 20"):
        in_three_parts(few, 0)
