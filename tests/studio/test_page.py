"""The page in a real browser: from an empty folder to labelled images by keys, without an error in its console."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from browser import Page, opened_page
from conftest import image
from studio_page import CTRL, SHIFT, studio, wait_for_counts

pytestmark = pytest.mark.slow


def _save(path: Path, seed: int, brightness: int = 128) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image(seed, brightness).save(path)
    return path


def _add_class(page: Page, name: str) -> None:
    page.run("document.getElementById('class-name').focus()")
    page.call("Input.insertText", text=name)
    page.press("Enter")


def test_from_an_empty_folder_to_labels_undo_trash_and_names(tmp_path: Path) -> None:
    root, files = tmp_path / "pets", [_save(tmp_path / f"{number}.jpg", number) for number in range(3)]
    with studio(root, "--token", "a+b") as (address, _), opened_page(address, tmp_path / "profile") as page:
        wait_for_counts(page, {"No label yet": 0})
        _add_class(page, "cat")
        _add_class(page, "a/b")
        page.wait_for("document.getElementById('message').textContent.includes('cannot be a class')")
        page.run("document.getElementById('class-name').value = ''")
        _add_class(page, "dog")
        wait_for_counts(page, {"No label yet": 0, "cat": 0, "dog": 0})
        page.drop(*files)
        wait_for_counts(page, {"No label yet": 3, "cat": 0, "dog": 0})
        page.wait_for("[...document.querySelectorAll('.cell img')].filter((each) => each.naturalWidth).length === 3")
        page.run("document.getElementById('grid').focus()")
        page.press("1")
        wait_for_counts(page, {"No label yet": 2, "cat": 1, "dog": 0})
        page.press("ArrowRight", SHIFT)
        page.press("2")
        wait_for_counts(page, {"No label yet": 0, "cat": 1, "dog": 2})
        page.press("z", CTRL)
        wait_for_counts(page, {"No label yet": 2, "cat": 1, "dog": 0})
        page.press("y", CTRL)
        page.press("z", CTRL)
        page.press("Delete")
        wait_for_counts(page, {"No label yet": 1, "cat": 1, "dog": 0})
        page.press("Enter")
        page.wait_for("document.getElementById('large').open && document.querySelector('#large img').naturalWidth > 0")
        page.run("document.getElementById('large').close()")
        choose = "const select = document.getElementById('label-as'); select.value = '%s';"
        choose += " select.dispatchEvent(new Event('change'))"
        for label, numbers in (("dog", (0, 1, 1)), ("", (1, 1, 0))):
            page.run(f"{{ document.querySelector('.cell').click(); {choose % label} }}")
            wait_for_counts(page, dict(zip(("No label yet", "cat", "dog"), numbers, strict=True)))
            page.run("document.querySelectorAll('#classes button')[2].click()")
        page.run("document.querySelectorAll('#classes button')[1].click(); document.getElementById('rename').click()")
        page.run("document.getElementById('answer').select()")
        page.call("Input.insertText", text="tiger")
        page.press("Enter")
        wait_for_counts(page, {"No label yet": 1, "dog": 0, "tiger": 1})
        for width, height in ((1280, 800), (390, 800)):
            page.resize(width, height)
            page.wait_for("document.documentElement.scrollWidth <= innerWidth")
            (tmp_path / f"{width}.png").write_bytes(page.screenshot())
        assert not page.complaints
        assert all(each.startswith(address.partition("#")[0]) for each in page.requests)
    visible = [path.relative_to(root).as_posix() for path in root.rglob("*.jpg") if ".greycard" not in path.parts]
    assert sorted(visible) == ["2.jpg", "tiger/0.jpg"]


def test_300_images_are_labelled_by_keys_and_a_killed_server_loses_no_label(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    for number in range(300):
        _save(root / f"{number:03}.jpg", number, 60 if number % 2 else 180)
    for name in ("dark", "light"):
        (root / name).mkdir()
    with studio(root) as (address, process), opened_page(address, tmp_path / "profile") as page:
        wait_for_counts(page, {"No label yet": 300, "dark": 0, "light": 0})
        for number in range(300):
            page.press("1" if number % 2 else "2")
            wait_for_counts(page, {"No label yet": 299 - number, "dark": (number + 1) // 2, "light": number // 2 + 1})
        assert page.run("document.querySelectorAll('.cell').length") == 0
        assert not page.complaints
        process.kill()
    assert [len(list((root / name).glob("*.jpg"))) for name in ("dark", "light")] == [150, 150]
    with studio(root) as (address, _), opened_page(address, tmp_path / "second") as page:
        wait_for_counts(page, {"No label yet": 0, "dark": 150, "light": 150})
        page.press("z", CTRL)
        wait_for_counts(page, {"No label yet": 1, "dark": 149, "light": 150})


def test_a_wrong_label_is_found_and_corrected_where_the_check_shows_it(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    for number in range(6):
        _save(root / "dark" / f"{number}.png", number, 60)
        _save(root / "light" / f"{number}.png", 50 + number, 180)
    (root / "light" / "same.png").write_bytes((root / "dark" / "0.png").read_bytes())
    with studio(root) as (address, _), opened_page(address, tmp_path / "profile") as page:
        page.wait_for("document.querySelectorAll('.cell').length === 6")
        page.run("document.getElementById('check').click()")
        page.wait_for("document.querySelectorAll('#findings button').length > 0", seconds=120)
        page.run("document.querySelector('#findings button').click()")
        page.wait_for("[...document.querySelectorAll('.cell')].some((each) => each.dataset.id === 'light/same.png')")
        page.run("document.querySelector('.cell[data-id=\"light/same.png\"]').click()")
        page.run("document.getElementById('discard').click()")
        page.wait_for("document.querySelectorAll('.cell').length === 1")
        assert not page.complaints
    assert not (root / "light" / "same.png").exists()


def test_twenty_thousand_images_need_few_elements_and_no_time(tmp_path: Path) -> None:
    root, first = tmp_path / "many", _save(tmp_path / "one.jpg", 1)
    for label in ("cat", "dog"):
        (root / label).mkdir(parents=True)
        for number in range(10_000):
            (root / label / f"{number:05}.jpg").hardlink_to(first)
    with studio(root) as (address, _), opened_page(address, tmp_path / "profile") as page:
        page.wait_for("[...document.querySelectorAll('.cell img')].some((each) => each.naturalWidth)")
        assert page.run("document.querySelectorAll('.cell').length") < 200
        page.run("document.getElementById('grid').scrollTop = 60000")
        page.wait_for(
            "[...document.querySelectorAll('.cell img')].some((each) => each.naturalWidth && each.alt > 'cat/01')"
        )
        assert page.run("document.querySelectorAll('.cell').length") < 200
        page.press("a", CTRL)
        page.press("2")
        wait_for_counts(page, {"No label yet": 0, "cat": 0, "dog": 20_000})
        assert not page.complaints


_ANSWER = """{
const [answer, ask] = [%s, window.fetch];
window.fetch = (path, options) => (path === "/api/teach" ? Promise.resolve(new Response(answer)) : ask(path, options));
}"""
"""Let the server propose a class without a pretrained network."""


def test_a_accepts_a_proposal_also_with_caps_lock(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    _save(root / "0.jpg", 0)
    (root / "cat").mkdir()
    proposals = {"next": [{"id": "0.jpg", "label": "cat", "confidence": 0.9}], "suspects": [], "to_confirm": []}
    answer = {"state": "ready", "labelled": 0, "accepted": 0, "images": 1, "sample": 0, "alike": [], **proposals}
    with studio(root) as (address, _), opened_page(address, tmp_path / "profile") as page:
        wait_for_counts(page, {"No label yet": 1, "cat": 0})
        page.run(_ANSWER % json.dumps(json.dumps(answer)))
        page.run("document.getElementById('teach').click()")
        page.wait_for("document.querySelector('#teach-buttons button') !== null")
        page.run("document.querySelector('#teach-buttons button').click()")
        page.press("A")
        wait_for_counts(page, {"No label yet": 0, "cat": 1})
        assert not page.complaints
