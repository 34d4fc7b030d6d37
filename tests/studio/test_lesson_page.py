"""A lesson in a real browser: read, run a command, answer a question, and look at the answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import greycard
from browser import Page, expect_browser, opened_page
from conftest import image
from studio_page import studio, wait_for_counts

pytestmark = pytest.mark.slow


_ANSWER = "It gives 4 <b>because</b> of the rule. 1 step of 10"
_COUNTS = {"No label yet": 1, "cat": 0}


def test_a_student_runs_a_command_and_answers_a_question(tmp_path: Path) -> None:
    expect_browser()
    (tmp_path / "images" / "cat").mkdir(parents=True)
    image(0).save(tmp_path / "images" / "0.jpg")
    options = ["--port", "0", "--lesson", "one-neuron", "--name", "Ada"]
    words = [sys.executable, "-m", "greycard", "studio", str(tmp_path / "images"), *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as server:
        try:
            assert server.stdout
            address = server.stdout.readline().rpartition(" ")[2].strip()
            _use(address, tmp_path)
        finally:
            server.kill()
    assert greycard.open_run(tmp_path / "runs" / "house-prices-1").author == "Ada"


def _use(address: str, tmp_path: Path) -> None:
    shown = "document.getElementById('%s').textContent"
    with opened_page(address, tmp_path / "profile") as page:
        page.resize(1280, 800)
        page.wait_for("!document.getElementById('lesson').hidden")
        assert page.run(shown % "lesson-title") == "1. One neuron"
        page.run("document.querySelector('#lesson .command button').click()")
        page.wait_for(f"{shown % 'lesson-status'} === 'finished'", seconds=120)
        assert "Ada   house-prices-1" in page.run(shown % "lesson-result")
        assert page.run("document.getElementById('lesson').scrollTop") > 0
        assert page.run("[...document.querySelectorAll('#lesson img')].every((each) => each.naturalWidth)")
        (tmp_path / "run-1280.png").write_bytes(page.screenshot())
        page.run("document.getElementById('lesson-answer-0').focus()")
        page.call("Input.insertText", text="It gives 4 <b>because</b> of the rule.")
        page.write(" 1 step of 10")
        assert page.run("document.getElementById('lesson-answer-0').value") == _ANSWER
        page.wait_for("document.querySelector('#lesson-questions .note').textContent === 'saved'")
        _press_a_digit_in_a_list(page)
        assert "400,000" not in page.run(shown % "lesson-questions")
        page.run("document.querySelector('#lesson-questions button').click()")
        page.wait_for(f"{shown % 'lesson-questions'}.includes('400,000')")
        page.run("document.querySelector('#lesson-questions li').scrollIntoView()")
        for width, height in ((1280, 800), (390, 800)):
            page.resize(width, height)
            page.wait_for("document.documentElement.scrollWidth <= innerWidth")
            (tmp_path / f"{width}.png").write_bytes(page.screenshot())
        page.reload()
        page.wait_for(f"document.getElementById('lesson-answer-0')?.value === '{_ANSWER}'")
        page.run("document.getElementById('show-lesson').click()")
        assert page.run("document.getElementById('lesson').hidden") is True
        assert page.run("document.getElementById('show-lesson').ariaExpanded") == "false"
        assert not page.complaints
        assert all(each.startswith(address) for each in page.requests)


def _press_a_digit_in_a_list(page: Page) -> None:
    """It chooses in the list, as everywhere, and labels nothing."""
    page.run("document.getElementById('label-as').focus()")
    page.write("1")
    page.run("new Promise((resolve) => setTimeout(resolve, 300))")
    wait_for_counts(page, _COUNTS)


@pytest.mark.parametrize("lesson", ["6", "10"])
def test_the_tables_of_a_lesson_are_aligned(tmp_path: Path, lesson: str) -> None:
    aligned = "[...document.querySelectorAll('#lesson td')].map((each) => getComputedStyle(each).textAlign)"
    options = ["--lesson", lesson]
    with studio(tmp_path / "images", *options) as (address, _), opened_page(address, tmp_path / "profile") as page:
        page.wait_for("!document.getElementById('lesson').hidden")
        assert set(page.run(aligned)) == {"left", "right"}
        for width in (1280, 390):
            page.resize(width, 800)
            page.wait_for("document.documentElement.scrollWidth <= innerWidth")
            page.run("document.querySelector('#lesson td').scrollIntoView()")
            (tmp_path / f"{width}.png").write_bytes(page.screenshot())
        assert not page.complaints
