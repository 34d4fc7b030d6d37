"""Folders of labelled pictures: layouts, splits, what is left out, and every mistake as one clear error."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import greycard
from conftest import make_folder, picture
from greycard.datasets.core import Split
from greycard.datasets.splits import stratified_split
from greycard.errors import GreycardError

label_lists = st.lists(st.integers(2, 40), min_size=2, max_size=6).map(
    lambda counts: np.repeat(np.arange(len(counts)), counts)
)


@given(label_lists, st.floats(0.01, 0.99), st.integers(0, 1000))
def test_a_split_is_a_partition_with_every_class_on_both_sides(labels: np.ndarray, fraction: float, seed: int) -> None:
    train, validation = stratified_split(labels, fraction, seed)
    assert sorted([*train, *validation]) == list(range(len(labels)))
    assert set(labels[train]) == set(labels[validation]) == set(labels)
    for label in set(labels):
        count, wanted = (labels[validation] == label).sum(), (labels == label).sum() * fraction
        assert abs(count - wanted) <= 1 or count == 1
    again = stratified_split(labels, fraction, seed)
    assert np.array_equal(validation, again[1])


@given(label_lists, st.integers(2, 60), st.integers(0, 1000))
def test_a_limit_keeps_the_shares_of_the_classes(labels: np.ndarray, limit: int, seed: int) -> None:
    split = Split(tuple(map(str, range(len(labels)))), labels, np.zeros((len(labels), 1)))
    limited = split.limited(limit, seed)
    assert len(limited) == min(limit, len(labels))
    for label in set(labels):
        wanted = (labels == label).mean() * len(limited)
        assert abs((limited.labels == label).sum() - wanted) <= len(set(labels))


@pytest.mark.parametrize("validation", ["validation", "val", "valid", "test", "Validation"])
def test_a_split_that_is_there_is_used(validation: str, tmp_path: Path) -> None:
    dataset = greycard.load_folder(make_folder(tmp_path, ("train", validation), ("a", "b", "c"), 3))
    assert dataset.classes == ("a", "b", "c")
    assert (len(dataset.train), len(dataset.validation)) == (9, 9)
    assert dataset.validation.ids[0] == f"{validation}/a/000.jpg"
    assert dataset.validation.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_one_level_is_split_by_class_and_seed(tmp_path: Path) -> None:
    make_folder(tmp_path, ("",), ("a", "b"), 10)
    dataset = greycard.load_folder(tmp_path, val_fraction=0.3)
    assert np.bincount(dataset.validation.labels).tolist() == [3, 3]
    assert greycard.load_folder(tmp_path, val_fraction=0.3).validation.ids == dataset.validation.ids
    assert greycard.load_folder(tmp_path, val_fraction=0.3, split_seed=1).validation.ids != dataset.validation.ids


def test_train_alone_is_split_and_said(tmp_path: Path) -> None:
    dataset = greycard.load_folder(make_folder(tmp_path, ("train",), ("a", "b"), 5))
    assert (len(dataset.train), len(dataset.validation)) == (8, 2)
    assert "no validation/" in dataset.notes[0]


def test_test_is_left_alone_where_validation_is_there(tmp_path: Path) -> None:
    dataset = greycard.load_folder(make_folder(tmp_path, ("train", "validation", "test"), ("a", "b"), 2))
    assert dataset.validation.ids[0].startswith("validation/")
    assert "test/ is left untouched" in dataset.notes[0]


def test_a_class_beside_train_is_told_of(tmp_path: Path) -> None:
    make_folder(tmp_path, ("train",), ("a", "b"), 5)
    make_folder(tmp_path, ("",), ("forgotten",), 2)
    assert "forgotten/ lies beside the training pictures" in greycard.load_folder(tmp_path).notes[0]


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    dataset = greycard.load_folder(make_folder(tmp_path, ("",), ("bus", "train"), 4))
    assert dataset.classes == ("bus", "train")


def test_bad_files_are_counted_named_and_left_out(tmp_path: Path) -> None:
    make_folder(tmp_path, ("",), ("a", "b"), 4)
    (tmp_path / "a" / "empty.jpg").touch()
    (tmp_path / "b" / "words.jpg").write_text("no picture")
    (tmp_path / "b" / ".DS_Store").write_text("hidden")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / "loose.jpg").write_bytes((tmp_path / "a" / "000.jpg").read_bytes())
    dataset = greycard.load_folder(tmp_path)
    assert {item.id: item.reason for item in dataset.left_out} == {
        "a/empty.jpg": "the file is empty",
        "b/words.jpg": "not a picture in a known format",
    }
    assert "loose.jpg" in dataset.notes[0]
    assert len(dataset.train) + len(dataset.validation) == 8


def test_nested_folders_and_links_belong_to_their_class(tmp_path: Path) -> None:
    make_folder(tmp_path / "real", ("",), ("a", "b"), 2)
    make_folder(tmp_path / "real" / "a", ("deeper",), ("still",), 2)
    (tmp_path / "linked").mkdir()
    os.symlink(tmp_path / "real" / "a", tmp_path / "linked" / "a")
    os.symlink(tmp_path / "real" / "b", tmp_path / "linked" / "b")
    dataset = greycard.load_folder(tmp_path / "linked")
    assert len(dataset.train) + len(dataset.validation) == 6


def _nothing(root: Path) -> None:
    pass


def _no_folder(root: Path) -> None:
    root.rmdir()


def _one_class(root: Path) -> None:
    make_folder(root, ("",), ("only",), 3)


def _empty_class(root: Path) -> None:
    make_folder(root, ("",), ("a", "b"), 3)
    (root / "c").mkdir()


def _unreadable_class(root: Path) -> None:
    make_folder(root, ("",), ("a", "b"), 3)
    (root / "c").mkdir()
    (root / "c" / "note.txt").write_text("words")


def _one_picture(root: Path) -> None:
    make_folder(root, ("",), ("a", "b"), 3)
    (root / "c").mkdir()
    picture(1).save(root / "c" / "alone.png")


def _loose(root: Path) -> None:
    picture(1).save(root / "loose.png")


def _different_classes(root: Path) -> None:
    make_folder(root, ("train",), ("a", "b"), 2)
    make_folder(root, ("val",), ("a", "c"), 2)


def _only_splits(root: Path) -> None:
    make_folder(root, ("val", "test"), ("a", "b"), 2)


def _empty_validation(root: Path) -> None:
    make_folder(root, ("train", "val"), ("a", "b"), 2)
    for file in (root / "val" / "b").iterdir():
        file.unlink()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_nothing, "no pictures"),
        (_no_folder, "does not exist"),
        (_one_class, "single class, 'only'"),
        (_empty_class, "class 'c'"),
        (_unreadable_class, "note.txt"),
        (_one_picture, "class 'c'"),
        (_loose, "loose.png"),
        (_different_classes, "b is in train/ but not in val/"),
        (_empty_validation, "class 'b'"),
        (_only_splits, "no train/"),
    ],
)
def test_every_mistake_is_one_clear_error(make, words: str, tmp_path: Path, cli) -> None:
    root = tmp_path / "folder"
    root.mkdir()
    make(root)
    outcome = cli("train", root)
    assert outcome.code == 2
    assert outcome.err.startswith("error: ")
    assert words in outcome.err
    assert "Traceback" not in outcome.err
    assert not Path("runs").exists()


def test_what_cannot_be_entered_is_named(tmp_path: Path) -> None:
    make_folder(tmp_path / "pictures", ("",), ("a", "b"), 2)
    os.symlink(tmp_path, tmp_path / "pictures" / "a" / "elsewhere")
    dataset = greycard.load_folder(tmp_path / "pictures")
    assert [(item.id, item.reason) for item in dataset.left_out] == [("a/elsewhere", "a link to a folder")]


@pytest.mark.parametrize("setting", ["val_fraction=abc", "val_fraction=2.0", "split_seed=-1", "split_seed=1.5"])
def test_a_split_that_cannot_be_is_a_clear_error(setting: str, tmp_path: Path, cli) -> None:
    make_folder(tmp_path / "pictures", ("",), ("a", "b"), 2)
    outcome = cli("train", tmp_path / "pictures", "--set", setting)
    assert outcome.code == 2
    assert setting.split("=")[0] in outcome.err


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GreycardError, match="is a file"):
        greycard.load_folder(tmp_path / "file")
