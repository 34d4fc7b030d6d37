"""Projects of installed packages and of Python files: listed, trained, and named where they are broken."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

import greycard
from conftest import make_folder
from greycard.core.errors import GreycardError, GreycardWarning
from greycard.projects.outside import projects_in

RECIPE = """
import greycard

def small(name="small"):
    return greycard.Recipe.make(name, "digits", image_size=(8, 8), channels=1, conv=(4,), epochs=1,
        train_limit=60, val_limit=30)
"""
OWN = (
    RECIPE
    + """
import keras

def build(shape, classes):
    return keras.Sequential([keras.Input(shape), keras.layers.Rescaling(1 / 16), keras.layers.Flatten(),
        keras.layers.Dense(classes, "softmax")])

PROJECTS = [greycard.Project(small(), "A linear model.", model=build)]
"""
)
TWO = RECIPE + "PROJECTS = [greycard.Project(small('one'), 'First.'), lambda: small('two')]\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Installs a package with these entry points."""

    def install(name: str, code: str, **entries: str) -> None:
        site = tmp_path / "site"
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (site / f"{name}.py").write_text(code)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = "".join(f"{entry} = {name}:{value}\n" for entry, value in entries.items())
        (info / "entry_points.txt").write_text(f"[greycard.projects]\n{lines}")
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.delitem(sys.modules, name, raising=False)

    return install


def test_a_packages_projects_are_listed_found_and_trained(package, cli, tmp_path: Path) -> None:
    package("nets_one", RECIPE, small="small")
    assert [project.name for project in greycard.projects()][-1] == "small"
    assert greycard.project("small").data.dataset == "digits"
    listed = cli("projects")
    assert listed.code == 0
    assert "\nsmall " in listed.out
    run = cli("run", "small", "--out", tmp_path / "runs", "--quiet")
    assert run.code == 0, run.err
    assert greycard.open_run(tmp_path / "runs" / "small-1").finished


def test_a_packages_project_can_have_its_own_model(package, cli, tmp_path: Path) -> None:
    package("nets_two", OWN.replace("PROJECTS = [", "own = (").replace("build)]", "build))"), own="own")
    outcome = cli("run", "small", "--out", tmp_path / "runs", "--quiet")
    assert outcome.code == 0, outcome.err
    assert greycard.open_run(tmp_path / "runs" / "small-1").recipe.model.kind == "custom"


@pytest.mark.parametrize(
    ("code", "value", "said"),
    [
        ("import nowhere_at_all", "made", "ModuleNotFoundError"),
        ("made = 3", "made", "expected a Project"),
        ("", "made", "AttributeError"),
        (RECIPE + "made = lambda: small('mnist-cnn')", "made", "another project has the name 'mnist-cnn'"),
    ],
)
def test_a_broken_entry_point_is_named_and_hides_nothing(package, cli, code: str, value: str, said: str) -> None:
    package("nets_broken", code, made=value)
    package("nets_good", RECIPE, good="small")
    with pytest.warns(GreycardWarning, match="package nets_broken is left out") as warned:
        names = [project.name for project in greycard.projects()]
    assert said in str(warned[0].message)
    assert names.count("mnist-cnn") == 1
    assert names[-1] == "small"
    outcome = cli("projects")
    assert outcome.code == 0
    assert outcome.err.count("note: ") == 1


def test_a_files_projects_are_described_and_trained(cli, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(TWO)
    described = cli("projects", file)
    assert described.code == 0
    assert "First." in described.out
    assert f"greycard run {file}" in described.out
    with pytest.raises(GreycardError, match=r"2 projects \(one, two\)"):
        greycard.train(file)
    for words, runs in (((), 2), (("--resume",), 2)):
        outcome = cli("run", file, "--out", tmp_path / "runs", "--quiet", *words)
        assert outcome.code == 0, outcome.err
        assert len(list((tmp_path / "runs").iterdir())) == runs


def test_a_file_brings_its_own_model_and_imports_its_neighbours(cli, interrupted, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text(OWN)
    file = tmp_path / "mine.py"
    file.write_text("from beside import PROJECTS\n")
    path = interrupted(1, str(file), out=tmp_path / "runs", quiet=True)
    assert greycard.open_run(path).recipe.architecture == "beside.build"
    outcome = cli("run", file, "--resume", "--out", tmp_path / "runs", "--quiet")
    assert outcome.code == 0, outcome.err
    assert greycard.open_run(path).finished


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = 1\n1 / 0\n", "line 2: ZeroDivisionError"),
        ("x = 1\n\nPROJECTS = [\n", "line 3: SyntaxError"),
        ("raise SystemExit(3)\n", "line 1: SystemExit"),
        ("import greycard\n", "it has no list PROJECTS"),
        ("PROJECTS = []\n", "it has no list PROJECTS"),
        ("PROJECTS = ['pets']\n", "expected a Project"),
        (RECIPE + "PROJECTS = [small, small]\n", "two projects have the name 'small'"),
        ("import greycard\nPROJECTS = [\n    greycard.Project('pets')]\n", "line 3: a project has a Recipe"),
        ("import greycard\ngreycard.Recipe.make('a', 'b', epochs=0)\n", "line 2: epochs"),
    ],
)
def test_a_broken_file_is_one_sentence_with_its_line(cli, tmp_path: Path, code: str, said: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(code)
    for words in (("projects", file), ("run", file, "--out", tmp_path / "runs")):
        outcome = cli(*words)
        assert outcome.code == 2
        assert outcome.err.startswith(f"error: {file}")
        assert said in outcome.err
        assert "hint: " in outcome.err
        assert "Traceback" not in outcome.err
    assert not (tmp_path / "runs").exists()


def test_a_mistyped_file_gets_its_neighbours_name(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(TWO)
    with pytest.raises(GreycardError, match="does not exist") as refused:
        projects_in(tmp_path / "min.py")
    assert "mine.py" in refused.value.hint


def test_a_project_on_a_folder_of_the_users(cli, images: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import greycard\nPROJECTS = [greycard.Project(greycard.Recipe.make("
        f"'shades', {str(images)!r}, image_size=(8, 8), conv=(4,), epochs=1), 'Dark or light.')]\n"
    )
    assert "here" in cli("projects", file).out
    outcome = cli("run", file, "--out", tmp_path / "runs", "--quiet")
    assert outcome.code == 0, outcome.err


@pytest.mark.slow
def test_the_pages_code_runs(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "extend.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 4
    make_folder(Path("pets"), ("train", "validation"), ("cat", "dog", "rabbit"), 10)
    trained = greycard.train
    small = {"train_limit": 30, "val_limit": 30, "quiet": True, "epochs": 1}
    monkeypatch.setattr(
        greycard, "train", lambda *args, **named: trained(*args, **({"image_size": 32} | named | small)), raising=False
    )
    space: dict[str, Any] = {"__name__": "extend"}
    for block in blocks[:3]:
        exec(block, space)
    Path("my_projects.py").write_text(blocks[3])
    assert "pets-small" in cli("projects", "my_projects.py").out
