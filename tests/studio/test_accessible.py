"""Every view of the page is checked by axe-core, in light and dark, on a wide and a narrow screen."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from browser import Page, opened_page
from conftest import make_folder
from studio_page import studio

pytestmark = pytest.mark.slow

_VIEWS = ("images-view", "training-view")


def _violations(page: Page) -> list[str]:
    """What axe-core finds: the rule, and the elements that break it."""
    run = "axe.run(document).then((found) => JSON.stringify(found.violations.map((each) =>"
    run += " [each.id, each.help, ...each.nodes.map((node) => node.html + ' ' + node.failureSummary)])))"
    return [": ".join(each) for each in json.loads(page.run(run))]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_view_has_a_barrier(tmp_path: Path, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python")  # only for its copy of axe-core
    root = make_folder(tmp_path / "pets", ("",), ("dark", "light"), 8)
    with studio(root) as (address, _), opened_page(address, tmp_path / "profile") as page:
        page.resize(width, 800)
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        page.wait_for("document.querySelectorAll('.cell').length === 8")
        page.run(files(axe).joinpath("axe.min.js").read_text(encoding="utf-8") + "; null")
        for view in _VIEWS:
            page.run(f"document.querySelector('[data-view={view}]').click()")
            page.wait_for(f"!document.getElementById('{view}').hidden")
            assert not _violations(page)
        page.run("document.querySelector('[data-view=images-view]').click()")
        page.run("document.getElementById('grid').focus()")
        for key, dialog in ((" ", None), ("Enter", "large")):
            page.press(key)
            if dialog:
                page.wait_for(f"document.getElementById('{dialog}').open")
            assert not _violations(page)
