"""A run is of the split that its dataset was given: recorded as made, resumed and exported on the same images."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

import greycard
from conftest import make_folder
from greycard.core.errors import GreycardError
from greycard.datasets.dataset import Split
from variants import quick_are

SMALL: dict[str, Any] = {"image_size": 8, "conv": (), "dense": (4,), "epochs": 1, "batch_size": 8, "quiet": True}
Make = Callable[[Path], greycard.Dataset]


def _whole(root: Path) -> Path:
    return make_folder(root / "shades", ("",), ("dark", "light"), 12)


def _given(root: Path) -> Path:
    return make_folder(root / "parts", ("train", "validation"), ("dark", "light"), 6)


def _arrays(root: Path) -> greycard.Dataset:
    def part(name: str, seed: int) -> Split:
        images = np.random.default_rng(seed).integers(0, 256, (16, 8, 8, 3), dtype=np.uint8)
        return Split(tuple(f"{name}{row}" for row in range(16)), np.arange(16) % 2, images)

    return greycard.Dataset("mine", ("a", "b"), part("t", 0), part("v", 1))


def _subset(root: Path) -> greycard.Dataset:
    whole = greycard.load_folder(_whole(root))
    return replace(whole, train=whole.train.take(range(3, 15)), validation=whole.train.take([0, 1, 2, 17, 18]))


def _split_anew(root: Path) -> greycard.Dataset:
    from greycard.datasets.manifest import write_manifest

    write_manifest(
        greycard.split(greycard.load_folder(_whole(root)), val_fraction=0.4, quiet=True).lines, root / "new.csv"
    )
    return greycard.load_manifest(root / "new.csv")


WAYS: dict[str, tuple[Make, dict[str, Any], tuple[float | None, int, bool | None]]] = {
    "by default": (lambda root: greycard.load_folder(_whole(root)), {}, (0.2, 0, True)),
    "in Python": (lambda root: greycard.load_folder(_whole(root), val_fraction=0.5, split_seed=3), {}, (0.5, 3, True)),
    "limits": (
        lambda root: greycard.load_folder(_whole(root), split_seed=2),
        {"train_limit": 10, "val_limit": 2},
        (0.2, 2, True),
    ),
    "limited": (lambda root: greycard.load_folder(_whole(root)).limited(12, 4, 5), {}, (None, 0, None)),
    "a subset": (_subset, {"group_duplicates": False}, (0.2, 0, False)),
    "given": (lambda root: greycard.load_folder(_given(root)), {}, (None, 0, None)),
    "given, limits": (
        lambda root: greycard.load_folder(_given(root)),
        {"train_limit": 4, "val_limit": 4, "split_seed": 9},
        (None, 9, None),
    ),
    "a label file": (_split_anew, {}, (None, 0, None)),
    "a catalog's": (
        lambda root: greycard.load_dataset("digits", val_fraction=0.05, split_seed=4),
        {"channels": 1, "batch_size": 256},
        (0.05, 4, False),
    ),
    "arrays": (_arrays, {}, (None, 0, None)),
}


@pytest.mark.parametrize("way", quick_are(("by default", "given, limits", "a label file", "arrays"), WAYS))
def test_resume_and_export_use_the_split_as_it_was_made(way: str, tmp_path: Path, interrupted: Any) -> None:
    make, changes, recorded = WAYS[way]
    dataset = make(tmp_path)
    path = interrupted(1, dataset, out=tmp_path / "runs", **SMALL | changes)
    recipe = greycard.open_run(path).recipe
    assert (recipe.data.val_fraction, recipe.data.split_seed, recipe.data.group_duplicates) == recorded
    given = dataset if way == "arrays" else None
    run = greycard.resume(path, given, quiet=True)
    assert run.recipe == recipe
    known = set(dataset.train.ids) | set(dataset.validation.ids)
    assert set(run.predictions["ids"].tolist()) <= known
    if not {"train_limit", "val_limit"} & changes.keys():
        assert run.split == (dataset.train.ids, dataset.validation.ids)
    assert run.export("keras", data=given).parity.passed
    if given is None:
        shutil.rmtree(path / "export")
        assert run.export("keras", data=dataset).parity.images == run.summary.val_images


def test_a_dataset_of_arrays_is_asked_for(tmp_path: Path) -> None:
    run = greycard.train(_arrays(tmp_path), out=tmp_path / "runs", **SMALL)
    with pytest.raises(GreycardError, match="in Python, data= also takes a dataset"):
        run.export("keras")


def test_files_that_came_later_do_not_matter_and_lost_ones_are_named(tmp_path: Path, interrupted: Any) -> None:
    root = _whole(tmp_path)
    path = interrupted(1, greycard.load_folder(root), out=tmp_path / "runs", **SMALL)
    make_folder(root, ("",), ("between",), 3)
    shutil.copy(root / "dark" / "003.jpg", root / "dark" / "later.jpg")
    run = greycard.resume(path, quiet=True)
    assert run.classes == ("dark", "light")
    assert run.export("keras").parity.passed
    lost = Path(run.split[0][0])
    (root / lost).rename(root / "between" / lost.name)
    with pytest.raises(GreycardError, match=f"shades lacks 1 of the 24 images .* such as {lost}"):
        run.export("keras")


def test_the_same_image_with_another_label_is_refused(tmp_path: Path) -> None:
    dataset = greycard.load_folder(_whole(tmp_path))
    run = greycard.train(dataset, out=tmp_path / "runs", **SMALL)
    turned = replace(dataset, validation=replace(dataset.validation, labels=1 - dataset.validation.labels))
    with pytest.raises(GreycardError, match="other validation images or labels than shades-1 was measured on"):
        run.export("keras", data=turned)


@pytest.mark.parametrize(
    ("make", "changes", "said"),
    [
        (_given, {"val_fraction": 0.3}, "parts has its own training and validation images: val_fraction=0.3"),
        (_given, {"split_seed": 3}, "parts has its own training and validation images: split_seed=3"),
        (_given, {"group_duplicates": True}, "its own training and validation images: group_duplicates=True"),
        (
            _whole,
            {"val_fraction": 0.3},
            "shades was split with val_fraction=0.2: val_fraction=0.3 would have no effect",
        ),
        (_whole, {"split_seed": 3}, "shades was split with split_seed=0"),
    ],
)
def test_a_wish_that_would_change_nothing_is_refused(
    make: Callable[[Path], Path], changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(GreycardError, match=said):
        greycard.train(greycard.load_folder(make(tmp_path)), out=tmp_path / "runs", **SMALL | changes)
    assert not (tmp_path / "runs").exists()


def test_the_command_line_refuses_it_too(cli: Any, tmp_path: Path) -> None:
    refused = cli(
        "train", _given(tmp_path), "--set", "val_fraction=0.3", "--weights", "none", "--out", tmp_path / "runs"
    )
    assert (refused.code, "greycard split" in refused.err) == (2, True), refused.err
    named = cli("run", "house-prices", "--set", "val_fraction=0.3", "--out", tmp_path / "runs")
    assert (named.code, "house-prices has its own training" in named.err) == (2, True), named.err


def _copies(root: Path) -> Path:
    """Twelve images of each class and changed copies of six: smaller, brighter, mirrored, encoded again."""
    folder = make_folder(root / "copied", ("",), ("dark", "light"), 12)
    random = np.random.default_rng(0)
    for label in ("dark", "light"):
        for number in range(12):  # large enough to compare, and smooth as photographs are
            small = Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=np.uint8))
            small.resize((96, 96), Image.Resampling.BICUBIC).save(folder / label / f"{number:03}.jpg", quality=95)
        for number in range(6):
            image = Image.open(folder / label / f"{number:03}.jpg")
            changed = (image.resize((70, 70)), image.point(lambda value: value * 0.7), ImageOps.mirror(image))
            changed[number % 3].save(folder / label / f"copy-{number:03}.jpg", quality=60)
    return folder


WORDS = ("--weights", "none", "--epochs", "1", "--set", "image_size=8", "--set", "conv=none", "--set", "dense=4")


def test_train_keeps_near_duplicates_on_one_side_and_says_so_once(cli: Any, tmp_path: Path) -> None:
    folder = _copies(tmp_path)
    said = cli("train", folder, *WORDS, "--out", tmp_path / "runs")
    assert said.code == 0, said.err
    assert said.err.count("near-duplicates: 24 images in 12 groups are kept on one side of the split") == 1
    run = greycard.open_run(tmp_path / "runs" / "copied-1")
    for side in map(set, run.split):
        for id in side:
            name = Path(id).name
            assert str(Path(id).with_name(name.removeprefix("copy-"))) in side
    assert (run.recipe.data.val_fraction, run.recipe.data.group_duplicates) == (0.2, True)
    assert 5 <= len(run.split[1]) <= 9
    again = cli("train", folder, *WORDS, "--out", tmp_path / "runs")
    assert again.code == 0
    checked = greycard.check(greycard.load_folder(folder), quiet=True)[0]
    assert [each.kind for each in checked.findings] == ["duplicates"]
    assert greycard.open_run(tmp_path / "runs" / "copied-2").split == run.split


def test_without_near_duplicates_nothing_is_said_or_changed(cli: Any, tmp_path: Path) -> None:
    folder = _whole(tmp_path)
    said = cli("train", folder, *WORDS, "--out", tmp_path / "runs")
    assert (said.code, "near-duplicates" in said.err) == (0, False)
    run, dataset = greycard.open_run(tmp_path / "runs" / "shades-1"), greycard.load_folder(folder)
    assert run.split == (dataset.train.ids, dataset.validation.ids)


def test_a_class_of_near_duplicates_is_still_on_both_sides(tmp_path: Path, cli: Any) -> None:
    """One drawn icon in ten nuances, and photographs."""
    folder = make_folder(tmp_path / "icons", ("",), ("photo",), 10)
    (folder / "icon").mkdir()
    for number in range(10):
        icon = Image.new("RGB", (64, 64), "white")
        icon.paste((200, 30 + number, 40), (8, 20, 40, 52))
        icon.save(folder / "icon" / f"{number}.png")
    said = cli("train", folder, *WORDS, "--out", tmp_path / "runs")
    assert said.code == 0, said.err
    assert "look alike and are split, because they are most of a class" in said.err
    train, validation = greycard.open_run(tmp_path / "runs" / "icons-1").split
    for name in ("icon/", "photo/"):
        assert [sum(id.startswith(name) for id in side) for side in (train, validation)] == [8, 2]
