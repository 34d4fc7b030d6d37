"""None of these: strange images are refused by every door, at the promised share, and marked for review."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import greycard
from conftest import make_folder
from greycard.core.errors import GreycardError
from greycard.evaluation.calibration import at_temperature
from greycard.evaluation.conformal import least_probability, members

Cli = Callable[..., Any]


def _stranger(place: Path) -> Path:
    """A red image, which the grey classes have nothing like."""
    Image.fromarray(np.full((40, 48, 3), [255, 0, 0], np.uint8)).save(place)
    return place


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_folder(tmp_path_factory.mktemp("data") / "shades", ("train", "validation"), ("dark", "light"), 60)
    (root / "strangers" / "more").mkdir(parents=True)
    for number in range(8):
        _stranger(root / "strangers" / "more" / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    recipe: dict[str, Any] = {"image_size": 24, "conv": (8,), "dense": (16,), "backbone": None, "epochs": 8}
    with pytest.warns(greycard.core.errors.GreycardWarning, match="never trained on"):
        return greycard.train(folder, name="shades", out=tmp_path_factory.mktemp("runs"), quiet=True, **recipe)


def test_strangers_are_no_class_and_no_training_images(folder: Path, run: greycard.Run) -> None:
    dataset = greycard.load_folder(folder)
    assert dataset.classes == run.classes == ("dark", "light")
    assert dataset.strangers is not None
    assert dataset.strangers.ids == tuple(f"strangers/more/{number}.png" for number in range(8))
    assert not any("strangers" in id for split in dataset.splits for id in split.ids)
    assert any("strangers has 8 images of none of the classes" in note for note in dataset.notes)


def test_the_run_says_what_it_promises_and_measures_it(run: greycard.Run) -> None:
    found = run.summary.rejection
    assert found is not None
    assert (found.share, found.calibrated_on, found.calibration_images, found.strangers_are) == (
        0.05, "validation", 60, "images",
    )  # fmt: skip
    assert found.own is not None
    assert found.own.images == 60
    assert found.strangers is not None
    assert (found.strangers.refused, found.strangers.images) == (8, 8)
    assert run.rejection is not None
    assert run.rejection.scores.rejection() == found
    assert len(run.rejection.strangeness.distances_bias) == 120


def test_the_stored_scores_are_those_of_the_predictions(run: greycard.Run, folder: Path) -> None:
    assert run.rejection is not None
    scores = run.rejection.scores
    found = run.predict([folder / id for id in scores.ids])
    np.testing.assert_allclose([each.strangeness for each in found], scores.calibration, atol=1e-3)


def test_a_stranger_is_none_of_these_and_own_images_are_not(run: greycard.Run, folder: Path) -> None:
    stranger, own = run.predict([_stranger(Path("wall.png")), folder / "train" / "dark" / "000.jpg"])
    assert (stranger.refused, stranger.answer, stranger.label in run.classes) == (True, "none of these", True)
    assert (own.refused, own.answer) == (False, "dark")
    assert stranger.strangeness is not None
    assert own.strangeness is not None
    assert 0 <= own.strangeness < stranger.strangeness <= 2
    assert "none of these" in repr(stranger)
    assert not run.predict("wall.png", refuse=None)[0].refused
    refused = [sum(each.refused for each in run.predict(_own(run, folder), refuse=share)) for share in (0.05, 0.3)]
    assert refused[0] < refused[1] <= 0.3 * 120


def _own(run: greycard.Run, folder: Path) -> list[Path]:
    return [folder / id for id in run.predictions["ids"]]


def test_the_command_says_none_of_these(run: greycard.Run, folder: Path, cli: Cli) -> None:
    wall, own = _stranger(Path("wall.png")), folder / "train" / "dark" / "000.jpg"
    said = cli("predict", run.path, wall, own, "--unsure", "0.5")
    first, second = (line.split("\t") for line in said.out.splitlines())
    assert first[:2] == ["wall.png", "none of these"]
    assert first[2].startswith("strangeness ")
    assert (first[3] in run.classes, first[-1]) == (True, "review")
    assert second[1] == "dark"
    assert "1 of 2 predictions to review: 1 none of these, 0 below 0.5" in said.err
    loose = cli("predict", run.path, wall, own, "--refuse", "none")
    assert "none of these" not in loose.out
    row = next(csv.DictReader(io.StringIO(cli("predict", run.path, wall, "--format", "csv", "--unsure", "1").out)))
    assert (row["refused"], row["review"], row["class"] in run.classes) == ("yes", "yes", True)
    assert float(row["strangeness"]) > 0
    line = json.loads(cli("predict", run.path, own, "--format", "jsonl", "--sets", "0.9").out)
    assert (line["refused"], line["one_of"]) == (False, ["dark"])
    assert line["strangeness"] == pytest.approx(run.predict(own)[0].strangeness, abs=1e-5)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            ("--refuse", "0.001"),
            "at most 0.1 % cannot be promised, which needs 2995; 5 % can",
        ),
        (("--refuse", "2"), "must be above 0 and below 1. Received: 2.0"),
        (("--refuse", "some"), "must be above 0 and below 1"),
        (("--sets", "0.999"), "with 120 validation images, sets that have the right class in 99.9 % of cases"),
        (("--sets", "1"), "must be above 0 and below 1. Received: 1.0"),
    ],
)
def test_what_cannot_be_promised_is_refused(
    words: tuple[str, str], problem: str, run: greycard.Run, folder: Path, cli: Cli
) -> None:
    said = cli("predict", run.path, folder / "train" / "dark" / "000.jpg", *words)
    assert (said.code, said.out) == (2, "")
    assert problem in said.err
    assert "hint: " in said.err


def test_too_few_images_refuse_nothing(tmp_path: Path, cli: Cli) -> None:
    small = make_folder(tmp_path / "few", ("train", "validation"), ("dark", "light"), 6)
    recipe: dict[str, Any] = {"image_size": 24, "conv": (4,), "dense": (4,), "backbone": None, "epochs": 1}
    run = greycard.train(small, out=tmp_path, quiet=True, **recipe)
    assert (run.summary.rejection, run.rejection) == (None, None)
    found = run.predict(_stranger(tmp_path / "wall.png"))[0]
    assert (found.refused, found.strangeness) == (False, None)
    with pytest.raises(GreycardError, match="needs at least 14 validation images"):
        run.predict(tmp_path / "wall.png", refuse=0.2)


def test_the_sets_have_the_right_class_as_often_as_promised() -> None:
    random, kept = np.random.default_rng(0), []
    for _ in range(300):
        logits = random.normal(size=(400, 4)) * 1.5
        probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        labels = (random.random(400)[:, None] > np.cumsum(probabilities, axis=1)).sum(axis=1).clip(0, 3)
        least = least_probability(labels[:200], probabilities[:200], 0.9)
        kept.append(np.mean(probabilities[np.arange(200, 400), labels[200:]] >= least))
    assert 0.9 <= np.mean(kept) <= 0.91


def test_a_set_lists_the_likely_classes(run: greycard.Run, folder: Path) -> None:
    assert members({"cat": 0.5, "dog": 0.4, "owl": 0.1}, "cat", 0.3) == ("cat", "dog")
    assert members({"cat": 0.5, "dog": 0.4, "owl": 0.1}, "cat", 0.9) == ("cat",)
    probabilities = at_temperature(run.predictions["probabilities"], run.temperature)
    least = least_probability(run.predictions["labels"], probabilities, 0.95)
    found = run.predict(_own(run, folder), sets=0.95, refuse=None)
    assert [len(each.one_of or ()) for each in found] == [
        max(1, int(np.sum(row >= least))) for row in probabilities.astype(np.float32)
    ]
    assert run.predict(_stranger(Path("wall.png")), sets=0.95)[0].one_of == ()
