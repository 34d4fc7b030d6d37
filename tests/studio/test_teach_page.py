"""Teaching in a real browser: wrong labels are found, and photographs without a label are labelled by proposals."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from browser import Page, opened_page
from studio_page import CTRL, studio, wait_for_counts

pytestmark = pytest.mark.slow

_SHOWN = "[...document.querySelectorAll('.cell')].map((each) => each.dataset.id).sort()"
_LABELLED, _OTHERS, _WRONG = 60, 12, 3


@pytest.fixture
def root(tmp_path: Path, real_data: Path, lite0: Path) -> Path:
    """Photographs of cats and dogs, named by what they show: some without a label, three cats among the dogs."""
    pets, root = real_data / "cats_and_dogs_filtered" / "train", tmp_path / "pets"
    for name in ("cats", "dogs"):
        (root / name).mkdir(parents=True)
    for name in ("cats", "dogs"):
        files = sorted((pets / name).glob("*.jpg"))[: _LABELLED + _OTHERS]
        for number, file in enumerate(files):
            place = "dogs" if number < _WRONG else name if number < _LABELLED else "."
            shutil.copy(file, root / place)
    return root


def _wrong(root: Path) -> list[Path]:
    return [*(root / "cats").glob("dog.*"), *(root / "dogs").glob("cat.*")]


def _press_button(page: Page, words: str) -> None:
    found = f"[...document.querySelectorAll('button')].find((each) => /{words}/.test(each.textContent))"
    page.wait_for(f"{found} !== undefined", seconds=90)
    page.run(f"{found}.click()")


def _label_first(page: Page) -> None:
    """Give the first image that is shown its true class, by key."""
    first = page.run("document.getElementById('image-0').dataset.id")
    page.press("1" if first.startswith("cat") else "2")
    page.wait_for(f"!{_SHOWN}.includes('{first}')")


def _accept_all(page: Page) -> None:
    page.run("document.getElementById('grid').focus()")
    page.press("a", CTRL)
    page.press("a")


def _confirm_others(page: Page) -> None:
    """Say that all labels are right that still look wrong."""
    page.run("document.querySelectorAll('#classes button')[0].click()")
    time.sleep(2)  # for the fits after the last change
    if page.run("/wrong/.test(document.getElementById('teach-buttons').textContent)"):
        _press_button(page, "labels? looks? wrong")
        page.run("document.getElementById('grid').focus()")
        page.press("a", CTRL)
        page.run("document.getElementById('confirm').click()")
    page.wait_for("!/wrong/.test(document.getElementById('teach-buttons').textContent)")


def test_wrong_labels_are_found_and_the_others_are_proposed(root: Path, tmp_path: Path) -> None:
    with studio(root) as (address, _), opened_page(address, tmp_path / "profile") as page:
        wait_for_counts(page, {"No label yet": 24, "cats": 57, "dogs": 63})
        page.run("document.getElementById('teach').click()")
        _press_button(page, "labels? looks? wrong")
        page.wait_for("document.querySelector('.cell small').textContent.includes('→')")
        page.resize(1280, 800)
        (tmp_path / "wrong.png").write_bytes(page.screenshot())
        _accept_all(page)
        page.wait_for("/accepted at once/.test(document.getElementById('teach-figures').textContent)")
        assert len(_wrong(root)) < _WRONG
        _confirm_others(page)

        _press_button(page, "Label next")
        page.wait_for("document.querySelector('.cell small').textContent.includes('%')")
        (tmp_path / "next.png").write_bytes(page.screenshot())
        for _ in range(8):
            _label_first(page)
        _press_button(page, "All proposals")
        page.wait_for("document.querySelectorAll('.cell').length === 16")
        _accept_all(page)
        page.wait_for("document.querySelectorAll('.cell').length === 0")
        page.wait_for("document.getElementById('teach-figures').textContent.includes('144 of 144 images')")
        page.resize(390, 800)
        page.wait_for("document.documentElement.scrollWidth <= innerWidth")
        (tmp_path / "390.png").write_bytes(page.screenshot())
        assert not page.complaints
    assert len(list(root.glob("*/*.jpg"))) == 2 * (_LABELLED + _OTHERS)
    assert len(_wrong(root)) <= _WRONG
