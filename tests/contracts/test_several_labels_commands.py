"""Every command on a run with several labels per image: files of answers, tests, comparisons, folds, maps, searches."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import greycard
from conftest import image
from greycard.core.errors import GreycardError
from greycard.deploy.answers.file import read_answers
from greycard.deploy.answers.job import Question
from greycard.evaluation.label_scores import label_scores
from greycard.evaluation.thresholds import cross_fitted
from greycard.reports.measured import measured_line
from greycard.runs.crossval import CrossValidation
from greycard.search.record import DONE
from label_grids import NAMES, Grids, make_grids, small_recipe, write_labels


@pytest.fixture
def run(several_labels_run: greycard.Run, tmp_path: Path) -> greycard.Run:
    """A copy, because a measurement and a map are written into the run."""
    return greycard.open_run(shutil.copytree(several_labels_run.path, tmp_path / "runs" / "grids-1"))


@pytest.fixture(scope="module")
def other(grids: Grids, tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    """Trained for one epoch, so it knows little."""
    return greycard.train(small_recipe(epochs=1), str(grids.table), out=tmp_path_factory.mktemp("o"), quiet=True)


def _files(grids: Grids, count: int) -> list[Path]:
    return [grids.table.parent / path for path in grids.paths[:count]]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_files_of_answers_have_lists_and_continue(run: greycard.Run, grids: Grids, ending: str, tmp_path: Path) -> None:
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    files, place = _files(grids, 40), tmp_path / f"answers.{ending}"
    run.predict_to(place, files[:25])
    done = run.predict_to(place, files)
    assert (done.predicted.before, done.predicted.new) == (25, 15)
    expected = run.predict(files)
    found = list(read_answers(place, Question(labels=run.classes)))
    assert [each.labels for each in found] == [each.labels for each in expected]
    for answer, each in zip(found, expected, strict=True):
        assert dict(answer.ranked) == pytest.approx(each.probabilities, abs=1e-6)
        assert answer.probability == pytest.approx(each.confidence, abs=1e-6)
    with pytest.raises(GreycardError, match="--top 2 is for runs with one class per image"):
        run.predict_to(tmp_path / f"more.{ending}", files, top=2)


def test_answers_are_trained_on_again(run: greycard.Run, grids: Grids, tmp_path: Path, cli: Any) -> None:
    place, files = tmp_path / "answers.csv", _files(grids, 40)
    said = cli("predict", run.path, *files, "-o", place, "--unsure", "0.8", "--refuse", "none", "--quiet")
    assert said.code == 0, said.err
    dataset = greycard.load_manifest(place)
    assert dataset.has_several_labels
    assert set(dataset.classes) == set(run.classes)
    rows = list(csv.DictReader(io.StringIO(place.read_text(encoding="utf-8"))))
    unsure = [bool(row["review"]) for row in rows]
    assert unsure == [each.confidence < 0.8 for each in run.predict(files, refuse=None)]
    assert True in unsure
    printed = cli("predict", run.path, *files, "--unsure", "0.8", "--refuse", "none")
    assert [line.endswith("\treview") for line in printed.out.splitlines()] == unsure
    assert f"{sum(unsure)} of 40 predictions to review" in printed.err


def test_images_are_sorted_and_shown_by_each_label(run: greycard.Run, grids: Grids, tmp_path: Path) -> None:
    files = _files(grids, 30)
    run.predict_to(
        tmp_path / "a.csv", files, refuse=None, sort_into=tmp_path / "sorted", gallery=tmp_path / "look"
    )  # fmt: skip
    expected: dict[str, set[Path]] = {}
    for file, each in zip(files, run.predict(files, refuse=None), strict=True):
        for name in each.labels or ("none",):
            expected.setdefault(name, set()).add(file.resolve())
    folders = [folder for folder in (tmp_path / "sorted").iterdir() if not folder.name.startswith(".")]
    assert {folder.name: {link.resolve() for link in folder.iterdir()} for folder in folders} == expected
    page = (tmp_path / "look" / "index.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert (data["between"], len(data["images"])) == (";", 30)
    assert 'id="boxes"' in page


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Grids:
    """Other images of the same labels."""
    return make_grids(tmp_path_factory.mktemp("photos"), 60, seed=7)


def test_a_test_measures_each_label_on_other_images(run: greycard.Run, photos: Grids, cli: Any) -> None:
    said = cli("test", run.path, photos.table)
    assert said.code == 0, said.err
    found = run.measurements[0]
    predicted = run.predict(_files(photos, 60), refuse=None)
    probabilities = np.array([list((each.probabilities or {}).values()) for each in predicted])
    decided = np.array([[name in each.labels for name in run.classes] for each in predicted], np.uint8)
    truth = photos.labels[:, [NAMES.index(name) for name in run.classes]]
    expected = label_scores(truth, probabilities, decided, run.classes, run.task.thresholds)  # type: ignore[attr-defined]
    assert found.labels is not None
    assert found.labels.f1_micro.value == pytest.approx(expected.f1_micro.value)  # type: ignore[union-attr]
    assert found.labels.mean_average_precision.value == pytest.approx(expected.mean_average_precision.value)  # type: ignore[union-attr]
    assert (found.images, found.right) == (60, int((decided == truth).all(axis=1).sum()))
    kept = run.predictions
    right = (cross_fitted(kept["labels"], kept["probabilities"]) == kept["labels"]).all(axis=1)
    assert (found.val_images, found.val_right) == (len(right), int(right.sum()))
    for text in ("mean average precision", "F1 micro", "with all labels right, on 80 images", *run.classes):
        assert text in said.out
    line = measured_line(found)
    assert line.startswith("mean average precision ")
    assert line in cli("show", run.path).out
    assert line in run.report()
    page = (run.path / "tests" / "1" / "report.html").read_text(encoding="utf-8")
    assert "60 test images in labels" in page
    assert "the run&#39;s thresholds" in page or "the run's thresholds" in page
    assert found.derived()["exact"] == found.right / 60


def test_a_test_on_one_label_for_each_image_and_on_unknown_ones(
    run: greycard.Run, photos: Grids, tmp_path: Path
) -> None:
    rows = [row for row in range(60) if photos.labels[row].sum() < 2]
    place = photos.table.with_name("single.csv")
    write_labels(place, [photos.paths[row] for row in rows], photos.labels[rows], NAMES[:3])
    found = run.test(place)
    assert (found.images, found.missing) == (len(rows), ())
    assert [each.support for each in found.labels.labels] == [  # type: ignore[union-attr]
        int(photos.labels[rows, NAMES.index(name)].sum()) for name in run.classes
    ]
    place.write_text(place.read_text().replace("zero", "seven"))
    with pytest.raises(GreycardError, match="which grids-1 does not know"):
        run.test(place)


def test_a_comparison_has_the_differences_of_the_figures(
    run: greycard.Run, other: greycard.Run, tmp_path: Path, cli: Any
) -> None:
    second = shutil.copytree(other.path, tmp_path / "runs" / "grids-2")
    found = greycard.compare(run, second)
    difference = found.differences[0]
    ours, theirs = run.summary.labels, other.summary.labels
    for change, name in ((difference, "mean_average_precision"), (difference.f1, "f1_micro")):
        values = [getattr(each, name).value for each in (ours, theirs)]
        assert change.difference == pytest.approx(values[0] - values[1])
        assert change.low < change.difference < change.high
    assert difference.is_real
    assert len(difference.only_first) > len(difference.only_second)
    said = cli("compare", "grids-1", "grids-2", "--out", tmp_path / "runs")
    assert said.code == 0, said.err
    assert "mean average precision and F1 micro on the same 80 validation images" in said.out
    assert "only grids-1 has all labels right" in said.out
    content = json.loads(cli("compare", "grids-1", "grids-2", "--out", tmp_path / "runs", "--format", "json").out)
    assert content == json.loads(json.dumps(found.to_json()))
    page = tmp_path / "both.html"
    assert cli("report", "grids-1", "grids-2", "--out", tmp_path / "runs", "-o", page).code == 0
    html = page.read_text(encoding="utf-8")
    for words in ("Compared on the same 80 validation images", "grids-1 is better", "p comes from resampled images"):
        assert words in html


def test_each_fold_is_predicted_by_a_model_that_was_not_trained_on_it(grids: Grids, tmp_path: Path, cli: Any) -> None:
    recipe = small_recipe(epochs=1, conv=(), dense=(16,))
    found = greycard.crossval(recipe, str(grids.table), folds=2, out=tmp_path, quiet=True)
    scores, each = found.labels, [run.summary.labels for run in found.runs]
    assert scores is not None
    assert scores.images == len(found.ids) == 200  # without the test images
    means = np.mean([fold.mean_average_precision.value for fold in found.folds])
    assert scores.mean_average_precision.value == pytest.approx(means)  # type: ignore[union-attr]
    assert sum(labels.exact * labels.images for labels in each) == pytest.approx(scores.exact * 200)
    shares = [run.predictions["labels"].mean(axis=0) for run in found.runs]
    assert np.abs(shares[0] - shares[1]).max() < 0.1
    said = cli("show", found.path)
    assert said.code == 0, said.err
    assert "average precisions are means over the folds" in said.out
    assert json.loads(json.dumps(CrossValidation(found.path).to_json()))["f1_micro"]["value"] > 0
    with pytest.raises(GreycardError, match=r"label '\w+' has \d+ images; 150 folds need at least 150"):
        greycard.crossval(recipe, str(grids.table), folds=150, out=tmp_path, quiet=True)


def test_a_map_shows_each_label_alone(run: greycard.Run, cli: Any) -> None:
    said = cli("report", run.path, "--map", "--quiet")
    assert said.code == 0, said.err
    page = (run.path / "report.html").read_text(encoding="utf-8")
    counts = run.predictions["labels"].sum(axis=0).tolist()
    for number, (name, count) in enumerate(zip(run.classes, counts, strict=True)):
        assert f'value="label-{number}"> {name} ({count})' in page
        assert len(re.findall(rf'<g class="point[^"]* label-{number}\b', page)) == count
    assert "An image has the colour of its first label" in page
    assert "<script" not in page


@pytest.mark.slow
def test_a_search_reports_the_figures_on_images_that_no_choice_has_seen(grids: Grids, tmp_path: Path, cli: Any) -> None:
    run = greycard.search(str(grids.table), minutes=0.2, weights="none", out=tmp_path, quiet=True)
    record, labels = run.search, run.summary.test_labels
    assert record is not None
    assert labels is not None
    assert labels.images == run.summary.test_images == record.set_aside.images == 40
    done = [rung for rung in record.rungs if rung.state == DONE]
    assert record.rung(record.best).val_average_precision == max(rung.val_average_precision for rung in done)
    assert all(rung.val_accuracy is None for rung in done)
    said = cli("show", run.path).out
    assert "reported: mean average precision" in said
    assert "images that no choice has seen" in run.report()


def test_a_label_of_one_image_is_not_searched(tmp_path: Path) -> None:
    for number in range(12):
        image(number).save(tmp_path / f"{number}.png")
    rows = [f"{number}.png,{'a;b' if number % 2 else 'a'}" for number in range(11)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,labels", *rows, "11.png,a;rare"]) + "\n")
    with pytest.raises(GreycardError, match="rare"):
        greycard.search(tmp_path / "labels.csv", minutes=0.1, weights="none", out=tmp_path / "runs", quiet=True)
