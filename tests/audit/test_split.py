"""Splitting anew: stratified, nothing equal on both sides, groups kept whole, nothing moved."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import greycard
from greycard.audit.group_split import group_split, split_by_levels
from greycard.core.errors import GreycardError


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60)), min_size=30, max_size=300),
    st.floats(0.1, 0.5),
    st.integers(0, 5),
)
def test_groups_stay_whole_and_shares_are_kept(rows: list[tuple[int, int]], fraction: float, seed: int) -> None:
    labels, groups = np.array(rows).T
    labels[:3] = [0, 1, 2]
    try:
        held = group_split(labels, groups, fraction, seed)
    except GreycardError:
        return  # a group holds a whole class
    for group in np.unique(groups):
        assert len(set(held[groups == group])) == 1
    largest = np.unique(groups, return_counts=True)[1].max()
    assert abs(held.mean() - fraction) <= (2 * largest + 3) / len(labels)


@given(st.integers(20, 200), st.integers(20, 200), st.floats(0.1, 0.5))
def test_without_groups_it_is_a_stratified_split(first: int, second: int, fraction: float) -> None:
    labels = np.repeat([0, 1], [first, second])
    held = group_split(labels, np.arange(len(labels)), fraction, 0)
    for label, count in ((0, first), (1, second)):
        assert abs(held[labels == label].sum() - fraction * count) <= 1


def test_validation_is_no_collection_of_the_largest_groups() -> None:
    groups = np.concatenate([np.repeat(np.arange(20), 30), 20 + np.repeat(np.arange(100), 6)])
    held = group_split(np.zeros(len(groups), int), groups, 0.2, 0)
    assert 0.05 < held[groups < 20].mean() < 0.4


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(0, 30)), min_size=30, max_size=200),
    st.floats(0.1, 0.5),
    st.integers(0, 5),
)
def test_no_class_is_left_short_whatever_the_groups(
    rows: list[tuple[int, int, int]], fraction: float, seed: int
) -> None:
    """A group that would take most of a class is split; finer groups before single images."""
    labels, near, exact = np.array(rows).T
    labels[:12] = np.repeat([0, 1, 2], 4)
    levels = np.stack([near, near * 100 + exact, np.arange(len(labels))])
    held = split_by_levels(labels, levels, fraction, seed)
    assert np.array_equal(held, split_by_levels(labels, levels, fraction, seed))
    for label in range(3):
        share, count = held[labels == label].sum(), (labels == label).sum()
        assert 0 < share < count
        assert share >= fraction * count / 2
        assert count - share >= (1 - fraction) * count / 2


def test_groups_that_can_stay_whole_do() -> None:
    labels, near = np.repeat([0, 1], 100), np.arange(200) // 4
    held = split_by_levels(labels, np.stack([near, np.arange(200), np.arange(200)]), 0.2, 0)
    assert all(len(set(held[near == group])) == 1 for group in range(50))
    one = np.where(np.arange(200) < 95, 0, np.arange(200))
    held = split_by_levels(labels, np.stack([one, np.arange(200) // 2, np.arange(200)]), 0.2, 0)
    assert 8 <= held[:100].sum() <= 30
    assert all(held[row] == held[row + 1] for row in range(0, 94, 2))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def doubled(images: Path) -> Path:
    """The two easy classes, four training images twice, once across the splits."""
    for number in range(4):
        source = images / "train" / "light" / f"{number:03}.jpg"
        (images / "validation" / "light" / f"copy{number}.jpg").write_bytes(source.read_bytes())
    return images


def test_a_manifest_keeps_copies_together_and_trains(doubled: Path, cli, tmp_path: Path) -> None:
    before = sorted(path.relative_to(doubled) for path in doubled.rglob("*"))
    manifest = tmp_path / "new.csv"
    said = cli("split", doubled, "-o", manifest, "--quiet")
    assert said.code == 0, said.err
    rows = _rows(manifest)
    assert len(rows) == 52
    side = {Path(row["path"]).name + row["label"]: row["split"] for row in rows if "validation" not in row["path"]}
    for row in rows:
        if "copy" in row["path"]:
            assert row["split"] == side[f"00{row['path'][-5]}.jpg{row['label']}"]
    assert sorted(path.relative_to(doubled) for path in doubled.rglob("*")) == before
    assert {row["label"] for row in rows if row["split"] == "validation"} == {"dark", "light"}
    trained = cli("train", manifest, "--epochs", "1", "--set", "image_size=32", "--weights", "none", "--out", tmp_path)
    assert trained.code == 0, trained.err
    assert cli("check", manifest, "--strict", "--quiet", "--out", tmp_path).code == 0


def test_links_are_a_folder_to_train_on(doubled: Path, cli, tmp_path: Path) -> None:
    assert cli("split", doubled, "--links", tmp_path / "linked", "--quiet").code == 0
    dataset = greycard.load_folder(tmp_path / "linked")
    assert len(dataset.train) + len(dataset.validation) == 52
    assert all(path.is_symlink() for path in dataset.train.images)
    again = cli("split", doubled, "--links", tmp_path / "linked", "--quiet")
    assert again.code == 2
    assert "already" in again.err


def test_names_that_match_alike_stay_together(images: Path, cli, tmp_path: Path) -> None:
    assert cli("split", images, "-o", "new.csv", "--group-by", r"/00(\d)\.jpg", "--quiet").code == 0
    sides = defaultdict(set)
    for row in _rows(Path("new.csv")):
        if Path(row["path"]).stem.startswith("00"):
            sides[Path(row["path"]).stem].add(row["split"])
    assert len(sides) == 10
    assert all(len(found) == 1 for found in sides.values())


@pytest.mark.parametrize(("pattern", "said"), [("(", "regular expression"), ("nowhere", "matches no image name")])
def test_a_pattern_that_is_none_is_refused(images: Path, cli, pattern: str, said: str) -> None:
    refused = cli("split", images, "--group-by", pattern, "--quiet")
    assert refused.code == 2
    assert said in refused.err
    assert not Path("images-split.csv").exists()


def test_quarantine_lists_and_moves_nothing(doubled: Path, cli) -> None:
    (doubled / "train" / "dark" / "broken.jpg").write_bytes(b"no")
    twice = doubled / "train" / "dark" / "light-too.jpg"
    twice.write_bytes((doubled / "train" / "light" / "005.jpg").read_bytes())
    said = cli("split", doubled, "--quarantine", "aside.csv", "--quiet")
    assert said.code == 0, said.err
    aside = {row["path"]: row["reason"] for row in _rows(Path("aside.csv"))}
    assert aside.keys() == {"train/dark/broken.jpg", "train/dark/light-too.jpg", "train/light/005.jpg"}
    assert "another label" in aside["train/dark/light-too.jpg"]
    assert twice.exists()
    assert "3 left out" in said.out


BAD_MANIFESTS = {
    "path,width,height\na.jpg,20,30\n": "must have a column of paths",
    "path,label,split\na.jpg,cat,monday\n": "line 2",
    "path,label,split\n": "lists no images",
    "path,label,split\nnowhere.jpg,cat,train\nnowhere.jpg,dog,train\n": "not there: nowhere.jpg",
}


@pytest.mark.parametrize("text", BAD_MANIFESTS)
def test_a_manifest_that_is_none_is_refused(cli, tmp_path: Path, text: str) -> None:
    place = tmp_path / "split.csv"
    place.write_text(text)
    refused = cli("train", place)
    assert refused.code == 2
    assert BAD_MANIFESTS[text] in refused.err
    assert "Traceback" not in refused.err


def test_arrays_keep_their_split() -> None:
    with pytest.raises(GreycardError, match="array"):
        greycard.split(greycard.load_dataset("digits"), quiet=True)


@pytest.mark.parametrize("fraction", ["20", "0", "-1", "nan"])
def test_a_share_that_is_none_is_refused(images: Path, cli, fraction: str) -> None:
    refused = cli("split", images, "--val-fraction", fraction, "--quiet")
    assert refused.code == 2
    assert "between 0 and 1" in refused.err


def test_a_manifest_from_a_spreadsheet_is_read(doubled: Path, cli, tmp_path: Path) -> None:
    cli("split", doubled, "-o", tmp_path / "new.csv", "--quiet")
    text = (tmp_path / "new.csv").read_text()
    (tmp_path / "excel.csv").write_text(text, encoding="utf-8-sig")
    assert len(greycard.load_manifest(tmp_path / "excel.csv").train) == len(
        greycard.load_manifest(tmp_path / "new.csv").train
    )


def test_names_that_come_to_the_same_are_numbered(images: Path, cli, tmp_path: Path) -> None:
    inner = images / "train" / "dark" / "a"
    inner.mkdir()
    for source, target in (("000.jpg", "a-b.jpg"), ("001.jpg", "a/b.jpg")):
        (images / "train" / "dark" / source).rename(images / "train" / "dark" / target)
    assert cli("split", images, "--links", tmp_path / "linked", "--quiet").code == 0
    assert len(list((tmp_path / "linked").rglob("*.jpg"))) == 48
