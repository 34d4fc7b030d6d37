"""A model asked about images: the run's own answers again, in every form, in any number, bad files named."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import greycard
from conftest import image
from greycard.core.errors import GreycardError
from greycard.deploy import predict
from greycard.evaluation.calibration import Calibration, at_temperature
from greycard.models.calibrated import calibrated_model
from greycard.models.saved import load_model

TINY = ("--set", "image_size=32", "--set", "conv=8", "--set", "dense=16", "--quiet")
Cli = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty images of three shades, in a folder of one class each."""
    root = tmp_path_factory.mktemp("shades")
    for label, name in enumerate(("dark", "grey", "light")):
        (root / name).mkdir()
        for number in range(10):
            image(100 * label + number, 40 + 85 * label).save(root / name / f"{number}.jpg")
    return root


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    dataset = greycard.load_folder(folder, val_fraction=0.5)
    recipe = {"name": "shades", "image_size": 24, "conv": (8,), "dense": (16,), "backbone": None, "epochs": 3}
    return greycard.train(dataset, out=tmp_path_factory.mktemp("runs"), quiet=True, **recipe)


def _rows(found: list[Any]) -> np.ndarray:
    return np.array([list(each.probabilities.values()) for each in found])


def _calibrated(run: greycard.Run) -> np.ndarray:
    return at_temperature(run.predictions["probabilities"], run.temperature)


@pytest.mark.small_project
def test_predict_agrees_with_the_runs_own_predictions(images: Path, tmp_path: Path, cli: Cli, precision: str) -> None:
    run = greycard.train(greycard.load_folder(images), epochs=2, image_size=32, conv=(8,), out=tmp_path, quiet=True)
    files = [images / id for id in run.predictions["ids"]]
    ours = _rows(run.predict(files))
    assert np.allclose(ours, _calibrated(run), atol=1e-5)
    as_image, as_array = Image.open(files[0]), np.asarray(Image.open(files[0]))
    for form in (str(files[0]), as_image, as_array, files[0].read_bytes()):
        assert run.predict(form)[0].probability == pytest.approx(max(ours[0]), abs=1e-5)
    outcome = cli("predict", run.path, images / "validation")
    assert (outcome.code, len(outcome.out.splitlines())) == (0, 24)


@pytest.mark.parametrize("temperature", [1.0, 0.5, 3.0])
def test_the_calibrated_model_is_the_model_at_that_temperature(run: greycard.Run, temperature: float) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 24, 24, 3), dtype=np.uint8)
    found = calibrated_model(load_model(run.path), run.task, temperature).predict_on_batch(images)["probabilities"]
    np.testing.assert_allclose(found, at_temperature(run.model.predict_on_batch(images), temperature), atol=1e-5)


def test_probabilities_are_scaled_only_where_that_helps(run: greycard.Run) -> None:
    facts = run.summary.calibration
    assert facts is not None
    assert run.temperature == (facts.temperature if facts.error_after_scaling < facts.error else 1.0)
    for after, temperature in ((0.1, 2.5), (0.3, 1.0)):
        other = greycard.open_run(run.path)
        other.summary = replace(run.summary, calibration=Calibration(0.2, 2.5, after))
        assert other.temperature == temperature


def test_many_images_are_answered_as_one_is(run: greycard.Run, folder: Path) -> None:
    """The faster engine takes over after a while; order and answers stay."""
    files = [folder / id for id in run.predictions["ids"]] * 9
    assert len(files) > 2 * predict._FEW
    found = run.predict(files)
    assert [each.source for each in found] == [str(file) for file in files]
    np.testing.assert_allclose(_rows(found), np.tile(_calibrated(run), (9, 1)), atol=1e-5)


def test_images_are_read_no_further_ahead_than_a_few_batches(run: greycard.Run) -> None:
    asked = 0

    def images() -> Any:
        nonlocal asked
        while True:
            asked += 1
            yield np.zeros((8, 8, 3), np.uint8)

    answers = run.predict_each(images())
    next(answers)
    assert asked <= predict._AHEAD + predict._BATCH + 1


def test_bad_files_are_named_and_the_others_answered(run: greycard.Run, folder: Path, cli: Cli) -> None:
    Path("bad.jpg").write_text("words")
    good = folder / "dark" / "0.jpg"
    outcome = cli("predict", run.path, "bad.jpg", good)
    assert outcome.code == 1
    assert outcome.out.startswith(f"{good}\t")
    assert "bad.jpg: not an image in a known format" in outcome.err
    assert "1 of 2 files could not be read" in outcome.err
    with pytest.raises(GreycardError, match=r"bad\.jpg"):
        run.predict(["bad.jpg"])


def test_a_mistyped_path_is_told_before_the_first_answer(run: greycard.Run, folder: Path, cli: Cli) -> None:
    for path, words in (("nowhere.jpg", "does not exist"), ("nowhere/*.jpg", "matches no file")):
        outcome = cli("predict", run.path, folder, path)
        assert (outcome.code, outcome.out) == (2, "")
        assert words in outcome.err


def test_csv_has_a_line_for_every_file(run: greycard.Run, folder: Path, cli: Cli) -> None:
    Path("bad,1.jpg").write_text("words")
    outcome = cli("predict", run.path, folder / "light" / "3.jpg", "bad,1.jpg", "--format", "csv", "--top", "2")
    good, bad = csv.DictReader(io.StringIO(outcome.out))
    answer = run.predict(folder / "light" / "3.jpg")[0].top(2)
    assert [good["class"], good["class_2"]] == list(answer)
    assert float(good["probability_2"]) == pytest.approx(list(answer.values())[1], abs=1e-6)
    assert (bad["path"], bad["class"], bad["error"]) == ("bad,1.jpg", "", "not an image in a known format")
    assert outcome.code == 1


def test_json_lines_have_the_likeliest_classes(run: greycard.Run, folder: Path, cli: Cli) -> None:
    Path("empty.png").touch()
    outcome = cli("predict", run.path, folder / "dark" / "1.jpg", "empty.png", "--format", "jsonl", "--top", "9")
    good, bad = map(json.loads, outcome.out.splitlines())
    values = list(good["probabilities"].values())
    assert good["class"] == next(iter(good["probabilities"]))
    assert good["probability"] == values[0] == max(values)
    assert sum(values) == pytest.approx(1, abs=1e-5)
    assert bad == {"path": "empty.png", "error": "the file is empty"}


def test_patterns_folders_and_a_list_on_stdin_mean_the_same_files(
    run: greycard.Run, folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lines(*words: Any) -> list[str]:
        return sorted(cli("predict", run.path, *words).out.splitlines())

    expected = lines(folder)
    assert len(expected) == 30
    Path("beside/empty").mkdir(parents=True)
    (Path("beside") / "one.jpg").write_bytes((folder / "dark" / "0.jpg").read_bytes())
    assert len(lines("beside/*")) == 1
    assert cli("predict", run.path, "beside/empty").code == cli("predict", run.path, "beside/emp*").code == 2
    assert lines(f"{folder}/*/*.jpg") == lines(f"{folder}/*") == lines(f"{folder}/**") == expected
    listed = "".join(f"{file}\n\n" for file in folder.rglob("*.jpg"))
    monkeypatch.setattr("sys.stdin", io.StringIO(listed))
    assert lines("-") == expected


def test_a_listed_file_that_is_gone_stops_nothing(
    run: greycard.Run, folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"gone.jpg\n{folder}/dark/1.jpg\n"))
    outcome = cli("predict", run.path, "-")
    assert (outcome.code, len(outcome.out.splitlines())) == (1, 1)
    assert "gone.jpg: No such file" in outcome.err
