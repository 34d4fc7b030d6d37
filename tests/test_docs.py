"""Documentation is tested: generated blocks are the program's, links lead somewhere, code and commands exist."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import click
import pytest

import greycard
from greycard.cli.main import cli as group
from greycard.pipeline.augmentation import augmentation_fields
from greycard.recipe import recipe_fields

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RESULTS = sorted((ROOT / "benchmarks" / "results").glob("*.json"))


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _by_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_by_name)
def test_generated_blocks_are_fresh(page: Path, generate: ModuleType) -> None:
    text = page.read_text(encoding="utf-8")
    assert generate.fresh(text) == text, "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=_by_name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", text):
        place = (page.parent / target) if target else page
        assert place.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", place.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=_by_name)
def test_commands_in_the_docs_exist(page: Path) -> None:
    for block in re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for line in re.findall(r"^greycard (.+)$", block, re.MULTILINE):
            words = line.split("#")[0].split()
            options = {name for param in group.commands[words[0]].params for name in param.opts}
            assert {word for word in words if word.startswith("--")} <= options, line
            settings = {words[n + 1].split("=")[0] for n, word in enumerate(words) if word == "--set"}
            known = {*recipe_fields(), *augmentation_fields()}
            assert settings <= known, line


def test_every_option_is_in_the_reference() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for command in group.commands.values():
        assert all(name in text for param in command.params if isinstance(param, click.Option) for name in param.opts)


def test_every_public_name_is_in_the_python_page() -> None:
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    assert all(name in text for name in greycard.__all__ if name not in ("Dataset", "Run", "Table")), "docs/python.md"


def test_the_readmes_own_python_runs(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0]
    cli("sample", "pets")
    small = {"epochs": 1, "train_limit": 30, "val_limit": 30, "quiet": True}
    trained = greycard.train
    monkeypatch.setattr(greycard, "train", lambda what: trained(what, **small), raising=False)
    exec(code, {})


@pytest.mark.parametrize("path", RESULTS, ids=_by_name)
def test_result_files_say_where_they_come_from(path: Path) -> None:
    result = json.loads(path.read_text(encoding="utf-8"))
    assert result.keys() == {"command", "commit", "date", "environment", "rows"}
    assert re.fullmatch(r"[0-9a-f]{12}", result["commit"])
    assert result["command"].startswith("python benchmarks/measure.py")
    assert {"machine", "keras", "backend_version", "python"} <= result["environment"].keys()
    assert all(row["status"] == "finished" and row["seed"] is not None for row in result["rows"])
    assert "/" not in "".join(str(row["run"]) for row in result["rows"])


def test_the_project_has_what_a_newcomer_expects() -> None:
    for name in ("LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", ".ci/run", "docs/decisions"):
        assert (ROOT / name).exists()
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
