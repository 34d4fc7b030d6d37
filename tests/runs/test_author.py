"""The name of who trained a run: checked, recorded, shown, and never mixed up with another's."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import greycard
from greycard.core.errors import GreycardError
from greycard.runs.author import AUTHOR, Author
from greycard.runs.directory import RunDirectory
from greycard.runs.record import RunRecord


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("Ada", "Ada"), ("  Zoë van Dyk ", "Zoë van Dyk"), ("Zoe\u0308", "Zoë"), ("李雷", "李雷"), ("x" * 40,) * 2],
)
def test_a_name_is_kept_as_it_is_shown(typed: str, kept: str) -> None:
    assert Author(typed).name == kept


@pytest.mark.parametrize("typed", ["", "  ", "x" * 41, "a\nb", "a\x1b[31m", "a\u202eb", "a\0", 7])
def test_another_name_is_refused(typed: object) -> None:
    with pytest.raises(GreycardError, match="a name has 1 to 40"):
        Author(typed)  # type: ignore[arg-type]


def test_a_refused_name_leaves_no_run(cli) -> None:
    outcome = cli("run", "house-prices", "--name", "a\nb")
    assert (outcome.code, Path("runs").exists()) == (2, False)
    assert "hint: for example --name Ada" in outcome.err


def test_a_name_is_in_the_run_and_in_the_table(cli) -> None:
    for words in (["--name", "Ada"], []):
        assert cli("run", "house-prices", "--epochs", "2", "--quiet", *words).code == 0
    assert [greycard.open_run(f"runs/house-prices-{n}").author for n in (1, 2)] == ["Ada", None]
    assert json.loads(Path("runs/house-prices-1", AUTHOR).read_text())["name"] == "Ada"
    rows = json.loads(cli("table", "--format", "json").out)
    assert [row["name"] for row in rows] == ["Ada", None]
    assert cli("table").out.splitlines()[2].startswith("Ada")


def test_a_folder_of_images_is_trained_under_a_name(images: Path, cli) -> None:
    words = ["--weights", "none", "--set", "conv=4", "--set", "image_size=16", "--epochs", "1", "--quiet"]
    assert cli("train", images, *words, "--name", "Ben").code == 0
    assert greycard.open_run("runs/images-1").author == "Ben"


def test_resuming_in_a_shared_folder_finds_only_ones_own_runs(cli) -> None:
    run = ("run", "house-prices", "--epochs", "2", "--quiet", "--resume", "--name")
    assert all(cli(*run, name).code == 0 for name in ("Ada", "Ben", "Ada"))
    assert [greycard.open_run(path).author for path in sorted(Path("runs").iterdir())] == ["Ada", "Ben"]


def test_a_damaged_name_is_named(cli) -> None:
    cli("run", "house-prices", "--epochs", "2", "--quiet", "--name", "Ada")
    Path("runs/house-prices-1", AUTHOR).write_text('{"schema": 2, "name": "a\\nb"}')
    with pytest.raises(GreycardError, match=r"author\.json cannot be read: a name has"):
        RunRecord("runs/house-prices-1").author  # noqa: B018


def test_thirty_students_who_start_together_get_thirty_folders(tmp_path: Path) -> None:
    with ThreadPoolExecutor(30) as students:
        made = list(students.map(lambda _: RunDirectory.new(tmp_path, "digits-cnn"), range(30)))
    assert {run.path.name for run in made} == {f"digits-cnn-{n}" for n in range(1, 31)}
    for run in made:
        run.release()
