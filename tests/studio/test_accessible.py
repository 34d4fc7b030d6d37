"""Every view of the page is checked by axe-core, in light and dark, on a wide and a narrow screen."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
from trained_project import train_project

import greycard
from browser import Page, opened_page
from studio_page import studio

pytestmark = pytest.mark.slow

_STEPS = (
    "document.querySelector('[data-view=images-view]').click()",
    "document.getElementById('grid').focus()",
    "document.querySelector('.cell').dispatchEvent(new MouseEvent('dblclick', { bubbles: true }))",
    "document.getElementById('large').close()",
    "document.querySelector('[data-view=training-view]').click()",
    "document.querySelector('#runs input').click()",
    "document.getElementById('compare').click()",
    "document.querySelector('#runs button').click()",
    "document.getElementById('show-lesson').click()",
)
"""What a user does, one after the other; after each the whole page is checked."""


def _violations(page: Page) -> list[str]:
    """What axe-core finds: the rule, and the elements that break it."""
    run = "axe.run(document).then((found) => JSON.stringify(found.violations.map((each) =>"
    run += " [each.id, each.help, ...each.nodes.map((node) => node.html + ' ' + node.failureSummary)])))"
    return [": ".join(each) for each in json.loads(page.run(run))]


_SHOWN_THOUGH_HIDDEN = "[...document.querySelectorAll('[hidden]')].filter((each) => each.checkVisibility()).length"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pets = train_project(tmp_path_factory.mktemp("trained"))
    greycard.open_run(pets.parent / "runs" / "pets-1").map()
    return pets


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_view_has_a_barrier(trained: Path, tmp_path: Path, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python")  # only for its copy of axe-core
    with studio(trained, "--lesson", "1") as (address, _), opened_page(address, tmp_path / "profile") as page:
        page.resize(width, 800)
        page.dark(scheme == "dark")
        page.wait_for("document.querySelectorAll('.cell').length > 0")
        page.run(files(axe).joinpath("axe.min.js").read_text(encoding="utf-8") + "; null")
        for step in _STEPS:
            page.run(step)
            assert page.run(_SHOWN_THOUGH_HIDDEN) == 0, step
            page.wait_for("document.getElementById('run-status').textContent === ''")
            assert not _violations(page), step
