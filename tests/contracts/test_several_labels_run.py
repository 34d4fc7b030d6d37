"""What a run with several labels per image promises, from the label file to exports: each answer is the same set."""

from __future__ import annotations

import csv
import io
import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

import greycard
from greycard.backend import execution
from greycard.core.errors import GreycardError
from greycard.deploy.export.formats import FORMATS
from greycard.deploy.serve.app import make_app as make_server
from greycard.deploy.serve.models import make_ready
from greycard.evaluation.label_scores import label_scores
from greycard.evaluation.thresholds import choose_thresholds, cross_fitted
from greycard.studio.app import make_app
from greycard.studio.context import Context
from greycard.studio.images.folder import ImageFolder
from greycard.tasks.multilabel import MultiLabel
from label_grids import Grids, small_recipe
from variants import quick_are


@pytest.fixture(scope="module")
def run(several_labels_run: greycard.Run) -> greycard.Run:
    return several_labels_run


def _files(grids: Grids, count: int = 240) -> list[Path]:
    return [grids.table.parent / path for path in grids.paths[:count]]


def _truth(grids: Grids, run: greycard.Run) -> dict[str, tuple[str, ...]]:
    names = ("zero", "one", "two")
    return {
        path: tuple(sorted(name for name, one in zip(names, row, strict=True) if one))
        for path, row in zip(grids.paths, grids.labels.tolist(), strict=True)
    }


def test_it_learns_and_predicts_sets(run: greycard.Run, grids: Grids) -> None:
    truth = _truth(grids, run)
    tested = set(run.test_ids)
    assert len(tested) == 40
    found = dict(zip(grids.paths, run.predict(_files(grids)), strict=True))
    right = np.mean([found[path].labels == truth[path] for path in tested])
    assert right > 0.5  # by chance about one in eight
    assert all(
        each.label == max(each.probabilities or {}, key=(each.probabilities or {}).__getitem__)
        for each in found.values()
    )
    assert run.recipe.data.task == "multilabel"


def test_the_figures_are_those_of_the_predictions(run: greycard.Run) -> None:
    """Figures on validation are by thresholds from other images; the run decides by thresholds from all of them."""
    summary, predicted = run.summary, run.predictions
    labels, probabilities = predicted["labels"], predicted["probabilities"]
    assert labels.dtype == np.uint8
    limits = choose_thresholds(labels, probabilities)
    assert isinstance(run.task, MultiLabel)
    assert run.task.thresholds == pytest.approx(limits.tolist(), abs=1e-6)
    expected = label_scores(
        labels, probabilities, cross_fitted(labels, probabilities), run.classes, run.task.thresholds
    )
    assert summary.labels == expected
    assert summary.val_accuracy is None
    assert summary.test_labels is not None
    assert summary.test_labels.images == summary.test_images == 40
    assert summary.test_labels.thresholds == run.task.thresholds
    assert [epoch.val_accuracy for epoch in run.history] == [None] * 25


def test_the_command_prints_all_labels_in_every_format(run: greycard.Run, grids: Grids, cli: Any) -> None:
    files = _files(grids, 30)
    expected = [each.labels for each in run.predict(files)]
    assert () in expected
    asked = ("--refuse", "none")
    text = [line.split("\t") for line in cli("predict", run.path, *files, *asked).out.splitlines()]
    assert [tuple(line[1::2]) for line in text] == [labels or ("none",) for labels in expected]
    rows = list(csv.DictReader(io.StringIO(cli("predict", run.path, *files, "--format", "csv").out)))
    assert [row["labels"] for row in rows] == [";".join(labels) or "none" for labels in expected]
    named = [f"probability_{name}" for name in run.classes]
    assert list(rows[0])[: 3 + len(run.classes)] == ["path", "labels", *named, "error"]
    lines = [json.loads(line) for line in cli("predict", run.path, *files, "--format", "jsonl").out.splitlines()]
    assert [tuple(line["labels"]) for line in lines] == expected
    assert list(lines[0]["probabilities"]) == list(run.classes)
    for option, value in (("--top", "2"), ("--sets", "0.9")):
        for to in ((), ("-o", "answers.csv")):
            refused = cli("predict", run.path, files[0], option, value, *to)
            assert (refused.code, "one class per image" in refused.err) == (2, True)
    assert not Path("answers.csv").exists()
    strange = cli("predict", run.path, *files, "--refuse", "0.5").out
    assert "none of these" in strange


def test_the_printed_csv_is_a_label_file(run: greycard.Run, grids: Grids, cli: Any) -> None:
    """A person can correct the predictions and train on them."""
    files = _files(grids, 30)
    place = grids.table.parent / "predicted.csv"
    place.write_text(cli("predict", run.path, *files, "--format", "csv").out)
    dataset = greycard.load_manifest(place)
    assert dataset.has_several_labels
    assert set(dataset.classes) == set(run.classes)


@pytest.mark.parametrize(
    "form", [form.name for form in FORMATS if form.name != "html" and all(map(find_spec, form.needs))]
)
def test_every_export_answers_the_same_sets(run: greycard.Run, grids: Grids, form: str, tmp_path: Path) -> None:
    kind = next(each for each in FORMATS if each.name == form)
    done = run.export(form, tmp_path / f"model{kind.ending}")
    assert done.parity.passed
    images = np.stack([run.classifier.decode(file) for file in _files(grids, 60)])
    found = kind.open(done.path)(images)[:, : len(run.classes)]
    expected = np.array([list((each.probabilities or {}).values()) for each in run.predict(_files(grids, 60))])
    if done.parity.tolerance is not None:
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert done.parity.same_answers == done.parity.images
    same = (run.classifier.task.decide(found) == run.classifier.task.decide(expected)).mean()
    assert same > (0.95 if done.parity.tolerance is None else 0.999)


@pytest.mark.slow
@pytest.mark.usefixtures("web_runtime")
def test_a_page_has_the_thresholds_and_the_same_probabilities(run: greycard.Run, tmp_path: Path) -> None:
    done = run.export("html", tmp_path / "model.html")
    assert done.parity.passed
    facts = json.loads((tmp_path / "model.html.json").read_text())
    assert facts["thresholds"] == run.classifier.task.limits.tolist()  # type: ignore[attr-defined]
    assert facts["validation"].keys() == {"images", "mean_average_precision"}
    assert "thresholds" in (tmp_path / "model.html").read_text()


def test_the_server_and_studio_show_the_labels(run: greycard.Run, grids: Grids) -> None:
    files = _files(grids, 12)
    expected = [list(each.labels) for each in run.predict(files)]
    with TestClient(make_server(make_ready([(run, run.classifier)]))) as client:
        asked = [client.post("/api/predict?heat=true", files={"file": file.read_bytes()}).json() for file in files]
        facts = client.get("/api/models").json()["models"][0]
    assert [answer["images"][0]["answers"][0]["labels"] for answer in asked] == expected
    assert facts["val_accuracy"] is None
    assert run.summary.labels is not None
    assert run.summary.labels.mean_average_precision is not None
    assert facts["val_mean_average_precision"] == run.summary.labels.mean_average_precision.value
    with TestClient(make_app(Context(ImageFolder(grids.table.parent), run.path.parent))) as client:
        found = client.get(f"/api/runs/{run.name}").json()
        table = client.get("/api/label-file").json()["label_file"]
        used = client.post("/api/label-file", json={"use": True})
    assert [each["name"] for each in found["labels"]] == list(run.classes)
    assert found["validation"]["kind"] == "average_precision"
    assert found["validation"]["value"] == run.summary.labels.mean_average_precision.value
    shown = {each["recorded"]: each for each in found["answers"]}
    predicted = run.task.decide(run.predictions["probabilities"])
    for id, label, answer in zip(run.predictions["ids"], run.predictions["labels"], predicted, strict=True):
        assert shown[id]["label"] == np.flatnonzero(label).tolist()
        assert shown[id]["answer"] == np.flatnonzero(answer).tolist()
    wrong = [each["label"] != each["answer"] for each in found["answers"]]
    assert wrong == sorted(wrong, reverse=True)
    assert found["trust"]["bins"]
    assert (table["several"], table["moves"]) == (True, 0)
    assert (used.status_code, "gives images several labels" in used.text) == (422, True)


def test_each_label_of_an_image_is_explained(run: greycard.Run, grids: Grids, cli: Any) -> None:
    several = next(
        file for file, each in zip(_files(grids), run.predict(_files(grids)), strict=True) if len(each.labels) > 1
    )
    labels = run.predict(several)[0].labels
    assert [run.explain(several, label).label for label in labels] == list(labels)
    done = cli("explain", run.path, several)
    assert done.code == 0, done.err
    assert sum(f"-{label}-heat.png" in done.out for label in labels) == len(labels)


def test_reports_show_each_label(run: greycard.Run, cli: Any) -> None:
    page, card = run.report(), run.card()
    shown = cli("show", run.path).out
    for name in run.classes:
        assert all(name in text for text in (page, card, shown))
    for text in (page, card, shown):
        assert "mean average precision" in text
        assert not re.search(r"accuracy of|validation accuracy|val acc|right on", text)
    assert "Labels together" in page
    assert "missed" in page
    assert greycard.runs_table([run]).rows[0].f1_micro == pytest.approx(run.summary.labels.f1_micro.value)  # type: ignore[union-attr]
    table = cli("table", run.path, "--format", "md").out
    assert "val mAP" in table
    assert cli("diagnose", run.path).code == 0


def test_settings_that_need_one_class_are_refused(grids: Grids, tmp_path: Path) -> None:
    for changes, sentence in (
        ({"balance": "weights"}, "balance=weights"),
        ({"target_accuracy": 0.9}, "target_accuracy"),
    ):
        with pytest.raises(GreycardError, match=f"{sentence} needs one class per image"):
            greycard.train(small_recipe(**changes), str(grids.table), out=tmp_path, quiet=True)
    assert list(tmp_path.iterdir()) == []


SETTINGS = {
    "plain": {"dropout": 0.3, "keep": "best"},
    "mixed": {"mixup": 0.2, "cutmix": 1.0, "label_smoothing": 0.1, "balance": "sampling"},
}


@pytest.mark.parametrize("name", quick_are(("plain",), SETTINGS))
def test_resumed_equals_uninterrupted(
    name: str, grids: Grids, interrupted: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(execution, "_MOST_STEPS", 1)
    recipe = small_recipe(epochs=3, batch_size=16, **SETTINGS[name])
    path = interrupted(4, recipe, str(grids.table), out=tmp_path / "a", quiet=True)
    interrupted(7, path, resume=True, quiet=True)
    resumed = greycard.resume(path, quiet=True)
    whole = greycard.train(recipe, str(grids.table), out=tmp_path / "b", quiet=True)
    assert resumed.summary.resumed == 2
    assert np.array_equal(resumed.predictions["probabilities"], whole.predictions["probabilities"])
    assert resumed.summary.labels == whole.summary.labels
    for ours, theirs in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


def test_a_split_keeps_the_lists(grids: Grids, cli: Any, tmp_path: Path) -> None:
    place = grids.table.parent / "split.csv"
    done = cli("split", grids.table, "-o", place)
    assert done.code == 0, done.err
    before, after = greycard.load_manifest(grids.table), greycard.load_manifest(place)
    assert _sets(after) == _sets(before)
    assert after.test is not None
    refused = cli("split", grids.table, "--links", tmp_path / "links")
    assert (refused.code, "can have several labels" in refused.err) == (2, True)


def _sets(dataset: greycard.Dataset) -> dict[str, tuple[int, ...]]:
    return {
        id: tuple(row) for split in dataset.splits for id, row in zip(split.ids, split.labels.tolist(), strict=True)
    }


def test_training_says_how_the_labels_were_read(grids: Grids, cli: Any, tmp_path: Path) -> None:
    settings = [word for name, value in (("image_size", 20), ("epochs", 1)) for word in ("--set", f"{name}={value}")]
    done = cli("train", grids.table, "--weights", "none", "--out", tmp_path, *settings)
    assert done.code == 0, done.err
    assert "several labels per image: the column 'labels' has lists of labels, separated by ';'" in done.err
    assert "3 labels, several per image" in done.err
