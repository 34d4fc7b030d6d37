"""The lessons run as they stand and in any order, as scripts and as notebooks; what they claim holds for any seed."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import generate
import greycard
import lesson_runs
import notebooks

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
LESSONS = lesson_runs.lessons()
LONG = ("2-stopping", "4-folders", "6-augmentation", "7-transfer", "8-many-classes", "9-your-image", "10-overfitting")
RUN = [pytest.param(page, marks=pytest.mark.slow if page.stem in LONG else ()) for page in LESSONS]
CLAIMS = {"6-augmentation": ("augmented", "plain"), "7-transfer": ("transfer", "scratch")}
"""The better and the worse run of the lessons whose outcome must not depend on seed or precision."""

WIDE = 0.03
"""The lower end of a difference that no other seed or processor turns around: three points."""


def _name(page: Path) -> str:
    return page.stem


def _images(page: Path) -> list[str]:
    return re.findall(r"\]\(images/([^)]+)\)", page.read_text(encoding="utf-8"))


def test_there_are_ten_lessons() -> None:
    assert [page.name.partition("-")[0] for page in LESSONS] == [str(number) for number in range(1, 11)]
    overview = (DOCS / "lessons" / "README.md").read_text(encoding="utf-8")
    assert all(page.name in overview for page in LESSONS)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    in_wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    expected = {f"docs/lessons/{page.name}": f"greycard/lessons/{page.name}" for page in LESSONS}
    assert in_wheel == {**expected, "docs/lessons/images": "greycard/lessons/images"}


@pytest.mark.parametrize("page", RUN, ids=_name)
def test_a_lesson_runs_and_makes_its_images(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lesson_runs.run_lesson(page)
    shown = _images(page)
    assert shown
    for name in shown:
        with Image.open(name) as made, Image.open(DOCS / "lessons" / "images" / name) as kept:
            assert made.width == kept.width
            assert made.height == pytest.approx(kept.height, rel=0.2)  # a legend of seconds has more or fewer lines
            assert np.asarray(made.convert("L")).std() > 5
    assert capsys.readouterr().out


@pytest.mark.slow
def test_lessons_run_in_any_order_in_one_folder() -> None:
    """From the last to the first, and the first again: none needs another, and none stands in another's way."""
    for page in [*reversed(LESSONS), *LESSONS[:4]]:
        lesson_runs.run_lesson(page)
        assert all(Path(name).is_file() for name in _images(page)), page.name


@pytest.mark.parametrize("page", LESSONS, ids=_name)
def test_a_notebook_is_its_lesson(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    kept = (DOCS / "lessons" / "notebooks" / f"{page.stem}.ipynb").read_text(encoding="utf-8")
    assert kept == notebooks.notebook(text), "run `make docs`"
    cells = [("".join(cell["source"]), cell["cell_type"]) for cell in json.loads(kept)["cells"]]
    code = [source + "\n" for source, kind in cells if kind == "code" and not source.startswith("from IPython")]
    assert code == lesson_runs.code(text)
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", "".join(source for source, _ in cells)):
        assert (DOCS / "lessons" / "notebooks" / target).exists(), target


@pytest.mark.parametrize("page", LESSONS, ids=_name)
def test_a_notebook_shows_the_readers_own_images(page: Path) -> None:
    """None of the images that were made here, and each only after the cell that makes it."""
    kept = (DOCS / "lessons" / "notebooks" / f"{page.stem}.ipynb").read_text(encoding="utf-8")
    assert ".png)" not in kept
    cells = ["".join(cell["source"]) for cell in json.loads(kept)["cells"] if cell["cell_type"] == "code"]
    shown = [(place, re.search(r'Image\("(.+)"\)', cell)) for place, cell in enumerate(cells)]
    names = [(place, found[1]) for place, found in shown if found]
    assert [name for _, name in names] == _images(page)
    for place, name in names:
        assert f'savefig("{name}")' in "".join(cells[:place])


@pytest.mark.slow
def test_notebooks_run_in_any_order_in_one_folder(tmp_path: Path) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    for page in reversed(LESSONS):
        notebook = nbformat.read(DOCS / "lessons" / "notebooks" / f"{page.stem}.ipynb", as_version=4)
        nbformat.validate(notebook)
        nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
        outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
        assert not any(output.output_type == "error" for output in outputs)
        assert sum("image/png" in output.get("data", {}) for output in outputs) == len(_images(page))


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "precision"), [(0, "float32"), (1, "bfloat16"), (2, "float32")])
@pytest.mark.parametrize("lesson", CLAIMS)
def test_what_a_lesson_claims_is_no_luck(lesson: str, seed: int, precision: str) -> None:
    names = lesson_runs.run_lesson(DOCS / "lessons" / f"{lesson}.md", seed=seed, precision=precision)
    better, worse = (names[name] for name in CLAIMS[lesson])
    assert (better.recipe.training.seed, better.recipe.training.precision) == (seed, precision)
    difference = greycard.compare(better, worse).differences[0]
    assert difference.is_real
    assert difference.low > WIDE


@pytest.mark.parametrize("lesson", CLAIMS)
def test_the_table_below_a_lesson_shows_a_clear_outcome_for_every_seed_and_precision(lesson: str) -> None:
    shown = generate.outcome(lesson)
    better, worse = CLAIMS[lesson]
    assert shown.startswith(f"| precision | seed | `{worse}` | `{better}` |")
    rows = re.findall(r"^\| (\w+) \| (\d) \|.+\| (\S+) to \S+ \|$", shown, re.MULTILINE)
    assert {(name, seed) for name, seed, _ in rows} == {(p, s) for p in ("float32", "bfloat16") for s in "012"}
    assert all(float(low) > 100 * WIDE for _, _, low in rows)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_more_data_and_augmentation_cure_overfitting_for_every_seed(seed: int, precision: str) -> None:
    page = DOCS / "lessons" / "10-overfitting.md"
    by_heart, *cured = lesson_runs.run_lesson(page, seed=seed, precision=precision)["runs"]
    assert by_heart.summary.train_accuracy_after == 1.0
    assert by_heart.summary.val_accuracy < 0.65
    found = greycard.compare([by_heart, *cured]).differences[:2]
    assert [difference.second for difference in found] == ["more-data-1", "augmentation-1"]
    assert all(difference.is_real and -difference.high > WIDE for difference in found)
