"""Runs with numbers and with several labels in a real browser: what the page shows of each, in two widths."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import greycard
from browser import Page, opened_page
from label_grids import make_grids
from studio_page import studio

pytestmark = pytest.mark.slow

SMALL = {"conv": (8,), "dense": (16,), "backbone": None, "augmentation": None, "quiet": True, "learning_rate": 0.01}


@contextmanager
def _opened(root: Path, profile: Path, run: str) -> Iterator[Page]:
    with studio(root) as (address, _), opened_page(address, profile) as page:
        page.wait_for("document.querySelectorAll('.cell').length > 0")
        page.run("document.querySelector('[data-view=training-view]').click()")
        page.wait_for(f"[...document.querySelectorAll('#runs button')].some((each) => each.textContent === '{run}')")
        page.run(f"[...document.querySelectorAll('#runs button')].find((each) => each.textContent === '{run}').click()")
        page.wait_for("!document.getElementById('run-parts').hidden")
        yield page
        assert not page.complaints


def _text(page: Page, id: str) -> str:
    return str(page.run(f"document.getElementById('{id}').textContent"))


def _pictured(page: Page, name: Path) -> None:
    """Screenshots in two widths, light and dark; nothing is wider than the window."""
    for width, height in ((390, 900), (1280, 1800)):
        page.resize(width, height)
        page.wait_for("document.documentElement.scrollWidth <= innerWidth")
        for dark in (True, False):
            page.dark(dark)
            name.with_name(f"{name.name}-{width}-{'dark' if dark else 'light'}.png").write_bytes(page.screenshot())


def _curves(page: Page) -> None:
    """Those of the chosen run."""
    page.run("document.getElementById('compare').click()")
    page.wait_for("document.querySelector('#chosen-curves figcaption')?.textContent.includes('validation loss')")
    assert page.run("document.querySelectorAll('#chosen-curves canvas').length") == 1  # of the loss; no accuracy


def test_a_number_is_shown_with_its_drawings_and_worst_mistakes(tmp_path: Path) -> None:
    root = tmp_path / "bars"
    root.mkdir()
    draws, lines = np.random.default_rng(2), ["path,height"]
    for row in range(120):
        height = int(draws.integers(0, 13))
        pixels = draws.integers(0, 60, (12, 12, 3), dtype=np.uint8)
        pixels[12 - height :, 3:9] = 200
        Image.fromarray(pixels).save(root / f"{row}.png")
        lines.append(f"{row}.png,{0.7 * height:.2f}")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    dataset = greycard.open_dataset(root / "labels.csv", val_fraction=0.4, task="regression")
    run = greycard.train(dataset, out=tmp_path / "runs", name="bars", image_size=12, epochs=12, **SMALL)
    greycard.train(dataset, out=tmp_path / "runs", name="bars", image_size=12, epochs=1, **SMALL)
    with _opened(root, tmp_path / "profile", "bars-1") as page:
        assert "gives the 120 images in this folder a number each" in _text(page, "label-file-status")
        assert "off on average" in _text(page, "runs")
        assert f"Predictions are {run.target.text(run.summary.numbers.validation.mae)} off" in _text(
            page, "run-headline"
        )
        assert "should have 90" in _text(page, "trust-sentence")
        assert page.run("document.getElementById('map').hidden")
        assert page.run("document.querySelectorAll('#matrix svg').length") == 2
        assert page.run("document.querySelectorAll('#matrix circle').length") == 2 * run.summary.val_images
        page.run("[...document.querySelectorAll('#runs input')].forEach((each) => each.click())")
        page.run("document.getElementById('compare').click()")
        page.wait_for("document.getElementById('comparison').textContent.includes('bars-1 is closer than')", seconds=60)
        assert "Closer in the first" in _text(page, "comparison-table")
        page.run("document.querySelector('#runs input').click()")  # one run stays chosen
        _curves(page)
        page.drop(root / "3.png", place="#run-parts")
        page.wait_for("document.getElementById('try-status').textContent.includes('probably between')", seconds=120)
        expected = run.predict(root / "3.png")[0]
        assert _text(page, "try-status").startswith(f"{run.target.text(expected.value)}, probably between ")
        page.run("document.getElementById('export-format').value = 'litert'")
        page.run("document.getElementById('export').click()")
        page.wait_for("document.querySelector('#exports p')?.textContent.includes('mean absolute error')", seconds=120)
        page.run("document.getElementById('explain-mistakes').click()")
        page.wait_for("document.querySelector('#drawings img')?.naturalWidth > 0", seconds=120)
        _pictured(page, tmp_path / "number")
        page.run("document.getElementById('show-mistakes').click()")
        page.wait_for("document.querySelectorAll('.cell').length === 24")
        assert "; predicted " in page.run("document.querySelector('.cell small').textContent")
        page.run("document.querySelector('[data-view=training-view]').click()")
        page.run("document.querySelector('#matrix circle').dispatchEvent(new MouseEvent('click'))")
        page.wait_for("document.querySelectorAll('.cell').length === 1")


def test_several_labels_are_shown_with_their_table_and_wrong_images(tmp_path: Path) -> None:
    root = tmp_path / "project"
    grids = make_grids(root)
    greycard.train(str(grids.table), out=tmp_path / "runs", name="grids", image_size=20, epochs=8, **SMALL)
    with _opened(root, tmp_path / "profile", "grids-1") as page:
        assert "several labels each" in _text(page, "label-file-status")
        assert "Mean average precision" in _text(page, "run-headline")
        assert page.run("document.querySelectorAll('#matrix tbody tr').length") == 3
        assert page.run("document.getElementById('map').hidden")
        page.run("document.querySelector('#runs input').click()")
        _curves(page)
        page.drop(root / grids.paths[0], place="#run-parts")
        page.wait_for("document.getElementById('try-status').textContent.startsWith('The model finds')", seconds=120)
        page.run("document.getElementById('explain-mistakes').click()")
        page.wait_for("document.querySelectorAll('#drawings img').length >= 6", seconds=120)
        captions = page.run("[...document.querySelectorAll('#drawings figcaption')].map((each) => each.textContent)")
        assert len(captions) == len(set(captions))
        page.run("document.getElementById('export-format').value = 'litert'")
        page.run("document.getElementById('export').click()")
        page.wait_for("document.querySelector('#exports p')?.textContent.includes('with the same labels')", seconds=120)
        _pictured(page, tmp_path / "several")
        page.run("document.getElementById('show-mistakes').click()")
        page.wait_for("document.querySelectorAll('.cell').length > 0")
        assert "; predicted " in page.run("document.querySelector('.cell small').textContent")
