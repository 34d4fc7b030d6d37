"""Labels that occur together, where an image can have several: what the check finds, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import greycard
from greycard.audit.cooccurrence import cooccurrence, label_findings
from label_grids import make_grids, write_labels

NAMES = ("cat", "dog", "animal", "car")


def _labels(images: int = 200) -> np.ndarray:
    """Cats and dogs are animals, and no image has both; cars are independent."""
    random = np.random.default_rng(0)
    kind = random.integers(0, 3, images)
    cat, dog, car = kind == 0, kind == 1, random.random(images) < 0.4
    return np.stack([cat, dog, cat | dog, car], axis=1).astype(np.uint8)


def _found(labels: np.ndarray, names: tuple[str, ...] = NAMES) -> dict[str, Any]:
    return {each.kind: each for each in label_findings(labels, np.ones(len(labels), bool), names)}


def test_counts_of_pairs() -> None:
    assert cooccurrence(np.array([[1, 1], [1, 0], [0, 0]], np.uint8)).tolist() == [[2, 1], [1, 1]]


def test_implied_and_exclusive_labels_are_found() -> None:
    found = _found(_labels())
    assert found.keys() == {"always together", "never together"}
    assert found["always together"].figures["pairs"] == [["cat", "animal"], ["dog", "animal"]]
    assert found["never together"].figures["pairs"] == [["cat", "dog"]]
    assert "every image with 'cat' also has 'animal'" in found["always together"].sentence


def test_two_labels_for_the_same_thing_are_one_pair() -> None:
    labels = _labels()[:, [0, 0, 3]]
    found = _found(labels, ("cat", "kitty", "car"))
    assert found["always together"].figures["pairs"] == [["cat", "kitty"]]
    assert "'cat' and 'kitty' are always together" in found["always together"].sentence


def test_a_label_on_every_image_and_a_rare_one() -> None:
    labels = _labels()[:, [0, 3, 3, 3]]
    labels[:, 1], labels[:, 2] = 1, 0
    labels[:3, 2] = 1
    found = _found(labels[:, :3], ("cat", "photo", "fox"))
    assert found["always together"].figures == {"everywhere": ["photo"], "pairs": []}
    assert found["rare labels"].figures == {"fox": 3}


def test_independent_labels_are_no_finding() -> None:
    labels = (np.random.default_rng(1).random((400, 4)) < 0.3).astype(np.uint8)
    assert _found(labels) == {}
    few = (np.random.default_rng(1).random((30, 4)) < 0.1).astype(np.uint8)  # never together by chance
    assert "never together" not in _found(few)


def test_a_check_of_a_label_file(tmp_path: Path, cli: Any) -> None:
    grids = make_grids(tmp_path, 60)
    copy = tmp_path / "grids" / "copy.png"
    Image.open(tmp_path / grids.paths[0]).save(copy)
    labels = np.vstack([grids.labels, 1 - grids.labels[:1]])
    write_labels(grids.table, [*grids.paths, "grids/copy.png"], labels, ("zero", "one", "two"))
    report, _ = greycard.check(grids.table)
    kinds = {finding.kind: finding for finding in report.findings}
    assert "conflicting labels" in kinds
    assert {"imbalance", "suspected labels"}.isdisjoint(kinds)
    assert "an image can have several" in report.notes[0]
    assert cli("check", grids.table).code == 0
