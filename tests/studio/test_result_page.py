"""A run's result in a real browser: from its mistakes to a corrected label, a tried image and an exported model."""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from trained_project import WRONG, copied, train_project

from browser import Page, opened_page
from conftest import image
from studio_page import studio

pytestmark = pytest.mark.slow

CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_project(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def pets(trained: Path, tmp_path: Path) -> Path:
    return copied(trained, tmp_path / "project")


@pytest.fixture
def page(pets: Path, tmp_path: Path) -> Iterator[Page]:
    """The page with the run opened."""
    with studio(pets, "--token", "a+b") as (address, _), opened_page(address, tmp_path / "profile", *CAMERA) as page:
        page.wait_for("document.querySelectorAll('.cell').length > 0")
        _open_run(page)
        yield page
        assert not page.complaints
        assert all(each.startswith(address.partition("#")[0]) for each in page.requests)


def _open_run(page: Page) -> None:
    page.run("document.querySelector('[data-view=training-view]').click()")
    page.run("document.dispatchEvent(new CustomEvent('run-opened', { detail: { name: 'pets-1' } }))")
    page.wait_for("!document.getElementById('run-parts').hidden")


def _pictured(page: Page, name: Path) -> None:
    """Screenshots in two widths, light and dark; nothing is wider than the window."""
    for width, height in ((390, 900), (1280, 1800)):
        page.resize(width, height)
        page.wait_for("document.documentElement.scrollWidth <= innerWidth")
        for dark in (True, False):
            page.dark(dark)
            name.with_name(f"{name.name}-{width}-{'dark' if dark else 'light'}.png").write_bytes(page.screenshot())


def _click(page: Page, id: str) -> None:
    page.run(f"document.getElementById('{id}').click()")


def _text(page: Page, id: str) -> str:
    return str(page.run(f"document.getElementById('{id}').textContent"))


def test_a_mistake_is_relabelled_where_it_is_shown(page: Page, pets: Path, tmp_path: Path) -> None:
    assert "validation images are right" in _text(page, "run-headline")
    assert page.run("document.querySelectorAll('#run-findings li').length") > 0
    _pictured(page, tmp_path / "result")
    wrong = "[...document.querySelectorAll('.confusion td.wrong button')]"
    counts = page.run(f"{wrong}.map((each) => Number(each.textContent))")
    assert sum(counts) <= 2 * WRONG
    _click(page, "show-mistakes")
    page.wait_for(f"document.querySelectorAll('.cell').length === {sum(counts)}")
    captions = page.run("[...document.querySelectorAll('.cell small')].map((each) => each.textContent)")
    assert all(each.startswith(("dark ", "light ")) and each.endswith("%") for each in captions)
    page.run("document.querySelector('[data-view=training-view]').click()")
    page.run(f"{wrong}.find((each) => each.ariaLabel.startsWith('label dark')).click()")
    first = page.run("document.getElementById('image-0').dataset.id")
    assert first.startswith("dark/w")
    assert page.run("document.activeElement.id") == "grid"
    page.press("2")
    page.wait_for(f"document.getElementById('image-0').dataset.id === '{first.replace('dark/', 'light/')}'")
    assert page.run("document.querySelector('#image-0 small').textContent") == "light"
    (tmp_path / "mistakes.png").write_bytes(page.screenshot())
    page.run("document.querySelector('[data-view=training-view]').click()")
    page.wait_for("document.getElementById('mistakes-note').textContent.includes('1 of these images has another')")
    page.press("1")
    assert (pets / first.replace("dark/", "light/")).is_file()
    page.wait_for("document.getElementById('mistakes-note').textContent.includes('1 of these images has another')")
    _open_run(page)
    page.wait_for("document.getElementById('mistakes-note').textContent.includes('1 of these images has another')")


def test_many_classes_are_a_list_of_their_confusions(page: Page) -> None:
    classes = "Array.from({ length: 27 }, (_, n) => `class ${n}`)"
    answers = "[{ label: 0, answer: 1 }, { label: 3, answer: 2 }, { label: 3, answer: 2 }, { label: 4, answer: 4 }]"
    shown = "matrix({ classes, answers }, (cell, words) => { window.chosen = [cell.length, words]; })"
    page.run(
        "import('/matrix.js').then(({ matrix }) => {"
        f" const [classes, answers] = [{classes}, {answers}]; window.list = {shown}; }})"
    )
    page.wait_for("window.list?.querySelectorAll('button').length === 2")
    page.run("list.querySelector('button').click()")
    assert page.run("chosen") == [2, "label class 3, predicted class 2: 2 images"]


def test_the_model_is_tried_with_a_dropped_image_and_the_camera(page: Page, pets: Path, tmp_path: Path) -> None:
    image(9, 215, (300, 400)).save(tmp_path / "mine.jpg")
    before = sorted(pets.rglob("*.jpg"))
    page.drop(tmp_path / "mine.jpg", place="#run-parts")
    page.wait_for("document.getElementById('try-status').textContent.startsWith('light, ')", seconds=120)
    assert page.run("document.getElementById('try-image').naturalWidth") == 400
    bars = "document.querySelectorAll('#try-bars progress')"
    assert page.run(f"[...{bars}].map((each) => each.getAttribute('aria-label'))") == ["dark", "light"]
    assert page.run(f"{bars}[1].value") > 0.5
    _pictured(page, tmp_path / "tried")
    image(9, 40, (30, 40)).save(tmp_path / "pasted.jpg")
    page.paste(tmp_path / "pasted.jpg", place="#run-parts")
    page.wait_for("document.getElementById('try-status').textContent.startsWith('dark, ')")
    page.run("window.asked = []; const before = fetch; window.fetch = (...all) => (asked.push(all[0]), before(...all))")
    _click(page, "try-camera")
    page.wait_for("asked.filter((each) => each.includes('heat=0')).length >= 5")
    begun, count = time.monotonic(), page.run("asked.length")
    page.wait_for(f"asked.length >= {count} + 10")
    assert 1.8 < time.monotonic() - begun < 10
    _pictured(page, tmp_path / "camera")
    _click(page, "try-camera")
    assert page.run("document.getElementById('try-video').srcObject") is None
    assert sorted(pets.rglob("*.jpg")) == before


def test_report_export_heat_maps_and_project_are_made_and_taken(page: Page, pets: Path, tmp_path: Path) -> None:
    _click(page, "explain-mistakes")
    figures = "[...document.querySelectorAll('#drawings img')]"
    page.wait_for(f"{figures}.length > 1 && {figures}.every((each) => each.naturalWidth)", seconds=120)
    page.run("document.querySelector('#drawings summary').click()")
    page.wait_for("document.querySelector('#drawings details img')?.naturalWidth > 0")
    _click(page, "augmentation")
    page.wait_for("document.getElementById('augmentation-sheet').naturalWidth > 0", seconds=120)
    _click(page, "report")
    page.wait_for("document.getElementById('report').textContent === 'Open the report'", seconds=120)
    page.run("document.getElementById('export-format').value = 'litert'")
    _click(page, "export")
    page.wait_for("document.querySelector('#exports p')?.textContent.includes('with the same prediction')", seconds=120)
    _pictured(page, tmp_path / "made")
    page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path / "taken"))
    page.run("document.querySelector('#exports button').click()")
    _expect_file(tmp_path / "taken" / "pets-1.tflite")
    _click(page, "project-zip")
    _expect_file(tmp_path / "taken" / f"{pets.name}.zip")
    with zipfile.ZipFile(tmp_path / "taken" / f"{pets.name}.zip") as archive:
        assert "runs/pets-1/model.keras" in archive.namelist()
    page.call("Runtime.evaluate", expression="document.getElementById('report').click()", userGesture=True)
    report = _opened(page, "/download/")
    assert report["title"].startswith("pets-1")


def _expect_file(place: Path) -> None:
    deadline = time.monotonic() + 30
    while not place.is_file():
        assert time.monotonic() < deadline, f"{place.name} was not downloaded"
        time.sleep(0.1)


def _opened(page: Page, part: str) -> dict[str, str]:
    """The browser's other page whose address has this part, when it has a title."""
    deadline = time.monotonic() + 30
    while True:
        targets = page.call("Target.getTargets")["targetInfos"]
        found = [
            each for each in targets if part in each["url"] and each["title"] and "/download/" not in each["title"]
        ]
        if found:
            return dict(found[0])
        assert time.monotonic() < deadline, json.dumps(targets)
        time.sleep(0.1)
