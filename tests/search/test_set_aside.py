"""Images set aside: every class, no duplicates across, no image twice, never what the data keeps apart."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import greycard
from conftest import make_folder
from greycard.datasets.dataset import Dataset, Split, SplitMethod
from greycard.search.set_aside import MOST, in_three_parts


def _arrays(counts: list[int], *, own: bool = False, test: bool = False) -> Dataset:
    labels = np.repeat(np.arange(len(counts)), counts)
    images = np.zeros((len(labels), 4, 4), np.uint8)
    whole = Split(tuple(f"{row}" for row in range(len(labels))), labels, images)
    held = Split(tuple(f"held {row}" for row in range(len(labels))), labels, images)
    empty = whole.take([])
    return Dataset(
        "d",
        tuple(f"c{label}" for label in range(len(counts))),
        whole,
        held if own else empty,
        split=SplitMethod() if own else SplitMethod(0.2),
        test=held if test else None,
    )


@settings(max_examples=50)
@given(st.lists(st.integers(2, 60), min_size=2, max_size=8), st.integers(0, 5))
def test_every_image_is_in_one_part_and_every_class_can_be_trained_and_chosen(counts: list[int], seed: int) -> None:
    dataset = _arrays(counts)
    parts = in_three_parts(dataset, seed)
    found = parts.dataset
    assert found.test is not None
    ids = [*found.train.ids, *found.validation.ids, *found.test.ids]
    assert Counter(ids) == Counter(dataset.train.ids)
    for split in (found.train, found.validation):
        assert set(split.labels.tolist()) == set(range(len(counts)))
    assert set(found.test.labels.tolist()) == {label for label, count in enumerate(counts) if count > 2}
    assert in_three_parts(dataset, seed).dataset.test.ids == found.test.ids  # type: ignore[union-attr]


def test_many_images_do_not_need_a_fifth() -> None:
    parts = in_three_parts(_arrays([30_000, 30_000]), 0).dataset
    assert parts.test is not None
    assert abs(len(parts.test) - MOST) <= 2
    assert abs(len(parts.validation) - MOST) <= 2


@pytest.mark.parametrize("test", [False, True])
def test_what_the_data_keeps_apart_is_never_trained_on_or_chosen_on(test: bool) -> None:
    dataset = _arrays([20, 20], own=True, test=test)
    parts = in_three_parts(dataset, 0)
    assert parts.source == ("test" if test else "validation")
    assert parts.dataset.test is not None
    assert all(id.startswith("held") for id in parts.dataset.test.ids)
    assert not any(id.startswith("held") for id in parts.dataset.train.ids)
    if not test:
        assert set(parts.dataset.train.ids) | set(parts.dataset.validation.ids) == set(dataset.train.ids)


def test_duplicates_stay_on_one_side(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "pets", ("",), ("cat", "dog"), 12)
    for number in range(6):
        for copy in range(2):
            shutil.copy(folder / "cat" / f"{number:03}.jpg", folder / "cat" / f"copy-{number}-{copy}.jpg")
    parts = in_three_parts(greycard.open_dataset(folder), 0)
    found = parts.dataset
    assert parts.grouped
    side = {Path(id).name: name for name in ("train", "validation", "test") for id in getattr(found, name).ids
            if Path(id).parent.name == "cat"}  # fmt: skip
    for number in range(6):
        assert len({side[f"{number:03}.jpg"], side[f"copy-{number}-0.jpg"], side[f"copy-{number}-1.jpg"]}) == 1


def test_unreadable_files_are_left_out_and_a_class_of_them_is_a_sentence(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "pets", ("",), ("cat", "dog"), 6)
    whole = (folder / "dog" / "000.jpg").read_bytes()
    (folder / "dog" / "000.jpg").write_bytes(whole[: len(whole) // 3])
    parts = in_three_parts(greycard.open_dataset(folder), 0).dataset
    assert [item.id for item in parts.left_out] == ["dog/000.jpg"]
    assert sum(map(len, parts.splits)) == 11
    for number in range(1, 5):
        (folder / "dog" / f"{number:03}.jpg").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(greycard.GreycardError, match="class 'dog' has 1 readable training image; a search needs"):
        in_three_parts(greycard.open_dataset(folder), 0)
