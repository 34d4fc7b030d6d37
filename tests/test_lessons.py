"""The lessons run as they stand and make the picture that is shown; the notebooks are the same lessons."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

DOCS = Path(__file__).resolve().parents[1] / "docs"


def _notebooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("notebooks", DOCS / "notebooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


notebooks = _notebooks()
LESSONS = notebooks.lessons()
LONG = ("4-folders", "6-augmentation", "7-transfer", "8-many-classes", "9-your-picture")
RUN = [pytest.param(page, marks=pytest.mark.slow if page.stem in LONG else ()) for page in LESSONS]


def _name(page: Path) -> str:
    return page.stem


def test_there_is_a_lesson_for_each_of_the_nine() -> None:
    assert [page.name[0] for page in LESSONS] == list("123456789")
    overview = (DOCS / "lessons" / "README.md").read_text(encoding="utf-8")
    assert all(page.name in overview for page in LESSONS)


@pytest.mark.parametrize("page", RUN, ids=_name)
def test_a_lesson_runs_and_makes_its_pictures(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = page.read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    for block in notebooks.code(text):
        exec(compile(block, page.name, "exec"), names)
    shown = re.findall(r"\]\(pictures/([^)]+)\)", text)
    assert shown
    for name in shown:
        with Image.open(name) as made, Image.open(DOCS / "lessons" / "pictures" / name) as kept:
            assert made.size == kept.size
            assert np.asarray(made.convert("L")).std() > 5
    assert capsys.readouterr().out


@pytest.mark.parametrize("page", LESSONS, ids=_name)
def test_a_notebook_is_its_lesson(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    kept = (DOCS / "lessons" / "notebooks" / f"{page.stem}.ipynb").read_text(encoding="utf-8")
    assert kept == notebooks.notebook(text), "run `make docs`"
    cells = json.loads(kept)["cells"]
    assert ["".join(cell["source"]) + "\n" for cell in cells if cell["cell_type"] == "code"] == notebooks.code(text)
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", "".join("".join(cell["source"]) for cell in cells)):
        assert (DOCS / "lessons" / "notebooks" / target).exists(), target


@pytest.mark.slow
@pytest.mark.parametrize("name", ["1-one-neuron", "8-many-classes"])
def test_a_notebook_runs_top_to_bottom(name: str, tmp_path: Path) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(DOCS / "lessons" / "notebooks" / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs
    assert not any(output.output_type == "error" for output in outputs)
