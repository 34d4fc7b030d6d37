"""Label files with several labels per image: lists, columns of 0 and 1, what makes a file one, and each mistake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import greycard
from conftest import image
from greycard.core.errors import GreycardError
from greycard.core.randomness import SPLIT, generator
from greycard.datasets.label_sets import class_counts, several_split
from greycard.datasets.selection import select
from greycard.datasets.strata import strata

COUNT = 24
SETS = [("cat",), ("cat", "dog"), (), ("bird", "dog"), ("dog",), ("bird", "cat", "dog")]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    for number in range(COUNT):
        image(number).save(folder / f"{number}.png")
    return folder


def _rows(separator: str = ";", none: str = "none") -> list[str]:
    return [f"{number}.png,{separator.join(SETS[number % 6]) or none}" for number in range(COUNT)]


def _load(base: Path, lines: list[str], header: str = "path,labels") -> greycard.Dataset:
    (base / "labels.csv").write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return greycard.load_manifest(base / "labels.csv")


def _by_id(dataset: greycard.Dataset) -> dict[str, tuple[str, ...]]:
    return {
        id: tuple(name for name, one in zip(dataset.classes, row, strict=True) if one)
        for split in dataset.splits
        for id, row in zip(split.ids, split.labels.tolist(), strict=True)
    }


EXPECTED = {f"{number}.png": SETS[number % 6] for number in range(COUNT)}


@pytest.mark.parametrize("separator", [";", "|", " ; "])
@pytest.mark.parametrize("header", ["path,labels", "image,Tags", "file,label"])
def test_lists_in_one_column(base: Path, separator: str, header: str) -> None:
    dataset = _load(base, _rows(separator), header)
    assert dataset.classes == ("bird", "cat", "dog")
    assert dataset.train.labels.dtype == np.uint8
    assert dataset.has_several_labels
    assert _by_id(dataset) == EXPECTED
    assert "lists of labels, separated by" in str(dataset.several)
    assert "3 labels" in repr(dataset)


def test_one_column_of_0_and_1_for_each_label(base: Path) -> None:
    rows = [
        f"{number}.png," + ",".join(str(int(name in SETS[number % 6])) for name in ("bird", "cat", "dog"))
        for number in range(COUNT)
    ]
    dataset = _load(base, rows, "path,bird,cat,dog")
    assert _by_id(dataset) == EXPECTED
    assert dataset.several == "3 columns of 0 and 1, one for each label"


ONE_LABEL = {
    "path,labels": ["cat", "dog"],  # no list in the whole column
    "path,label": ["Canis; lupus", "Felis; catus"],  # no part stands alone
    "path,class": ["cat|kitten", "dog"],
    "path,species": ["none", "dog"],
}


@pytest.mark.parametrize("header", ONE_LABEL)
def test_other_files_have_one_label_as_before(base: Path, header: str) -> None:
    names = ONE_LABEL[header]
    dataset = _load(base, [f"{number}.png,{names[number % 2]}" for number in range(COUNT)], header)
    assert dataset.classes == tuple(sorted(names))
    assert dataset.train.labels.dtype == np.int64
    assert dataset.several is None
    assert bool(dataset.notes) == any(mark in name for name in names for mark in ";|")


COMMAS = {
    "path,labels": ("cat,dog", "bird"),
    "path,label": ("cat,dog", "cat"),
}


@pytest.mark.parametrize("header", COMMAS)
def test_lists_with_commas_are_read_as_one_label_with_a_note(base: Path, header: str) -> None:
    names = COMMAS[header]
    dataset = _load(base, [f'{number}.png,"{names[number % 2]}"' for number in range(COUNT)], header)
    assert set(dataset.classes) == set(names)
    assert "'cat,dog' in the column" in dataset.notes[-1]
    assert "Lists are separated by ; or |, such as cat;dog" in dataset.notes[-1]


def test_a_name_with_a_comma_is_no_list(base: Path) -> None:
    names = ("Canis, lupus", "Felis, catus")
    dataset = _load(base, [f'{number}.png,"{names[number % 2]}"' for number in range(COUNT)], "path,label")
    assert (dataset.classes, dataset.notes) == (names, ())


MISTAKES = {
    "an empty list": (["0.png,", "1.png,cat;dog", "2.png, ; "], r"lines 2 and 4 of .* have an empty list"),
    "none with a label": (["0.png,none;cat", "1.png,cat;dog"], r"line 2 of .* has 'none' together with labels"),
    "two separators": (["0.png,cat;dog", "1.png,cat|dog"], r"separates labels by ';' in line 2 and '\|' in line 3"),
    "the same image twice": (
        ["0.png,cat;dog", "1.png,cat", "2.png,dog", "0.png,cat"],
        "0.png in lines 2 and 5 has two different sets of labels",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_one_sentence_with_its_lines(base: Path, name: str) -> None:
    lines, sentence = MISTAKES[name]
    with pytest.raises(GreycardError, match=sentence) as caught:
        _load(base, lines)
    assert caught.value.hint
    assert len(str(caught.value)) < 500


def test_the_same_set_in_another_order_is_no_contradiction(base: Path) -> None:
    dataset = _load(base, [*_rows(), "1.png,dog;cat"])
    assert "1 line repeats an image" in dataset.notes[0]


def test_a_label_that_only_validation_images_have(base: Path) -> None:
    lines = [f"{row},{'validation' if number % 4 == 0 else 'train'}" for number, row in enumerate(_rows())]
    lines[4] = "4.png,dog;fox,validation"
    with pytest.raises(GreycardError, match=r"has the label fox in line 6, and no training image has it"):
        _load(base, lines, "path,labels,split")


def test_a_few_rows_with_several_ones_are_a_mistake(base: Path) -> None:
    rows = [f"{number}.png,{int(number % 2 == 0)},{int(number % 2 == 1 or number == 4)}" for number in range(COUNT)]
    with pytest.raises(GreycardError, match=r"line 6 of .* has 2 labels .* nearly all other images have one") as caught:
        _load(base, rows, "path,cat,dog")
    assert "as lists in a column `labels`" in caught.value.hint


def test_other_values_than_0_and_1(base: Path) -> None:
    rows = [f"{number}.png,{number % 2},{2 if number == 7 else 1}" for number in range(COUNT)]
    with pytest.raises(GreycardError, match=r"line 9 of .* has other values than 0 and 1, such as '2' in .* 'dog'"):
        _load(base, rows, "path,cat,dog")


def test_selected_images_keep_their_labels_if_classes_are_added(base: Path) -> None:
    before = _load(base, _rows())
    now = _load(base, [*_rows()[:-2], f"{COUNT - 2}.png,ant;dog", f"{COUNT - 1}.png,ant;bird;cat;dog"])
    ids = tuple(f"{number}.png" for number in range(1, COUNT - 2)), ("0.png",), ()
    chosen = select(now, ids, before.classes, "x was trained on", "hint")
    assert chosen.classes == before.classes
    assert _by_id(chosen) == {id: EXPECTED[id] for side in ids for id in side}
    with pytest.raises(GreycardError, match="now has the label 'ant'"):
        select(now, (ids[0], (f"{COUNT - 1}.png",), ()), before.classes, "x was trained on", "hint")


@given(seed=st.integers(0, 2**31), classes=st.integers(1, 6), images=st.integers(10, 80))
def test_the_rarest_label_is_on_both_sides(seed: int, classes: int, images: int) -> None:
    labels = (np.random.default_rng(seed).random((images, classes)) < 0.4).astype(np.uint8)
    order = generator(SPLIT, seed).permutation(images)
    held = several_split(labels, 0.25, order)
    assert (several_split(labels, 0.25, order) == held).all()
    kinds = np.column_stack([labels, ~labels.any(axis=1)])
    rarest = min((each for each in range(classes + 1) if kinds[:, each].any()), key=lambda each: kinds[:, each].sum())
    count = int(kinds[:, rarest].sum())
    assert kinds[held, rarest].sum() == (min(max(round(0.25 * count), 1), count - 1) if count > 1 else 0)


def test_a_split_of_many_images_keeps_every_share() -> None:
    labels = (np.random.default_rng(0).random((2000, 5)) < np.array([0.5, 0.2, 0.05, 0.02, 0.01])).astype(np.uint8)
    held = several_split(labels, 0.2, generator(SPLIT, 0).permutation(2000))
    counts = class_counts(labels, 5)
    np.testing.assert_allclose(class_counts(labels[held], 5), 0.2 * counts, atol=2)
    assert abs(held.sum() - 400) < 5


def test_the_stratum_is_the_rarest_label() -> None:
    labels = np.array([[1, 0], [1, 1], [1, 0], [0, 0]], np.uint8)
    assert strata(labels).tolist() == [0, 1, 0, 2]
    assert strata(np.array([2, 0])).tolist() == [2, 0]


def test_a_limit_draws_of_every_label(base: Path) -> None:
    dataset = _load(base, _rows()).limited(9, 3, 0)
    assert (len(dataset.train), len(dataset.validation)) == (9, 3)
    assert dataset.train.labels.any(axis=0).all()
