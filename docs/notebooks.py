"""Write the lessons as notebooks: text becomes Markdown cells, Python blocks become code cells.

With `--pictures`, run each lesson in a folder of its own and keep the pictures it makes.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

LESSONS = Path(__file__).resolve().parent / "lessons"
_BLOCK = re.compile(r"```python\n(.*?)```\n?", re.DOTALL)
_LANGUAGE = {"name": "python"}
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def main() -> None:
    for page in lessons():
        place = LESSONS / "notebooks" / f"{page.stem}.ipynb"
        place.parent.mkdir(exist_ok=True)
        place.write_text(notebook(page.read_text(encoding="utf-8")), encoding="utf-8")
        if "--pictures" in sys.argv[1:]:
            keep_pictures(page)


def keep_pictures(page: Path) -> None:
    """Run a lesson, and keep its pictures beside it."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        names: dict[str, Any] = {}
        for block in code(page.read_text(encoding="utf-8")):
            exec(block, names)
        for picture in Path().glob("*.png"):
            shutil.copy(picture, LESSONS / "pictures" / picture.name)


def lessons() -> list[Path]:
    """The lessons' pages, in order."""
    return sorted(LESSONS.glob("[0-9]*.md"))


def code(text: str) -> list[str]:
    """A lesson's Python blocks, in order."""
    return _BLOCK.findall(text)


def notebook(text: str) -> str:
    """A lesson as the text of an .ipynb file, without outputs."""
    cells: list[dict[str, Any]] = []
    for number, part in enumerate(_BLOCK.split(text)):
        if part.strip():
            cells.append(_code_cell(part) if number % 2 else _text_cell(part))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    metadata = {"kernelspec": _KERNEL, "language_info": _LANGUAGE}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def _text_cell(part: str) -> dict[str, Any]:
    """Text with its links as seen from one folder further down, where other lessons are notebooks, too."""
    deeper = re.sub(r"\]\((\.\./|pictures/)", r"](../\1", part.strip())
    moved = re.sub(r"\]\((\d[^)]*)\.md\)", r"](\1.ipynb)", deeper)
    return {"cell_type": "markdown", "metadata": {}, "source": moved}


def _code_cell(part: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": part.rstrip("\n")}


if __name__ == "__main__":
    main()
