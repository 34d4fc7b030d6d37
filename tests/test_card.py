"""The model card: every figure is the run's own, what is not known is said."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import greycard
from greycard.reports.columns import percent, span


def test_a_card_has_the_runs_own_figures(tmp_path: Path, cli: Any) -> None:
    run = greycard.train("digits-cnn", epochs=2, train_limit=300, val_limit=100, out=tmp_path, quiet=True)
    said = cli("card", run.path)
    assert (said.code, said.out) == (0, run.card())
    assert f"| accuracy, last epoch | {percent(run.scores['accuracy'])} | {span(*run.scores['interval'])} |" in said.out
    for each in run.scores["classes"]:
        assert f"| recall of {each['class']} ({each['support']} images) | {percent(each['recall'])} |" in said.out
    assert "licence: CC BY 4.0" in said.out
    assert run.recipe.digest in said.out
    recipe = re.search(r"```json\n(.*?)```", said.out, re.DOTALL)
    assert recipe
    assert json.loads(recipe[1]) == run.recipe.to_json()
    assert all(verdict.sentence in said.out for verdict in run.diagnose())


def test_a_folder_of_ones_own_has_a_licence_that_greycard_does_not_know(pictures: Path, tmp_path: Path) -> None:
    tiny: dict[str, Any] = {"epochs": 1, "image_size": 24, "conv": (4,), "dense": (4,), "backbone": None}
    card = greycard.train(greycard.load_folder(pictures), out=tmp_path / "runs", quiet=True, **tiny).card()
    assert "the folder pictures; licence: not known to Greycard" in card
    assert "the probability of light, (n, 1)" in card
    assert "None" not in card


def test_a_regression_has_a_card_too(tmp_path: Path) -> None:
    card = greycard.train("house-prices", out=tmp_path, quiet=True).card()
    assert "run.predict_numbers([7])" in card
    assert "recall" not in card


def test_an_unfinished_run_has_none(tmp_path: Path, cli: Any) -> None:
    run = greycard.train("house-prices", out=tmp_path, quiet=True)
    (run.path / "summary.json").unlink()
    said = cli("card", run.path)
    assert (said.code, "is unfinished" in said.err) == (2, True)
