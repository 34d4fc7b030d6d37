"""Folders of labelled images: layouts, splits, what is left out, and every mistake as one clear error."""

from __future__ import annotations

import errno
import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import greycard
from conftest import image, make_folder
from greycard.core.errors import GreycardError
from greycard.datasets.dataset import Split
from greycard.datasets.patterns import matching
from greycard.datasets.roles import Role, role_of
from greycard.datasets.scan import image_files
from greycard.datasets.splits import stratified_split
from greycard.runs.directory import LABELS, RECIPE, RunDirectory
from greycard.synthetic.sample import write_sample

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


def test_test_is_a_third_split_where_validation_is_there(tmp_path: Path) -> None:
    dataset = greycard.load_folder(make_folder(tmp_path, ("train", "validation", "test"), ("a", "b"), 2))
    assert dataset.validation.ids[0].startswith("validation/")
    assert dataset.test is not None
    assert [id.split("/")[0] for id in dataset.test.ids] == ["test"] * 4
    assert not dataset.notes


def test_a_class_next_to_train_is_reported(tmp_path: Path) -> None:
    make_folder(tmp_path, ("train",), ("a", "b"), 5)
    make_folder(tmp_path, ("",), ("forgotten",), 2)
    assert "forgotten/ is next to the training folder" in greycard.load_folder(tmp_path).notes[0]


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    dataset = greycard.load_folder(make_folder(tmp_path, ("",), ("bus", "train"), 4))
    assert dataset.classes == ("bus", "train")


def test_bad_files_are_counted_named_and_left_out(tmp_path: Path) -> None:
    make_folder(tmp_path, ("",), ("a", "b"), 4)
    (tmp_path / "a" / "empty.jpg").touch()
    (tmp_path / "b" / "words.jpg").write_text("no image")
    (tmp_path / "b" / ".DS_Store").write_text("hidden")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / "loose.jpg").write_bytes((tmp_path / "a" / "000.jpg").read_bytes())
    dataset = greycard.load_folder(tmp_path)
    assert {item.id: item.reason for item in dataset.left_out} == {
        "a/empty.jpg": "the file is empty",
        "b/words.jpg": "not an image in a known format",
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


LAYOUTS: dict[str, tuple[list[str], list[str]]] = {
    # training folders and validation folders, each with the class folders a and b
    "superdatascience": (["training_set/training_set"], ["test_set/test_set"]),
    "sets": (["training_set"], ["test_set"]),
    "images": (["train_images"], ["valid-images"]),
    "capitals": (["Training"], ["Testing"]),
    "spaces": (["Train Data"], ["Validation Data"]),
    "dev": (["train"], ["dev"]),
    "eval": (["train"], ["Eval"]),
    "coco": (["train2017"], ["val2017"]),
    "one folder too high": (["pets/train"], ["pets/val"]),
    "two folders too high": (["archive/dataset/train"], ["archive/dataset/test"]),
    "side by side": (["rps"], ["rps-test-set"]),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_usual_spellings_of_a_split(name: str, tmp_path: Path) -> None:
    train, validation = LAYOUTS[name]
    make_folder(tmp_path, train, ("a", "b"), 3)
    make_folder(tmp_path, validation, ("a", "b"), 2)
    dataset = greycard.load_folder(tmp_path)
    assert dataset.classes == ("a", "b")
    assert (len(dataset.train), len(dataset.validation)) == (6, 4)
    assert all(id.startswith(validation[0]) for id in dataset.validation.ids)


@given(
    st.sampled_from(["train", "Training", "TRAIN"]),
    st.sampled_from(["", "set", "_set", "-images", " data", "_Images"]),
    st.sampled_from(["test", "Testing", "val", "validation", "dev", "evaluation"]),
)
def test_parts_of_a_split_are_known_by_their_names(train: str, more: str, held: str) -> None:
    assert role_of(train + more) is Role.TRAIN
    assert role_of(held + more) in (Role.VALIDATION, Role.TEST)
    assert role_of(f"{more}{train}".strip()) is Role.TRAIN


@pytest.mark.parametrize(
    "name", ["cat", "trainer", "contest", "valley", "device", "evaluator", "latest", "", "test cat"]
)
def test_other_names_are_no_parts(name: str) -> None:
    assert role_of(name) is None


@pytest.mark.parametrize("held", ["test", "val", "Validation"])
def test_a_split_inside_each_class_is_used(held: str, tmp_path: Path) -> None:
    make_folder(tmp_path / "cat", ("",), ("train", held), 4)
    make_folder(tmp_path / "dog", ("",), ("train", held), 4)
    dataset = greycard.load_folder(tmp_path)
    assert dataset.classes == ("cat", "dog")
    assert {id.split("/")[1] for id in dataset.train.ids} == {"train"}
    assert {id.split("/")[1] for id in dataset.validation.ids} == {held}
    assert "inside the class folders" in dataset.notes[0]


def test_a_validation_folder_among_the_classes(tmp_path: Path) -> None:
    make_folder(tmp_path, ("", "test"), ("a", "b"), 3)
    dataset = greycard.load_folder(tmp_path)
    assert dataset.classes == ("a", "b")
    assert {id.split("/")[0] for id in dataset.validation.ids} == {"test"}


def test_a_folder_that_must_not_be_entered_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_folder(tmp_path, ("",), ("a", "b", "c"), 3)
    (tmp_path / "c").rename(tmp_path / "a" / "locked")
    scandir = os.scandir

    def refused(place: str | Path) -> object:
        if Path(place).name == "locked":
            raise PermissionError(errno.EACCES, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refused)
    dataset = greycard.load_folder(tmp_path)
    assert [(item.id, item.reason) for item in dataset.left_out] == [("a/locked", "Permission denied")]


def test_valid_and_invalid_are_classes(tmp_path: Path) -> None:
    dataset = greycard.load_folder(make_folder(tmp_path, ("",), ("invalid", "unclear", "valid"), 4))
    assert dataset.classes == ("invalid", "unclear", "valid")


def test_unlabelled_test_images_among_the_classes_are_no_class(tmp_path: Path) -> None:
    make_folder(tmp_path, ("",), ("a", "b", "test"), 4)
    dataset = greycard.load_folder(tmp_path)
    assert dataset.classes == ("a", "b")
    assert "test/" in dataset.notes[0]


@pytest.mark.parametrize("there", ["empty", "class folders alone", "loose"])
def test_a_validation_folder_without_labels_is_told_of(there: str, tmp_path: Path) -> None:
    make_folder(tmp_path, ("train",), ("a", "b"), 5)
    (tmp_path / "validation" / ("a" if there == "class folders alone" else "")).mkdir(parents=True)
    if there == "loose":
        image(1).save(tmp_path / "validation" / "1.png")
    dataset = greycard.load_folder(tmp_path)
    assert (len(dataset.train), len(dataset.validation)) == (8, 2)
    assert ("is empty" in dataset.notes[0]) == (there != "loose")
    assert not any("there is no validation/" in note for note in dataset.notes)


def test_one_folder_too_high_is_said(tmp_path: Path) -> None:
    make_folder(tmp_path / "pets", ("images",), ("a", "b"), 5)
    (tmp_path / "pets" / "annotations").mkdir()
    (tmp_path / "pets" / "annotations" / "list.txt").write_text("a")
    dataset = greycard.load_folder(tmp_path / "pets")
    assert dataset.classes == ("a", "b")
    assert "images is used" in dataset.notes[0]


def test_greycards_own_output_is_no_class(tmp_path: Path, cli, monkeypatch: pytest.MonkeyPatch) -> None:
    make_folder(tmp_path, ("",), ("a", "b"), 4)
    (tmp_path / "a" / "again.jpg").write_bytes((tmp_path / "a" / "000.jpg").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert cli("check", ".", "--quiet").code == 0  # leaves a contact sheet in runs/
    assert greycard.load_folder(".").classes == ("a", "b")
    run = RunDirectory.new("of mine", "pets")
    for name in (RECIPE, LABELS):
        run.write_json(name, {})
    run.release()
    image(1).save(run.path / "explained.png")
    write_sample(tmp_path / "pets", train_per_class=1, validation_per_class=1)
    dataset = greycard.load_folder(".")
    assert dataset.classes == ("a", "b")
    assert {note.split("/")[0] for note in dataset.notes} == {"of mine", "pets", "runs"}


@pytest.mark.parametrize("junk", ["__MACOSX", "@eaDir", ".ipynb_checkpoints", "$RECYCLE.BIN", ".hidden", "__pycache__"])
def test_what_systems_leave_is_ignored(junk: str, tmp_path: Path) -> None:
    make_folder(tmp_path, ("train",), ("a", "b", junk), 4)
    make_folder(tmp_path, (junk,), ("a", "b"), 4)
    (tmp_path / "train" / "a" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "train" / "b" / "desktop.ini").write_bytes(b"x")
    dataset = greycard.load_folder(tmp_path)
    assert dataset.classes == ("a", "b")
    assert not dataset.left_out
    assert len(dataset.notes) == 1  # the split that is made


def test_other_files_are_counted_not_called_unreadable(tmp_path: Path, cli) -> None:
    make_folder(tmp_path / "pets", ("",), ("a", "b"), 4)
    for name in ("a/1.txt", "a/1.json", "b/list.csv", "b/1.xml", "b/film.mp4"):
        (tmp_path / "pets" / name).write_text("<?xml version='1.0'?>")
    (tmp_path / "pets" / "b" / "film.mpg").write_bytes(b"\0\0\1\xba" + bytes(60))
    (tmp_path / "pets" / "a" / "no-ending").write_bytes((tmp_path / "pets" / "a" / "000.jpg").read_bytes())
    dataset = greycard.load_folder(tmp_path / "pets")
    assert not dataset.left_out
    assert len(dataset.train) + len(dataset.validation) == 9
    assert [note for note in dataset.notes if note.startswith("6 other files ignored")]
    images, others = image_files(tmp_path / "pets")
    assert (len(images), len(others)) == (9, 6)


@pytest.mark.parametrize("across", [True, False])
def test_unicode_forms_of_a_name_are_one_class(across: bool, tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    make_folder(tmp_path, ("train",), (composed, "tea"), 3)
    make_folder(tmp_path, ("val",) if across else ("train",), (decomposed,), 2)
    if len({path.name for path in tmp_path.glob("*/caf*")}) == 1:
        pytest.skip("this file system keeps one form")
    if across:
        make_folder(tmp_path, ("val",), ("tea",), 2)
    dataset = greycard.load_folder(tmp_path)
    assert dataset.classes == (composed, "tea")
    assert len(dataset.train) + len(dataset.validation) == (10 if across else 8)
    assert any("Unicode" in note for note in dataset.notes) != across


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs links and pipes")
def test_links_in_a_loop_and_pipes_end(tmp_path: Path, cli) -> None:
    pets = make_folder(tmp_path / "pets", ("",), ("a", "b"), 4)
    os.symlink(pets, pets / "up")
    os.symlink(pets / "itself", pets / "itself")
    os.symlink(pets, pets / "a" / "loop")
    os.symlink(pets / "a" / "itself", pets / "a" / "itself")
    os.mkfifo(pets / "b" / "pipe.png")
    dataset = greycard.load_folder(pets)
    assert dataset.classes == ("a", "b")
    assert {item.id for item in dataset.left_out} == {"a/loop", "a/itself", "b/pipe.png"}
    assert any("leads back" in note for note in dataset.notes)
    assert len(image_files(pets)[0]) == 8
    assert len(matching(f"{pets}/**/*.jpg")) == len(matching(f"{pets}/**")) == 8
    assert len(matching(f"{pets}/**/a/*.jpg")) == len(matching(f"{pets}/a/*.jpg")) == 4


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


def _one_image(root: Path) -> None:
    make_folder(root, ("",), ("a", "b"), 3)
    (root / "c").mkdir()
    image(1).save(root / "c" / "alone.png")


def _loose(root: Path) -> None:
    image(1).save(root / "loose.png")


def _different_classes(root: Path) -> None:
    make_folder(root, ("train",), ("a", "b"), 2)
    make_folder(root, ("val",), ("a", "c"), 2)


def _only_splits(root: Path) -> None:
    make_folder(root, ("val", "test"), ("a", "b"), 2)


def _train_against_test(root: Path) -> None:
    make_folder(root, ("",), ("training_set", "test_set"), 3)


def _loose_in_train(root: Path) -> None:
    make_folder(root, ("",), ("train",), 3)


def _unequal_parts(root: Path) -> None:
    make_folder(root / "cat", ("",), ("train", "test"), 3)
    make_folder(root, ("",), ("dog",), 3)


def _two_datasets(root: Path) -> None:
    make_folder(root, ("raw/train", "small/train"), ("a", "b"), 2)


def _other_capitals(root: Path) -> None:
    make_folder(root, ("train",), ("Cat", "Dog"), 2)
    make_folder(root, ("val",), ("cat", "dog"), 2)


def _empty_validation(root: Path) -> None:
    make_folder(root, ("train", "val"), ("a", "b"), 2)
    for file in (root / "val" / "b").iterdir():
        file.unlink()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_nothing, "no images"),
        (_no_folder, "does not exist"),
        (_one_class, "single class, 'only'"),
        (_empty_class, "class 'c'"),
        (_unreadable_class, "note.txt"),
        (_one_image, "class 'c'"),
        (_loose, "loose.png"),
        (_different_classes, "b is in train/ but not in val/"),
        (_empty_validation, "class 'b'"),
        (_only_splits, "no train/"),
        (_train_against_test, "are not in class folders"),
        (_loose_in_train, "train and move its images there"),
        (_unequal_parts, "cat has test/ and train/ in it, and dog"),
        (_two_datasets, "name that folder: `greycard train"),
        (_other_capitals, "'Cat' and 'cat' differ only in spelling"),
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
    make_folder(tmp_path / "images", ("",), ("a", "b"), 2)
    os.symlink(tmp_path, tmp_path / "images" / "a" / "elsewhere")
    dataset = greycard.load_folder(tmp_path / "images")
    assert [(item.id, item.reason) for item in dataset.left_out] == [("a/elsewhere", "a link to a folder")]


@pytest.mark.parametrize("setting", ["val_fraction=abc", "val_fraction=2.0", "split_seed=-1", "split_seed=1.5"])
def test_a_split_that_cannot_be_is_a_clear_error(setting: str, tmp_path: Path, cli) -> None:
    make_folder(tmp_path / "images", ("",), ("a", "b"), 2)
    outcome = cli("train", tmp_path / "images", "--set", setting)
    assert outcome.code == 2
    assert setting.split("=")[0] in outcome.err


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GreycardError, match="is a file"):
        greycard.load_folder(tmp_path / "file")
