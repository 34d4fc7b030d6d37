"""Labels that are numbers: which columns are, bad cells with their lines, and splits of small and large numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import greycard
from greycard.core.errors import GreycardError
from greycard.datasets.numbers import are_numbers, as_number
from greycard.datasets.splits import stratified_split
from greycard.datasets.strata import strata

AGES = [str(value / 2) for value in range(40)]


def label_file(folder: Path, labels: list[str], name: str = "labels.csv", header: str = "path,age") -> Path:
    """A label file and its images, of different grey levels."""
    for row in range(len(labels)):
        pixels = np.full((8, 8, 3), 5 * row % 250, np.uint8)
        pixels[row % 8, : 1 + row // 8] = 255
        Image.fromarray(pixels).save(folder / f"{row}.png")
    lines = [f"{row}.png,{label}" for row, label in enumerate(labels)]
    place = folder / name
    place.write_text("\n".join([header, *lines]) + "\n")
    return place


@given(value=st.floats(-1e30, 1e30))
def test_a_number_is_read_as_python_writes_it(value: float) -> None:
    assert as_number(repr(value)) == value


@pytest.mark.parametrize("text", ["", "nan", "inf", "-inf", "1e99", "3,5", "1_000", "0x10", "12 kg", "four", "٣"])
def test_other_texts_are_no_numbers(text: str) -> None:
    assert as_number(text) is None


def test_columns_that_read_as_classes_stay_classes() -> None:
    digits = [str(number % 10) for number in range(60)]
    ages = [str(number % 50) for number in range(500)]
    for labels in (digits, ages, ["cat", "dog"] * 30, ["0.0", "1.0"] * 30, [*AGES, "unknown"], []):
        assert not are_numbers(labels)
    for labels in (AGES, [str(number) for number in range(200)], ["1e3", *AGES]):
        assert are_numbers(labels)


def test_decimals_make_a_regression_and_a_note_says_how_to_read_classes(tmp_path: Path) -> None:
    found = greycard.open_dataset(label_file(tmp_path, AGES))
    assert found.is_regression
    assert found.has_images
    assert sorted([*found.train.labels.tolist(), *found.validation.labels.tolist()]) == sorted(map(float, AGES))
    assert len(found.notes) == 1
    assert found.notes[0].endswith("are 40 different numbers: a regression; --set task=multiclass reads classes")


def test_the_task_that_the_user_names_decides(tmp_path: Path) -> None:
    stars = [str(1 + number % 5) for number in range(40)]
    place = label_file(tmp_path, stars)
    assert greycard.open_dataset(place).classes == ("1", "2", "3", "4", "5")
    found = greycard.open_dataset(place, task="regression")
    assert found.is_regression
    assert set(found.train.labels.tolist()) == {1.0, 2.0, 3.0, 4.0, 5.0}
    halves = label_file(tmp_path, [str(number % 12 / 2) for number in range(48)], "halves.csv")
    assert greycard.open_dataset(halves).is_regression
    assert len(greycard.open_dataset(halves, task="multiclass").classes) == 12


def test_classes_of_many_numbers_get_a_note(tmp_path: Path) -> None:
    found = greycard.open_dataset(label_file(tmp_path, [str(number % 20) for number in range(60)]))
    assert len(found.classes) == 20
    assert "--set task=regression predicts a number" in found.notes[0]


def test_folders_named_by_numbers_can_be_numbers(tmp_path: Path) -> None:
    for row in range(12):
        (tmp_path / "ages" / str(20 + row % 3)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), 20 * row, np.uint8)).save(
            tmp_path / "ages" / str(20 + row % 3) / f"{row}.png"
        )
    found = greycard.open_dataset(tmp_path / "ages", task="regression")
    assert found.is_regression
    assert set(found.train.labels.tolist()) == {20.0, 21.0, 22.0}
    (tmp_path / "ages" / "22").rename(tmp_path / "ages" / "old")
    with pytest.raises(GreycardError, match="'old' is no number"):
        greycard.open_dataset(tmp_path / "ages", task="regression")


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["1.5", "n/a", "nan", *AGES], r"2 labels are not a finite number: 'n/a' in line 3, 'nan' in line 4"),
        (["1.5", "inf", *AGES], r"1 label is not a finite number: 'inf' in line 3"),
        (["7"] * 30, "has the number 7 for each training image; there is nothing to learn"),
        (["1", "2"], "has 2 readable images with a number; expected 4 or more"),
        (["1.5", "", *AGES], "line 3 of .* must have a path and a label"),
    ],
)
def test_bad_labels_are_named_with_their_lines(tmp_path: Path, labels: list[str], said: str) -> None:
    with pytest.raises(GreycardError, match=said) as refused:
        greycard.open_dataset(label_file(tmp_path, labels), task="regression")
    assert refused.value.hint


def test_an_image_with_two_numbers_is_refused(tmp_path: Path) -> None:
    place = label_file(tmp_path, AGES)
    place.write_text(place.read_text() + "3.png,99\n")
    with pytest.raises(GreycardError, match=r"3\.png in lines 5 and 42 has two labels"):
        greycard.open_dataset(place)


def test_a_file_with_its_own_split_keeps_it(tmp_path: Path) -> None:
    sides = ["train"] * 20 + ["validation"] * 12 + ["test"] * 8
    place = label_file(
        tmp_path, [f"{age},{side}" for age, side in zip(AGES, sides, strict=True)], header="path,age,split"
    )
    found = greycard.open_dataset(place)
    assert found.test is not None
    assert [len(part) for part in found.splits] == [20, 12, 8]
    assert found.split.val_fraction is None


@given(count=st.integers(10, 300), seed=st.integers(0, 1000), scale=st.sampled_from([1e-6, 1.0, 1e6]))
def test_both_sides_get_small_and_large_numbers(count: int, seed: int, scale: float) -> None:
    labels = (scale * np.random.default_rng(seed).normal(3, 2, count)).astype(np.float32)
    among = strata(labels)
    order = np.argsort(labels, kind="stable")
    assert (np.diff(among[order]) >= 0).all()
    assert np.bincount(among).min() >= 5
    train, validation = stratified_split(among, 0.2, seed)
    assert set(among[train]) == set(among[validation]) == set(among)


def test_classes_are_their_own_strata() -> None:
    labels = np.array([2, 0, 1])
    assert strata(labels) is labels


def test_a_limit_keeps_the_spread(tmp_path: Path) -> None:
    found = greycard.open_dataset(label_file(tmp_path, AGES)).limited(8, None, 0)
    assert len(found.train) == 8
    assert found.train.labels.min() < 5
    assert found.train.labels.max() > 14


def test_a_new_split_writes_the_numbers(tmp_path: Path, cli) -> None:
    place = label_file(tmp_path, AGES)
    assert cli("split", place, "-o", tmp_path / "split.csv").code == 0
    again = greycard.open_dataset(tmp_path / "split.csv")
    assert again.is_regression
    before = {f"{row}.png": float(age) for row, age in enumerate(AGES)}
    for part in again.splits:
        assert {id: before[id] for id in part.ids} == dict(zip(part.ids, part.labels.tolist(), strict=True))


def test_the_doctor_checks_images_with_numbers(tmp_path: Path, cli) -> None:
    place = label_file(tmp_path, AGES)
    Image.open(tmp_path / "1.png").save(tmp_path / "30.png")
    said = cli("check", place)
    assert said.code == 0
    assert "conflicting labels" in said.out
    assert "labels were not checked: they are numbers" in said.out


def test_a_cell_of_text_among_numbers_is_named_without_a_task(tmp_path: Path) -> None:
    place = label_file(tmp_path, [*(f"{number}.5" for number in range(20)), "much"])
    with pytest.raises(GreycardError, match="1 label is not a finite number: 'much' in line 22") as refused:
        greycard.open_dataset(place)
    assert "--set task=regression" in refused.value.hint


def test_strangers_may_be_beside_a_label_file(tmp_path: Path) -> None:
    place = label_file(tmp_path, [f"{number}.5" for number in range(20)])
    folder = tmp_path / "strangers"
    folder.mkdir()
    Image.new("RGB", (8, 8), "red").save(folder / "wall.png")
    found = greycard.open_dataset(place)
    assert found.strangers is not None
    assert found.strangers.ids == ("strangers/wall.png",)
    assert any("1 image of other things, without a number: never trained on" in note for note in found.notes)
    place.write_text(place.read_text() + "strangers/wall.png,3.5\n")
    assert greycard.open_dataset(place).strangers is None  # the file gives it a number
