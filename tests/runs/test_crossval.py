"""`greycard crossval`: every image is predicted once by a model that was not trained on it; finished folds stay."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import greycard
from conftest import make_folder
from greycard.audit.group_split import group_folds
from greycard.audit.label_errors import confident_label_errors
from greycard.core.errors import GreycardError
from greycard.evaluation.intervals import wilson
from greycard.pipeline import array_split
from greycard.runs.crossval import CrossValidation
from greycard.training.interruption import InterruptedRunError

TINY: dict[str, Any] = {"epochs": 3, "image_size": 16, "conv": 4, "dense": (), "augmentation": None, "weights": "none"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 images of two classes; one of them twice, in training and in validation."""
    root = make_folder(tmp_path_factory.mktemp("cv") / "images", ("train", "validation"), ("dark", "light"), 12)
    shutil.copy(root / "train" / "dark" / "003.jpg", root / "validation" / "dark" / "copy.jpg")
    return root


@pytest.fixture(scope="module")
def done(data: Path) -> CrossValidation:
    return greycard.crossval(data, folds=3, out=data.parent / "runs", quiet=True, **TINY)


def test_every_image_is_predicted_once_by_a_model_that_did_not_see_it(done: CrossValidation, data: Path) -> None:
    ids = sorted(path.relative_to(data).as_posix() for path in data.rglob("*.jpg"))
    assert sorted(done.predictions["ids"].tolist()) == sorted(done.ids) == ids
    for number, run in enumerate(done.runs, 1):
        train, val = run.split
        assert not set(train) & set(val)
        assert set(val) == {id for id, fold in zip(done.ids, done.fold, strict=True) if fold == number}
        assert run.recipe.name == f"images-fold-{number}"
        assert sum("dark" in id for id in val) in (8, 9)
    twice = ("train/dark/003.jpg", "validation/dark/copy.jpg")
    assert len({done.fold[done.ids.index(id)] for id in twice}) == 1


def test_the_pooled_accuracy_is_that_of_all_predictions(done: CrossValidation) -> None:
    found = done.predictions
    right = int((found["probabilities"].argmax(axis=1) == found["labels"]).sum())
    assert (done.scores.accuracy, done.scores.interval) == (right / 49, wilson(right, 49))
    assert sum(round(fold.accuracy * fold.images) for fold in done.folds) == right
    accuracies = [run.summary.val_accuracy for run in done.runs]
    assert [fold.accuracy for fold in done.folds] == pytest.approx(accuracies)
    assert done.deviation == pytest.approx(np.std(accuracies, ddof=1))


def test_show_prints_a_line_for_each_fold(done: CrossValidation, cli: Any) -> None:
    said = cli("show", done.path)
    assert said.code == 0
    assert "of 49 images predicted by the model that was not trained on it" in " ".join(said.out.split())
    for fold in done.folds:
        assert f"{fold.images:>6}" in said.out
        assert fold.run in said.out
    assert "so this is slightly optimistic" in said.out


def test_images_are_decoded_once(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[tuple[int, int]] = []
    known = array_split.decode

    def counted(content: Any, size: tuple[int, int], channels: int, resize: str) -> np.ndarray:
        decoded.append(size)
        return known(content, size, channels, resize)

    monkeypatch.setattr(array_split, "decode", counted)
    found = greycard.crossval(data, folds=2, out=tmp_path, quiet=True, **TINY | {"epochs": 1, "image_size": 17})
    assert decoded.count((17, 17)) == len(found.ids) == 49


def test_an_interrupted_one_continues_with_the_remaining_folds(
    data: Path, done: CrossValidation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cli: Any
) -> None:
    """The numbers are those of the same cross-validation without an interruption."""
    from greycard.jobs import crossval as job

    trained = job.train_here

    def stopped(plan: Any, *arguments: Any) -> Any:
        if plan.recipe.name.endswith("fold-2"):
            raise KeyboardInterrupt
        return trained(plan, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(job, "train_here", stopped)
        with pytest.raises(InterruptedRunError, match="1 of 3 folds are finished") as stop:
            greycard.crossval(data, folds=3, out=tmp_path, quiet=True, **TINY)
    path = stop.value.run
    said = cli("show", path)
    assert (said.code, f"greycard resume {path}" in said.err) == (2, True)
    first = (path / "images-fold-1-1" / "summary.json").read_bytes()
    with pytest.raises(GreycardError, match="epochs would have no effect"):
        greycard.crossval(path, epochs=9)
    said = cli("resume", path, "--quiet")
    assert said.code == 0, said.err
    assert (path / "images-fold-1-1" / "summary.json").read_bytes() == first
    again = CrossValidation(path)
    for key, values in done.predictions.items():
        assert np.array_equal(again.predictions[key], values), key
    assert "is finished" in cli("crossval", path).err


def test_a_fold_that_was_interrupted_continues_from_its_checkpoint(
    data: Path, interrupted: Any, tmp_path: Path
) -> None:
    said = "0 of 2 folds are finished"
    path = interrupted(4, data, by=greycard.crossval, folds=2, out=tmp_path, quiet=True, said=said, **TINY)
    greycard.crossval(path, quiet=True)
    assert [run.summary.resumed for run in CrossValidation(path).runs] == [1, 0]


def test_json_and_a_project_on_arrays(tmp_path: Path, cli: Any) -> None:
    words = ("--epochs", 1, "--set", "conv=none", "--set", "dense=8", "--set", "dropout=0", "--set", "train_limit=100")
    said = cli("crossval", "digits-cnn", "--folds", 2, "--out", tmp_path, "--quiet", "--format", "json", *words)
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert (found["images"], len(found["folds"])) == (1797, 2)
    assert found == json.loads(json.dumps(CrossValidation(tmp_path / "digits-cnn-crossval-1").to_json()))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--folds", 1), "folds must be an integer of at least 2. Received: 1"),
        (("--folds", 30), "class 'light' has 24 images; 30 folds need at least 30"),
        (("--set", "val_fraction=0.3"), "a cross-validation makes its own folds: val_fraction=0.3 would have no"),
    ],
)
def test_a_mistake_is_a_sentence_and_writes_nothing(
    words: tuple[Any, ...], sentence: str, data: Path, tmp_path: Path, cli: Any
) -> None:
    said = cli("crossval", data, "--weights", "none", "--out", tmp_path, *words)
    assert said.code == 2
    assert sentence in said.err
    assert "hint:" in said.err
    assert not list(tmp_path.iterdir())


def test_numbers_have_no_folds(tmp_path: Path) -> None:
    with pytest.raises(GreycardError, match="has numbers as inputs; a cross-validation needs images"):
        greycard.crossval("house-prices", out=tmp_path, quiet=True)


@settings(max_examples=30)
@given(
    labels=st.lists(st.integers(0, 3), min_size=12, max_size=120),
    folds=st.integers(2, 6),
    seed=st.integers(0, 5),
    linked=st.floats(0, 0.3),
)
def test_folds_are_stratified_and_groups_stay_together(labels: list[int], folds: int, seed: int, linked: float) -> None:
    every = np.array(labels + list(range(4)) * folds)
    alone = np.arange(len(every))
    fold = group_folds(every, [alone], folds, seed)
    for label in range(4):
        counts = np.bincount(fold[every == label], minlength=folds)
        assert counts.max() - counts.min() <= 1
    groups = alone // max(1, round(1 / (1 - linked)))
    grouped = group_folds(every, [groups], folds, seed)
    assert all(len(set(grouped[groups == group])) == 1 for group in set(groups.tolist()))


def test_groups_are_split_if_a_class_would_be_missing_in_a_fold() -> None:
    labels = np.repeat([0, 1], 10)
    alike = np.where(labels == 1, 0, np.arange(20) + 1)  # all images of class 1 look alike
    fold = group_folds(labels, [alike, np.arange(20)], 5, seed=0)
    assert np.bincount(fold[labels == 1]).tolist() == [2] * 5


def test_a_wrong_label_is_found_by_the_out_of_fold_probabilities() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    probabilities = np.full((300, 3), 0.02)
    probabilities[np.arange(300), truth] = rng.uniform(0.8, 0.96, 300)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    labels = truth.copy()
    probabilities[[7, 150]] = np.eye(3)[truth[[7, 150]]] * 0.94 + 0.02
    labels[[7, 150]] = (labels[[7, 150]] + 1) % 3
    found = confident_label_errors(probabilities, labels)
    assert sorted(found.rows.tolist()) == [7, 150]
    assert found.instead.tolist() == truth[found.rows].tolist()
    assert not len(confident_label_errors(np.full((300, 3), 1 / 3), labels).rows)
