"""The map in a real browser: in Studio it is drawn, and a click opens the image; in a report it needs no script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from trained_project import copied, train_project

import greycard
from browser import Page, opened_page
from studio_page import studio

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_project(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def pets(trained: Path, tmp_path: Path) -> Path:
    return copied(trained, tmp_path / "project")


@pytest.fixture
def page(pets: Path, tmp_path: Path) -> Iterator[Page]:
    with studio(pets) as (address, _), opened_page(address, tmp_path / "profile") as page:
        page.call("Emulation.setFocusEmulationEnabled", enabled=True)
        page.wait_for("document.querySelectorAll('.cell').length > 0")
        page.run("document.querySelector('[data-view=training-view]').click()")
        page.run("document.dispatchEvent(new CustomEvent('run-opened', { detail: { name: 'pets-1' } }))")
        page.wait_for("!document.getElementById('run-parts').hidden")
        yield page
        assert not page.complaints


def _pictured(page: Page, name: Path, place: str) -> None:
    for width in (390, 1280):
        page.resize(width, 900)
        page.wait_for("document.documentElement.scrollWidth <= innerWidth")
        for dark in (True, False):
            page.dark(dark)
            page.run(f"document.querySelector('{place}').scrollIntoView({{ block: 'start' }})")
            name.with_name(f"{name.name}-{width}-{'dark' if dark else 'light'}.png").write_bytes(page.screenshot())


def test_the_map_is_drawn_and_a_click_opens_the_image(page: Page, pets: Path, tmp_path: Path) -> None:
    page.run("document.getElementById('map-make').click()")
    page.wait_for("!document.getElementById('map-parts').hidden", 120)
    run = greycard.open_run(pets.parent / "runs" / "pets-1")
    points = "[...document.querySelectorAll('.image-map g')]"
    assert page.run(f"{points}.length") == run.summary.val_images
    wrong = int((run.task.decide(run.predictions["probabilities"]) != run.predictions["labels"]).sum())
    assert page.run(f"{points}.filter((each) => each.tabIndex === 0).length") == wrong > 0
    page.run(f"{points}.at(-1).focus()")
    page.wait_for("document.getElementById('map-image').naturalWidth > 0")
    name = str(page.run(f"{points}.at(-1).ariaLabel")).partition(":")[0]
    assert str(page.run("document.getElementById('map-words').textContent")).startswith(name)
    _pictured(page, tmp_path / "map", "#map-title")
    page.press("Enter")
    page.wait_for("document.getElementById('image-0')?.checkVisibility()")
    assert page.run("document.getElementById('image-0').dataset.id") == name
    assert page.run("document.querySelectorAll('.cell').length") > 1


def test_the_reports_map_shows_an_image_without_a_script(pets: Path, tmp_path: Path) -> None:
    run = greycard.open_run(pets.parent / "runs" / "pets-1")
    run.map(data=pets)
    (tmp_path / "report.html").write_text(run.report(), encoding="utf-8")
    with opened_page((tmp_path / "report.html").as_uri(), tmp_path / "profile") as page:
        page.call("Emulation.setFocusEmulationEnabled", enabled=True)
        visible = "getComputedStyle(each).visibility === 'visible'"
        shown = f"[...document.querySelectorAll('.card')].filter((each) => {visible}).length"
        assert page.run(shown) == 0
        page.run("document.querySelector('.point[tabindex=\"0\"]').focus()")
        assert page.run(shown) == 1
        _pictured(page, tmp_path / "report-map", ".map")
        assert not page.complaints
