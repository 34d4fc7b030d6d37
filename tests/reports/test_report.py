"""The report: one page that needs nothing beside it, with everything a reader looks for, in a real browser too."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from test_figures import contrast, mixed

import greycard
from browser import expect_browser, opened_page
from greycard.evaluation.comparison import Difference
from greycard.evaluation.scores import scores
from greycard.reports.class_parts import Confusion, class_parts
from greycard.reports.columns import percent, span
from greycard.reports.disagreements import disagreements
from greycard.reports.html_text import with_code
from greycard.reports.interval_plot import WIDTH, interval_plot
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


def _shown(text: str) -> str:
    """What a reader sees of the page's body, as one line."""
    body = text[text.index("<body>") :]
    return " ".join(
        unescape(re.sub(r"<(?!/?code)[^>]*>", " ", body).replace("<code>", "").replace("</code>", "")).split()
    )


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
    assert f"is right on {100 * summary.val_accuracy:.1f} % of 359 validation images" in words
    for heading in (
        "What to do next",
        "Learning",
        "Classes",
        "Calibration",
        "Time",
    ):
        assert heading in words
    assert summary.diagnosis[0].next_step.replace("`", "") in _shown(runs[0].report())
    assert summary.machine in words


def test_one_epoch_has_no_curves(tmp_path: Path) -> None:
    few = {"train_limit": 64, "val_limit": 32, "quiet": True, "out": tmp_path}
    pages = [report_page([greycard.train("digits-cnn", epochs=epochs, **few)]) for epochs in (1, 2)]
    assert ["<h2>Learning</h2>" in page for page in pages] == [False, True]


def test_accuracy_and_interval_come_first(runs: list[greycard.Run]) -> None:
    """Before any table, drawing or advice, and outside of every box that scrolls."""
    scores = runs[0].scores
    first = f"digits-cnn-1 {percent(scores.accuracy, 1)} accuracy on 359 validation images 95 % interval"
    assert _shown(runs[0].report()).startswith(f"{first} {span(*scores.interval)} ")
    several = report_page(runs)
    head = several[several.index("<thead>") : several.index("</thead>")]
    assert re.findall(r"<th[^>]*>([^<]*)</th>", head)[:3] == ["run", "accuracy", "95 % interval"]


def test_what_is_to_be_typed_is_code(runs: list[greycard.Run]) -> None:
    text = runs[0].report()
    body = text[text.index("<body>") :]
    typed = "".join(re.findall(r"<code>(.*?)</code>", body))
    assert "greycard run digits-cnn" in typed
    assert "`" not in body
    assert not re.search(r"\s--[a-z]", re.sub(r"<code>.*?</code>", "", body))


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("more epochs (--epochs)", "more epochs (<code>--epochs</code>)"),
        ("--epochs 40, --out names another", "<code>--epochs 40</code>, <code>--out</code> names another"),
        ("such as --set zoom_range=0.1.", "such as <code>--set zoom_range=0.1</code>."),
        ("`greycard train <b> --seed 1`, or a -x row", "<code>greycard train &lt;b&gt; --seed 1</code>, or a -x row"),
        ("--backbone MobileNetV2, well--known <i>", "<code>--backbone MobileNetV2</code>, well--known &lt;i&gt;"),
    ],
)  # fmt: skip
def test_commands_and_options_are_found_in_a_sentence(sentence: str, shown: str) -> None:
    assert with_code(sentence) == shown


def test_every_image_has_a_text(runs: list[greycard.Run]) -> None:
    text = report_page(runs)
    images = re.findall(r"<img [^>]*>", text) + re.findall(r"<svg[^>]*>", text)
    assert len(images) > 10
    assert all(re.search(r'(?:alt|aria-label)="[^"]{3,}"', image) for image in images)


def test_text_has_contrast_in_light_and_dark() -> None:
    css = files("greycard.reports").joinpath("templates/report.css").read_text("utf-8")
    light, dark = (dict(re.findall(r"(--[\w-]+): (#\w+);", part)) for part in css.split("prefers-color-scheme: dark"))
    assert light.keys() == dark.keys()
    for page in (light, dark):
        for text, below in itertools.product(("--ink", "--faint", "--good", "--bad"), ("--paper", "--soft")):
            assert contrast(page[text], page[below]) >= 4.5, (text, below)
        for share in map(int, re.findall(r"var\(--accent\)(?: calc\(var\(--shade\) \*)? (\d+)%", css)):
            assert contrast(page["--ink"], mixed(page["--accent"], page["--paper"], share / 100)) >= 4.5
        for line in ("--train", "--accent", *(f"--series-{number}" for number in range(1, 7))):
            assert contrast(page[line], page["--paper"]) >= 3, line


def test_drawings_take_the_pages_colours(runs: list[greycard.Run]) -> None:
    """A colour that stays as Matplotlib wrote it would not change with the page."""
    drawings = "".join(re.findall(r"<svg.*?</svg>", report_page(runs), re.DOTALL))
    assert set(re.findall(r"#[0-9a-f]{6}\b", re.sub(r"(?:xlink:)?href=\"[^\"]*\"|url\([^)]*\)", "", drawings))) <= {
        "#000000"
    }


def test_the_confusion_matrix_is_a_table_that_says_what_each_cell_is(runs: list[greycard.Run]) -> None:
    text = runs[0].report()
    matrix = runs[0].scores.confusion
    table = text[text.index('<table class="confusion">') :]
    cells = re.findall(r'title="true (\d), predicted (\d): (\d+) of (\d+) \(([\d.]+ %)\)">', table)
    assert len(cells) == 100
    for true, answered, count, total, share in cells:
        row = matrix[int(true)]
        assert (int(count), int(total)) == (row[int(answered)], sum(row))
        assert share == percent(int(count) / int(total), 1)


def test_a_hundred_classes_have_a_page_too(tmp_path: Path) -> None:
    """The worst classes are shown and all can be opened; the matrix is an image."""
    names = [f"species number {number}" for number in range(100)]
    labels = np.arange(300) % 100
    guesses = np.where(labels < 30, (labels + 1) % 100, labels)
    found = scores(labels, np.where(np.eye(100, dtype=bool)[guesses], 0.901, 0.001), names)
    parts = class_parts(found, names)
    assert (len(parts.every), len(parts.worst), parts.cells) == (100, 20, ())
    assert parts.image is not None
    assert parts.image.startswith("data:image/png")
    assert all(each.recall == 0 for each in parts.worst)
    assert parts.confusions[0] == Confusion(names[0], names[1], 3, 1.0)


def test_the_worst_mistakes_are_images(runs: list[greycard.Run]) -> None:
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
    assert "Compared on the same 359 validation images" in words
    assert "digits-cnn-1 minus digits-cnn-2" in _shown((tmp_path / "both.html").read_text())


def test_the_difference_is_drawn_with_its_interval(runs: list[greycard.Run]) -> None:
    found = greycard.compare(*runs).differences[0]
    (drawn,) = interval_plot([found]).intervals
    zero = WIDTH / 2
    assert drawn.low < drawn.middle < drawn.high
    for place, value in ((drawn.low, found.low), (drawn.middle, found.difference), (drawn.high, found.high)):
        assert (place - zero) * value >= 0
    text = report_page(runs)
    assert f'<line class="interval" x1="{drawn.low}" y1="12" x2="{drawn.high}"' in text
    assert f'aria-label="digits-cnn-1 minus digits-cnn-2: {drawn.points}"' in text


@given(
    values=st.lists(
        st.tuples(*[st.integers(-10_000, 10_000).map(lambda n: n / 10_000)] * 3).map(sorted), min_size=1, max_size=6
    )
)
def test_intervals_share_one_scale_with_zero_in_the_middle(values: list[list[float]]) -> None:
    differences = [Difference("a", "b", middle, low, high, 0.5, 0.5, (), ()) for low, middle, high in values]
    plot = interval_plot(differences)
    assert [tick.place for tick in plot.ticks][1] == WIDTH / 2
    unit = (plot.ticks[2].place - WIDTH / 2) / float(plot.ticks[2].label)
    for drawn, found in zip(plot.intervals, differences, strict=True):
        assert 0 < drawn.low <= drawn.middle <= drawn.high < WIDTH
        assert drawn.middle - WIDTH / 2 == pytest.approx(100 * found.difference * unit, abs=0.06)


def test_images_show_where_runs_disagree(runs: list[greycard.Run]) -> None:
    names = [run.name for run in runs]
    found = disagreements(runs, names)
    guesses = [run.predictions["probabilities"].argmax(axis=1)[np.argsort(run.predictions["ids"])] for run in runs]
    assert found.count == int((guesses[0] != guesses[1]).sum()) > 0
    known = dict(zip(runs[0].predictions["ids"].tolist(), runs[0].predictions["labels"].tolist(), strict=True))
    for each in found.shown:
        assert each.true == runs[0].classes[known[each.id]]
        assert [answer.run for answer in each.answers] == names
        assert len({answer.label for answer in each.answers}) == 2
        assert all(answer.right == (answer.label == each.true) for answer in each.answers)
    assert found.shown[0].image is not None
    text = report_page(runs)
    assert f"Where they disagree: {found.count} of 359 images" in text
    assert found.shown[0].image in text


def test_runs_whose_images_were_not_kept_still_say_where_they_disagree(
    runs: list[greycard.Run], tmp_path: Path
) -> None:
    copies = [shutil.copytree(run.path, tmp_path / run.name) for run in runs]
    for path in copies:
        (path / "mistakes.npz").unlink()
    found = disagreements([greycard.open_run(path) for path in copies], ["a", "b"])
    assert found.count > 0
    assert all(each.image is None for each in found.shown)
    assert found.shown[0].id in report_page([greycard.open_run(path) for path in copies])


def test_a_run_gets_its_page_in_its_folder(runs: list[greycard.Run], cli) -> None:
    assert cli("report", runs[0].path).code == 0
    assert (runs[0].path / "report.html").read_text().startswith("<!doctype html>")


def test_another_programs_backend_is_not_used() -> None:
    """As Jupyter hands its own to `!greycard report`, where it is not installed: Matplotlib could not be imported."""
    code = "from greycard.cli.main import main; main(['--version']); import greycard.reports.figures"
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, env={**os.environ, "MPLBACKEND": "nonsense"}, capture_output=True, check=False)
    assert (said.returncode, said.stderr) == (0, b"")


def test_names_cannot_write_into_the_page(images: Path, cli, tmp_path: Path) -> None:
    for part in ("train", "validation"):
        (images / part / "dark").rename(images / part / "<script>alert(1)<")
    assert (
        cli("train", images, "--epochs", "1", "--set", "image_size=16", "--weights", "none", "--out", tmp_path).code
        == 0
    )
    text = greycard.open_run(tmp_path / "images-1").report()
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


_CUT_OFF = """[...document.querySelectorAll("body *")].filter((each) => !each.closest(".wide, svg, details"))
    .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 || each.getBoundingClientRect().left < -1)
    .map((each) => each.outerHTML.slice(0, 80))"""

_OVERLAPPING = """[...document.querySelectorAll("svg")].flatMap((drawing) => {
    const boxes = [...drawing.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
    return boxes.flatMap(([one, a], place) => boxes.slice(place + 1).filter(([, b]) =>
        Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2).map(([other]) => one + " | " + other));
})"""


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
            assert page.run(_CUT_OFF) == [], width
            assert page.run(_OVERLAPPING) == [], width
        assert "Details" in page.run("document.body.innerText")
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
    assert "Compared on the same" not in (tmp_path / "page.html").read_text()


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
    assert "logging is disabled" not in told.stderr
    assert list(Path("runs/digits-cnn-1/tensorboard").glob("events*"))
    losses = next(Path("mlruns").rglob("metrics/val_loss")).read_text().splitlines()
    assert len(losses) == 2
