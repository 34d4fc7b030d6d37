"""The map of images on a page: every validation image at its place, mistakes marked, nothing loaded or run."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import greycard
from conftest import image, make_folder
from greycard.core.errors import GreycardError
from greycard.evaluation.projection import Projection, principal_components
from greycard.jobs import map as map_job
from greycard.reports.map_part import HEIGHT, WIDTH, Drawn, map_part
from greycard.runs.image_map import MAP, read_map

Cli = Callable[..., Any]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`pets/` with some wrong labels, and `runs/pets-1`, which was trained on it."""
    root = tmp_path_factory.mktemp("trained")
    pets = make_folder(root / "pets", ("",), ("dark", "light"), 16)
    for number in range(4):
        image(500 + number, 210).save(pets / "dark" / f"w{number}.jpg")
        image(600 + number, 40).save(pets / "light" / f"v{number}.jpg")
    recipe = {"image_size": 24, "conv": (8,), "dense": (8,), "backbone": None, "augmentation": None, "epochs": 8}
    dataset = greycard.load_folder(pets, val_fraction=0.5)
    greycard.train(dataset, out=root / "runs", name="pets", quiet=True, learning_rate=0.01, **recipe)
    return root


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> greycard.Run:
    shutil.copytree(trained / "runs", tmp_path / "runs")
    return greycard.open_run(tmp_path / "runs" / "pets-1")


def _svg(page: str) -> ElementTree.Element:
    return ElementTree.fromstring(re.search(r'<div class="map">\s*(<svg.*?</svg>)', page, re.DOTALL)[1])  # type: ignore[index]


def test_a_report_has_the_map_once_it_was_made(run: greycard.Run, cli: Cli) -> None:
    assert cli("report", run.path).code == 0
    before = (run.path / "report.html").read_text()
    assert "Map of the images" not in before
    assert cli("report", run.path, "--map", "--quiet").code == 0
    page = (run.path / "report.html").read_text()
    found = read_map(run)
    assert found is not None
    assert sorted(found.ids) == sorted(run.predictions["ids"].tolist())
    labels = [each.get("aria-label", "") for each in _svg(page).iterfind("g[@class='point']")]
    assert len(labels) == len(found.ids)
    wrong = run.task.decide(run.predictions["probabilities"]) != run.predictions["labels"]
    assert wrong.any()
    named = {label.partition(":")[0] for label in labels if label.count("predicted correctly") == 0}
    assert named == set(run.predictions["ids"][wrong].tolist())
    assert page.count('class="ring"') == wrong.sum() + 1  # and in the legend
    assert f"keep {100 * found.share:.1f}" in page
    assert page.count("data:image/jpeg") == len(found.ids)
    assert "<script" not in page
    assert not re.findall(r'(?:href|src)="(?!data:|#)', page)
    assert cli("report", run.path).code == 0  # without --map it is still there
    assert "Map of the images" in (run.path / "report.html").read_text()


def test_the_positions_are_the_principal_components_of_the_vectors(run: greycard.Run, trained: Path) -> None:
    found = run.map()
    vectors = run.embed([trained / "pets" / id for id in found.ids])
    expected = principal_components(vectors)
    scale = np.abs(expected.positions).max()
    np.testing.assert_allclose(found.positions, expected.positions, atol=1e-3 * scale)
    assert found.share == pytest.approx(expected.share, abs=1e-4)


def test_a_sample_is_called_one(run: greycard.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_job, "MOST", 10)
    found = run.map()
    assert (len(found.ids), found.of) == (10, run.summary.val_images)
    assert f"10 of {found.of} validation images, drawn at random" in run.report()


def test_a_damaged_map_is_named_and_a_regression_has_none(run: greycard.Run, tmp_path: Path, cli: Cli) -> None:
    run.map()
    content = (run.path / MAP).read_bytes()
    for damaged in (content[:100], b"", content.replace(b"share", b"shire")):
        (run.path / MAP).write_bytes(damaged)
        with pytest.raises(GreycardError, match=r"map\.npz cannot be read"):
            run.report()
    prices = greycard.train("house-prices", epochs=1, out=tmp_path, quiet=True)
    outcome = cli("report", prices.path, "--map")
    assert (outcome.code, "has no classes of images" in outcome.err) == (2, True)
    outcome = cli("report", run.path, "--data", "pets")
    assert (outcome.code, "--data and --data-dir are for a new map" in outcome.err) == (2, True)


def _drawn(count: int, classes: int) -> Drawn:
    images = [np.zeros((8, 8, 3), np.uint8)] * count
    labels = [(number % classes,) for number in range(count)]
    return Drawn([f"{n}.jpg" for n in range(count)], images, labels, (), [f"c{n}" for n in range(classes)], "images")


def test_no_two_classes_look_the_same() -> None:
    positions = np.random.default_rng(0).normal(size=(80, 2))
    part = map_part(_drawn(80, 36), Projection("PCA", positions, 0.5))
    looks = [look for look, _ in part.legend]
    assert len(looks) == 36
    assert all(one != other for one, other in combinations(looks, 2))
    assert all(one.shape != other.shape for one, other in zip(looks[::6], looks[6::6], strict=False))
    many = map_part(_drawn(80, 40), Projection("PCA", positions, 0.5))
    assert many.legend[-1][1] == "4 other classes"


def test_everything_lies_on_the_drawing_and_keeps_its_proportions() -> None:
    positions = np.random.default_rng(1).normal(size=(50, 2)) * [100, 3]
    part = map_part(_drawn(50, 2), Projection("PCA", positions, 0.5))
    placed = np.array([(each.x, each.y) for each in part.points])
    assert (placed >= 0).all()
    assert (placed <= [WIDTH, HEIGHT]).all()
    stretch = np.ptp(placed, axis=0) / np.ptp(positions, axis=0)
    assert stretch[0] == pytest.approx(stretch[1], rel=0.05)
    for each in part.points:
        assert 0 <= each.card_x <= WIDTH - 150
        assert -154 < each.card_y < HEIGHT


def test_a_map_of_vectors_is_a_page(run: greycard.Run, trained: Path, tmp_path: Path, cli: Cli) -> None:
    image(1).save(trained / "pets" / "<b>.png")
    for projection, word in (("pca", "(PCA) keep"), ("tsne", "t-SNE keeps neighbours")):
        page = tmp_path / f"{projection}.html"
        words = ("embed", run.path, trained / "pets", "-o", tmp_path / "emb.npz", "--map", page)
        assert cli(*words, "--projection", projection, "--quiet").code == 0
        text = page.read_text()
        assert word in text
        assert "<b>" not in text
        assert len(list(_svg(text).iterfind("g[@class='point']"))) == 41
    (trained / "pets" / "<b>.png").unlink()
