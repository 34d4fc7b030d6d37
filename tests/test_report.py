"""The report: one page that needs nothing beside it, with everything a reader looks for, in a real browser too."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import greycard
from browser import expect_browser, opened_page
from greycard.reports.page import report_page


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[greycard.Run]:
    out = tmp_path_factory.mktemp("runs")
    small = {"epochs": 3, "train_limit": 300, "conv": (8,), "dense": (16,), "out": out, "quiet": True}
    return [greycard.train("digits-cnn", seed=0, **small), greycard.train("digits-cnn", learning_rate=0.003, **small)]


class _Page(HTMLParser):
    """Every address a page would load, the text it shows, and whether its tags close."""

    VOID = ("meta", "link", "img", "br", "path", "use", "rect", "input")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_needs_nothing_beside_it(runs: list[greycard.Run]) -> None:
    text = runs[0].report()
    page = _Page(text)
    assert not page.open
    assert all(address.startswith(("data:", "#")) for address in page.addresses)
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text
    assert len(text) < 5_000_000


def test_it_says_what_a_reader_looks_for(runs: list[greycard.Run]) -> None:
    words = " ".join(_Page(runs[0].report()).words)
    summary = runs[0].summary
    assert f"is right on {100 * summary['val_accuracy']:.1f} % of 359 validation images" in words
    for heading in (
        "What to do next",
        "Learning",
        "Classes",
        "Can its probabilities be believed?",
        "Where the time went",
    ):
        assert heading in words
    assert summary["diagnosis"][0]["next_step"] in words
    assert summary["machine"] in words


def test_the_worst_mistakes_are_pictures(runs: list[greycard.Run]) -> None:
    kept = runs[0].mistakes
    assert kept is not None
    guesses = kept["probabilities"].argmax(axis=1)
    assert (guesses != kept["labels"]).all()
    sureness = kept["probabilities"].max(axis=1)
    assert (np.diff(sureness) <= 0).all()
    assert runs[0].report().count("data:image/png") >= min(len(guesses), 12)


def test_several_runs_are_overlaid_and_compared(runs: list[greycard.Run], cli, tmp_path: Path) -> None:
    said = cli("report", *(run.path for run in runs), "-o", tmp_path / "both.html")
    assert said.out.strip() == str(tmp_path / "both.html")
    words = " ".join(_Page((tmp_path / "both.html").read_text()).words)
    assert "Compared on the same images" in words
    assert "digits-cnn-1 minus digits-cnn-2" in words


def test_a_run_gets_its_page_in_its_folder(runs: list[greycard.Run], cli) -> None:
    assert cli("report", runs[0].path).code == 0
    assert (runs[0].path / "report.html").read_text().startswith("<!doctype html>")


def test_names_cannot_write_into_the_page(pictures: Path, cli, tmp_path: Path) -> None:
    for part in ("train", "validation"):
        (pictures / part / "dark").rename(pictures / part / "<script>alert(1)<")
    assert (
        cli("train", pictures, "--epochs", "1", "--set", "image_size=16", "--weights", "none", "--out", tmp_path).code
        == 0
    )
    text = greycard.open_run(tmp_path / "pictures-1").report()
    assert "<script" not in text


def test_a_regression_and_an_old_run_have_a_page_too(runs: list[greycard.Run], cli, tmp_path: Path) -> None:
    cli("run", "house-prices", "--epochs", "2", "--quiet", "--out", tmp_path)
    assert "bedrooms" in greycard.open_run(tmp_path / "house-prices-1").report()
    old = tmp_path / "old"
    shutil.copytree(runs[0].path, old)
    (old / "mistakes.npz").unlink()
    assert "Learning" in greycard.open_run(old).report()


def test_figures_are_matplotlib_objects(runs: list[greycard.Run]) -> None:
    assert isinstance(runs[0].curves(), Figure)
    assert isinstance(runs[0].confusion(), Figure)
    assert all(axis.get_legend() is None for axis in runs[0].curves().axes)  # it would search a place
    assert runs[0].curves()._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 10])
def test_a_browser_opens_it_without_a_complaint(runs: list[greycard.Run], count: int, tmp_path: Path) -> None:
    """One run, and a table of ten: nothing is asked for but the page, which fits a telephone and an e-mail."""
    expect_browser()
    shown = [shutil.copytree(runs[row % len(runs)].path, tmp_path / f"run-{row}") for row in range(count)]
    file = tmp_path / "report.html"
    file.write_text(report_page([greycard.open_run(path) for path in shown]))
    assert file.stat().st_size < 5_000_000
    with opened_page(file.as_uri(), tmp_path / "profile") as page:
        for width in (1280, 390):
            page.resize(width, 900)
            assert page.run("document.documentElement.scrollWidth <= innerWidth"), width
        assert "Where the time went" in page.run("document.body.innerText")
        assert page.run("document.querySelectorAll('section').length") == count
        assert page.complaints == []
        assert page.requests == [file.as_uri()]


def test_runs_on_other_images_are_shown_without_a_comparison(runs: list[greycard.Run], cli, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(runs[0].path, other)
    recipe = (other / "recipe.json").read_text().replace('"dataset": "digits"', '"dataset": "others"')
    (other / "recipe.json").write_text(recipe)
    said = cli("report", runs[0].path, other, "-o", tmp_path / "page.html")
    assert said.code == 0, said.err
    assert "Compared on the same images" not in (tmp_path / "page.html").read_text()


@pytest.mark.slow
def test_other_tools_are_told(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboard")
    pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    small = ("--epochs", "2", "--set", "train_limit=100", "--quiet")
    told = subprocess.run(
        [sys.executable, "-m", "greycard", "run", "digits-cnn", *small, "--tensorboard", "--mlflow"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "is told no more" not in told.stderr
    assert list(Path("runs/digits-cnn-1/tensorboard").glob("events*"))
    losses = next(Path("mlruns").rglob("metrics/val_loss")).read_text().splitlines()
    assert len(losses) == 2
