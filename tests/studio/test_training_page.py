"""Training on the page, in a real browser: live curves, a page closed, a server killed, runs compared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_queue import kill_all

from browser import Page, opened_page
from conftest import make_folder
from greycard.studio.training.job_queue import Queue
from studio_page import studio

pytestmark = pytest.mark.slow


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    found = make_folder(tmp_path / "pets", ("",), ("dark", "light"), 16)
    yield found
    kill_all(Queue(found, found / ".greycard", tmp_path / "runs"))


def _open_training(page: Page) -> None:
    page.wait_for("document.querySelectorAll('#how option').length === 3")
    page.run("document.querySelector('[data-view=training-view]').click()")


def _add(page: Page, how: str, name: str, minutes: str) -> None:
    """Fill the form as a user does, and wait until the queue shows one more."""
    before = page.run("document.querySelectorAll('#queue li').length")
    for id, value in (("how", how), (how, name)):
        page.run(
            f"{{ const it = document.getElementById({json.dumps(id)}); it.value = {json.dumps(value)};"
            " it.dispatchEvent(new Event('change')); }"
        )
    page.run(f"document.getElementById('minutes').value = '{minutes}'; document.getElementById('train').click()")
    page.wait_for(f"document.querySelectorAll('#queue li').length === {before + 1}")


def _states(page: Page) -> list[str]:
    found: list[str] = page.run("[...document.querySelectorAll('#queue li')].map((each) => each.dataset.state)")
    return found


def _wait_for_states(page: Page, *states: str, seconds: float = 120) -> None:
    shown = "[...document.querySelectorAll('#queue li')].map((each) => each.dataset.state).join()"
    page.wait_for(f"{shown} === {json.dumps(','.join(states))}", seconds=seconds)


_EPOCHS = "document.querySelectorAll('#live-charts tbody tr').length"
_CURVE = f"{_EPOCHS} > 1 && document.querySelector('#live-charts canvas').width > 0"


def _screenshots(page: Page, place: Path, name: str) -> None:
    for width in (1280, 390):
        page.resize(width, 900)
        page.wait_for("document.documentElement.scrollWidth <= innerWidth")
        page.wait_for("[...document.querySelectorAll('.uplot')].every((each) => each.offsetWidth <= innerWidth)")
        (place / f"{name}-{width}.png").write_bytes(page.screenshot())


def test_a_training_survives_its_page_and_its_server_and_the_next_one_follows(root: Path, tmp_path: Path) -> None:
    with studio(root) as (address, server):
        with opened_page(address, tmp_path / "first") as page:
            _open_training(page)
            _add(page, "project", "cats-dogs-3k-cnn", "1.5")
            _add(page, "family", "mlp", "1")
            page.wait_for(_CURVE, seconds=120)
            assert _states(page) == ["running", "waiting"]
            words = page.run("document.querySelector('#live-charts figcaption').textContent")
            assert "of at most 100: validation accuracy" in words
            page.wait_for(
                "/images per second.*at most .* left/.test(document.getElementById('live-status').textContent)"
            )
            _screenshots(page, tmp_path, "live")
            assert not page.complaints
        with opened_page(address, tmp_path / "second") as page:
            _open_training(page)
            page.wait_for(_CURVE)
            seen = page.run(_EPOCHS)
            page.wait_for(f"{_EPOCHS} > {seen}")
            server.kill()
    with studio(root) as (address, _), opened_page(address, tmp_path / "third") as page:
        page.run("document.addEventListener('run-opened', (event) => { window.opened = event.detail.name; })")
        _open_training(page)
        page.wait_for(f"{_EPOCHS} > {seen}")
        _wait_for_states(page, "finished", "finished", seconds=240)
        page.wait_for("window.opened === 'pets-1' && document.querySelectorAll('#runs tbody tr').length === 2")
        page.wait_for("[...document.querySelectorAll('#runs input')].every((each) => !each.disabled)")
        page.run("document.querySelector('#runs tbody tr:last-child button').click()")
        assert page.run("window.opened") == "cats-dogs-3k-cnn-1"
        page.run("document.querySelectorAll('#runs input').forEach((each) => each.click())")
        page.run("document.getElementById('compare').click()")
        page.wait_for("document.querySelectorAll('#comparison-table tbody tr').length === 1", seconds=60)
        sentence = page.run("document.getElementById('comparison').textContent")
        assert re.search(r"cats-dogs-3k-cnn-1 .*pets-1 .* 6 validation images: .*points .*, p [<=] 0", sentence), (
            sentence
        )
        assert page.run("document.querySelectorAll('#chosen-curves .u-series').length") == 2 * 3
        _screenshots(page, tmp_path, "compare")
        assert not page.complaints
        assert all(each.startswith(address) for each in page.requests)


def test_a_search_shows_its_ladder_and_what_cannot_be_is_said(root: Path, tmp_path: Path) -> None:
    with studio(root) as (address, _), opened_page(address, tmp_path / "profile") as page:
        _open_training(page)
        page.run("document.getElementById('minutes').value = '0.4'; document.getElementById('train').click()")
        page.wait_for("document.querySelectorAll('#live-ladder tbody tr').length > 0", seconds=120)
        _screenshots(page, tmp_path, "ladder")
        page.run("document.querySelector('#queue button').click()")
        item = "document.querySelector('#queue li')"
        page.wait_for(f"{item}.dataset.state !== 'running' || {item}.textContent.includes('stopping')")
        assert page.run(f"{item}.dataset.state !== 'running' || {item}.textContent.includes('Stop')")
        page.wait_for("!['running'].includes(document.querySelector('#queue li').dataset.state)", seconds=120)
        page.run("document.querySelector('#queue li:last-child .buttons button:last-child').click()")
        _wait_for_states(page)
        (root / "light").rename(root.parent / "light")
        page.run("document.getElementById('train').click()")
        page.wait_for("document.getElementById('message').textContent === 'label images of at least 2 classes first'")
        _wait_for_states(page)
        assert not page.complaints
