"""The model card: every figure is the run's own, what is not known is said."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import greycard
from greycard.reports.columns import percent, span
from greycard.reports.escapes import markdown, markdown_sentence, one_line


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    out = tmp_path_factory.mktemp("runs")
    return greycard.train("digits-cnn", epochs=2, train_limit=300, val_limit=100, out=out, quiet=True)


def test_a_card_has_the_runs_own_figures(digits: greycard.Run, cli: Any) -> None:
    run = digits
    said = cli("card", run.path)
    assert (said.code, said.out) == (0, run.card())
    assert f"| accuracy, last epoch | {percent(run.scores.accuracy)} | {span(*run.scores.interval)} |" in said.out
    for each in run.scores.classes:
        assert f"| recall of {each.name} ({each.support} images) | {percent(each.recall)} |" in said.out
    assert "licence: CC BY 4.0" in said.out
    assert run.recipe.digest in said.out
    recipe = re.search(r"```json\n(.*?)```", said.out, re.DOTALL)
    assert recipe
    assert json.loads(recipe[1]) == run.recipe.to_json()
    assert all(verdict.sentence in said.out for verdict in run.diagnose())


def test_a_card_names_the_weights_of_each_backbone(digits: greycard.Run, tmp_path: Path) -> None:
    copy = shutil.copytree(digits.path, tmp_path / "two-1")
    summary = json.loads((copy / "summary.json").read_text())
    files = [{"file": f"{name}.h5", "sha256": name * 4} for name in ("one", "two")]
    (copy / "summary.json").write_text(json.dumps(summary | {"weights": files}))
    said = greycard.open_run(copy).card()
    assert said.count("pretrained weights are") == 2
    assert "`two.h5` (SHA-256 `twotwotwotwo`)" in said
    assert "pretrained weights" not in digits.card()


def test_a_folder_of_ones_own_has_a_licence_that_greycard_does_not_know(images: Path, tmp_path: Path) -> None:
    tiny: dict[str, Any] = {"epochs": 1, "image_size": 24, "conv": (4,), "dense": (4,), "backbone": None}
    card = greycard.train(greycard.load_folder(images), out=tmp_path / "runs", quiet=True, **tiny).card()
    assert "the folder images; licence: unknown;" in card
    assert "the probability of light, (n, 1)" in card
    assert "None" not in card


NAMES = ("a|b", "<b>bold</b>", "`code`", "two\nlines", "*star*", "_under_", "[link](x)", "back\\slash", "=1+1", "$x$")


@pytest.fixture
def odd(digits: greycard.Run, tmp_path: Path) -> greycard.Run:
    """A finished run whose classes have names that mean something in Markdown."""
    copy = shutil.copytree(digits.path, tmp_path / "odd-1")
    labels = json.loads((copy / "labels.json").read_text())
    (copy / "labels.json").write_text(json.dumps(labels | {"classes": NAMES}))
    return greycard.open_run(copy)


def test_names_mean_nothing_in_a_card(odd: greycard.Run) -> None:
    """Every row of its table has three cells, and a reader of Markdown sees the names as they are."""
    card = odd.card()
    rows = [line for line in card.splitlines() if line.startswith("| recall of ")]
    assert len(rows) == len(NAMES)
    for row, name in zip(rows, NAMES, strict=True):
        cells = re.split(r"(?<!\\)\|", row)
        assert len(cells) == 5, row
        shown = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", cells[1])
        assert shown.startswith(f" recall of {one_line(name)} ("), row
    assert "<b>" not in card
    assert "\n    " not in card.split("```")[0]


@given(name=st.text(max_size=20))
def test_any_name_is_one_line_of_markdown(name: str) -> None:
    shown = markdown(name)
    assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", shown) == one_line(name)
    assert not re.search(r"(?<!\\)(?:\\\\)*[|`<>*\[\]]", shown)
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [("look with `greycard check`, a|b", r"look with `greycard check`, a\|b"), ("the class `x", r"the class \`x")],
)
def test_commands_stay_code_in_a_card(sentence: str, shown: str) -> None:
    assert markdown_sentence(sentence) == shown


def test_a_regression_has_a_card_too(tmp_path: Path) -> None:
    card = greycard.train("house-prices", out=tmp_path, quiet=True).card()
    assert "run.predict_numbers([7])" in card
    assert "recall" not in card


def test_an_unfinished_run_has_none(tmp_path: Path, cli: Any) -> None:
    run = greycard.train("house-prices", out=tmp_path, quiet=True)
    (run.path / "summary.json").unlink()
    said = cli("card", run.path)
    assert (said.code, "is unfinished" in said.err) == (2, True)
