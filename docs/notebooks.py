"""Write the lessons as notebooks: text becomes Markdown cells, Python blocks become code cells.

A page shows a committed image. A notebook shows the reader's own instead: a cell displays the file that the code above
it wrote. With `--images`, run each lesson in a temporary folder and save its images for the pages.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from lesson_runs import BLOCK, LESSONS, lessons, run_lesson

_IMAGE = re.compile(r"!\[([^\]]*)\]\(images/([^)]+)\)")
_LANGUAGE = {"name": "python"}
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def main() -> None:
    for page in lessons():
        place = LESSONS / "notebooks" / f"{page.stem}.ipynb"
        place.parent.mkdir(exist_ok=True)
        place.write_text(notebook(page.read_text(encoding="utf-8")), encoding="utf-8")
        if "--images" in sys.argv[1:]:
            keep_images(page)


def keep_images(page: Path) -> None:
    """Run a lesson and save its images for its page."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        run_lesson(page)
        for image in Path().glob("*.png"):
            with Image.open(image) as made:  # with a palette: the wheel has these images, too
                made.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE).save(
                    LESSONS / "images" / image.name, optimize=True
                )


def notebook(text: str) -> str:
    """A lesson as the text of an .ipynb file, without outputs."""
    cells: list[dict[str, Any]] = []
    for number, part in enumerate(BLOCK.split(text)):
        if number % 2:
            cells.append(_code_cell(part))
        else:
            cells += _text_cells(part)
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    metadata = {"kernelspec": _KERNEL, "language_info": _LANGUAGE}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def _text_cells(part: str) -> list[dict[str, Any]]:
    """Text; each image becomes a cell that shows the reader's own, with its caption below."""
    cells: list[dict[str, Any]] = []
    for number, piece in enumerate(_IMAGE.split(part)):
        if number % 3 == 2:
            cells.insert(-1, _code_cell(f'from IPython.display import Image\n\nImage("{piece}")'))
        elif piece.strip():
            cells.append(_text_cell(f"*{piece}.*" if number % 3 else piece))
    return cells


def _text_cell(part: str) -> dict[str, Any]:
    """Text with its links relative to notebooks/, where links to lessons lead to notebooks."""
    deeper = re.sub(r"\]\(\.\./", "](../../", part.strip())
    moved = re.sub(r"\]\((\d[^)]*)\.md\)", r"](\1.ipynb)", deeper)
    return {"cell_type": "markdown", "metadata": {}, "source": moved}


def _code_cell(part: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": part.rstrip("\n")}


if __name__ == "__main__":
    main()
