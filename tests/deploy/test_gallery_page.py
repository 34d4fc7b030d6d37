"""The gallery in a real browser, opened as a file: correct with the keyboard, and save what the next training reads."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import pytest

from browser import Page, opened_page
from conftest import image
from greycard.datasets.table_listing import read_listing
from greycard.deploy.answers.answer import Answer
from greycard.deploy.gallery.gallery import Shown, gallery_page, write_gallery

pytestmark = pytest.mark.slow

LABELS = ("cat, or dog", "<b>rabbit</b>")
CTRL, SHIFT = 2, 8


@pytest.fixture
def page_file(tmp_path: Path) -> Path:
    """Ten images: five of each class, each less sure than the next, and two that are refused."""
    answers = []
    for number in range(12):
        file = tmp_path / "new" / f"{number:02} #1.jpg"
        file.parent.mkdir(exist_ok=True)
        image(number, 40 + 15 * number).save(file)
        label = LABELS[number % 2]
        answers.append(Answer(str(file), label, 0.5 + number / 100, ((label, 0.5),), refused=number >= 10))
    return write_gallery(tmp_path / "look", "pets-1", answers, LABELS, 1.0, lambda count: None)


@contextmanager
def _gallery(file: Path, profile: Path) -> Iterator[Page]:
    with opened_page(file.as_uri(), profile) as page:
        page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(profile.parent / "downloads"))
        page.resize(1280, 800)
        page.wait_for("document.querySelectorAll('.cell').length > 0")
        yield page


def _saved(page: Page, folder: Path) -> list[list[str]]:
    place = folder / "downloads" / "corrections.csv"
    place.unlink(missing_ok=True)
    page.run("document.getElementById('save').click()")
    deadline = time.monotonic() + 20
    while not place.is_file():
        assert time.monotonic() < deadline
        page.run("0")
        time.sleep(0.05)
    with place.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def _text(page: Page, name: str) -> str:
    return page.run(f"document.getElementById({json.dumps(name)}).textContent")


def test_corrections_by_keyboard_become_a_label_file(page_file: Path, tmp_path: Path) -> None:
    with _gallery(page_file, tmp_path / "profile") as page:
        page.wait_for("[...document.querySelectorAll('.cell img')].every((each) => each.naturalWidth > 0)")
        groups = page.run("[...document.querySelectorAll('#groups span')].map((each) => each.textContent)")
        assert groups == [*LABELS, "none of these"]
        page.run("document.getElementById('grid').focus()")
        page.press("Enter")  # 00 is right
        page.press("2")  # 02 is a rabbit
        page.press("ArrowRight")
        page.press("l")
        page.run("document.getElementById('label').value = 'my \"fox\"'")
        page.press("Enter")  # 06 is a fox
        page.press("1")
        page.press("u")  # 08 stays focused, as the last one, and its label is taken back
        assert _text(page, "status") == "2 corrected, 1 confirmed"
        names = [str(tmp_path / "new" / f"{number:02} #1.jpg") for number in range(12)]
        marked = [[names[0], LABELS[0]], [names[2], LABELS[1]], [names[6], 'my "fox"']]
        assert _saved(page, tmp_path) == [["path", "label"], *marked]
        page.run("document.getElementById('all').click()")
        every = [[names[4], LABELS[0]], [names[8], LABELS[0]], *([names[n], LABELS[1]] for n in range(1, 10, 2))]
        assert sorted(_saved(page, tmp_path)[1:]) == sorted([*marked, *every])  # what is none of these has no label
        assert page.complaints == []
        assert all(address.startswith("file:") for address in page.requests)
        page.reload()
        page.wait_for("document.readyState === 'complete' && document.querySelectorAll('.cell.marked').length === 3")
    listing = read_listing(tmp_path / "downloads" / "corrections.csv")
    assert {image.label for image in listing.images} == {*LABELS, 'my "fox"'}
    assert len(listing.images) == 10
    assert not listing.problems


def test_several_images_get_one_label(page_file: Path, tmp_path: Path) -> None:
    with _gallery(page_file, tmp_path / "profile") as page:
        page.run("document.getElementById('grid').focus()")
        page.press("n")
        assert _text(page, "group") == f"{LABELS[1]}: 5"
        page.press("ArrowRight", SHIFT)
        assert _text(page, "about") == "2 images selected"
        page.press("1")
        page.press("a", CTRL)
        page.press("Enter")
        assert _text(page, "status") == "0 corrected, 5 confirmed"
        page.run("document.querySelectorAll('#groups button')[2].click()")
        page.run("document.getElementById('right').click()")
        assert len(_saved(page, tmp_path)) == 6  # a confirmed `none of these` is no label


@pytest.fixture
def lists_file(tmp_path: Path) -> Path:
    """Six images with several labels: both, the first, and none, twice each."""
    sets = (LABELS, LABELS[:1], ())
    answers = []
    for number in range(6):
        file = tmp_path / "new" / f"{number}.jpg"
        file.parent.mkdir(exist_ok=True)
        image(number, 40 + 15 * number).save(file)
        pairs = tuple((label, 0.5) for label in LABELS)
        answers.append(Answer(str(file), "", 0.5 + number / 100, pairs, labels=sets[number % 3]))
    return write_gallery(tmp_path / "look", "pets-1", answers, LABELS, 1.0, lambda count: None, several=True)


def test_boxes_correct_lists_of_labels(lists_file: Path, tmp_path: Path) -> None:
    boxes = (
        "[...document.querySelectorAll('#boxes input')].map((each) => each.indeterminate ? 2 : Number(each.checked))"
    )
    with _gallery(lists_file, tmp_path / "profile") as page:
        groups = page.run("[...document.querySelectorAll('#groups span')].map((each) => each.textContent)")
        assert groups == [*LABELS, "none"]
        page.run("document.getElementById('grid').focus()")
        assert page.run(boxes) == [1, 1]  # 0 has both labels
        page.press("1")
        page.press("Enter")  # and now the second one alone
        assert page.run(boxes) == [1, 0]
        page.press("Enter")  # 1 is right
        page.press("a", CTRL)
        assert page.run(boxes) == [2, 2]
        page.press("2")
        page.press("Enter")  # all of the group have the second label; the first one only where it was
        page.press("n")
        page.press("n")
        page.press("l")
        page.run("document.getElementById('label').value = 'fox'")
        page.press("Enter")  # 2 has a new label
        assert _text(page, "status") == "4 corrected, 1 confirmed"
        names = [str(tmp_path / "new" / f"{number}.jpg") for number in range(6)]
        both, second = ";".join(LABELS), LABELS[1]
        saved = [[names[0], second], [names[1], both], [names[2], "fox"], [names[3], both], [names[4], both]]
        assert _saved(page, tmp_path) == [["path", "labels"], *saved]
        page.run("document.getElementById('all').click()")
        assert _saved(page, tmp_path)[-1] == [names[5], "none"]
        page.reload()
        page.wait_for("document.readyState === 'complete' && document.querySelectorAll('#boxes input').length === 3")
        assert page.complaints == []
    listing = read_listing(tmp_path / "downloads" / "corrections.csv")
    assert [image.label for image in listing.images][:3] == [(second,), tuple(sorted(LABELS)), ("fox",)]


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_no_barrier(
    page_file: Path, lists_file: Path, tmp_path: Path, scheme: str, width: int, several: bool
) -> None:
    axe = pytest.importorskip("axe_playwright_python")  # only for its copy of axe-core
    if several:
        page_file = lists_file
    with _gallery(page_file, tmp_path / "profile") as page:
        page.resize(width, 800)
        page.dark(scheme == "dark")
        page.run("document.getElementById('grid').focus()")
        page.press("2")
        assert page.run("document.documentElement.scrollWidth") <= width
        assert page.run("document.documentElement.scrollHeight") <= 800
        page.run(files(axe).joinpath("axe.min.js").read_text(encoding="utf-8") + "; null")
        found = page.run(
            "axe.run(document).then((found) => found.violations.map((each) => each.id + ' ' + each.nodes[0].html))"
        )
        assert found == []


def test_a_hundred_thousand_images_are_scrolled_through(tmp_path: Path) -> None:
    shown = [Shown(f"{number:06}.jpg", "", (LABELS[0],), number / 100_000) for number in range(100_000)]
    (tmp_path / "index.html").write_text(gallery_page("pets-1", shown, LABELS, 0), encoding="utf-8")
    with _gallery(tmp_path / "index.html", tmp_path / "profile") as page:
        page.run("document.getElementById('grid').focus()")
        page.press("End")
        page.wait_for("document.querySelector('.focused img')?.alt === '099999.jpg'")
        assert page.run("document.querySelectorAll('.cell').length") < 200
        assert page.complaints == []
