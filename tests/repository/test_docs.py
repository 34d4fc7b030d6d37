"""Documentation is tested: generated blocks are the program's, links lead somewhere, code and commands exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

import generate
import greycard
from greycard.cli.main import cli as group
from greycard.recipe.names import setting_names
from greycard.reports.columns import percent

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

README = (ROOT / "README.md").read_text(encoding="utf-8")


def _commands() -> list[str]:
    """README's commands in order, but for the installation, which the tests have behind them."""
    blocks = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("pip install")]


def _by_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_by_name)
def test_generated_blocks_are_fresh(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert generate.fresh(text) == text, "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=_by_name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    images = [(image, "") for image in re.findall(r'<img src="([^"]+)"', text)]
    for target, anchor in [*images, *re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", text)]:
        place = (page.parent / target) if target else page
        on_site = (ROOT / "docs") in page.parents
        assert place.is_file() if on_site else place.exists(), f"{target}; the site can link only files"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", place.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=_by_name)
def test_paths_in_the_docs_exist(page: Path) -> None:
    """Scripts and modules, as `torture/kills.py` or `models/weights.py`, and everything below src/; not old ones."""
    text = page.read_text(encoding="utf-8") if page.name != "CHANGELOG.md" else ""
    named = re.findall(r"(?<![\w./:-])((?:\.\./)*(?:src/[\w./-]*\w|[\w.-]+(?:/[\w-]+)*/[\w-]+\.py))\b", text)
    roots = (page.parent, ROOT, ROOT / "src" / "greycard")
    missing = {name for name in named if not any((root / name).exists() for root in roots)}
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=_by_name)
def test_no_quotation_is_empty(page: Path) -> None:
    assert "“”" not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=_by_name)
def test_commands_in_the_docs_exist(page: Path) -> None:
    for block in re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for line in re.findall(r"^greycard (.+)$", block, re.MULTILINE):
            words = line.split("#")[0].split()
            options = {name for param in group.commands[words[0]].params for name in param.opts}
            assert {word for word in words if word.startswith("--")} <= options, line
            settings = {words[n + 1].split("=")[0] for n, word in enumerate(words) if word == "--set"}
            assert settings <= setting_names(), line


def test_every_option_is_in_the_reference() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for command in group.commands.values():
        assert all(name in text for param in command.params if isinstance(param, click.Option) for name in param.opts)


def test_every_public_name_is_in_the_python_page() -> None:
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    assert all(name in text for name in greycard.__all__ if name not in ("Dataset", "Run", "Table")), "docs/python.md"


@pytest.mark.slow
def test_the_readmes_own_python_runs(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
    cli("sample", "pets")
    small = {"epochs": 1, "train_limit": 30, "val_limit": 30, "quiet": True}
    trained = greycard.train
    monkeypatch.setattr(greycard, "train", lambda what: trained(what, **small), raising=False)
    exec(code, {})


@pytest.mark.slow
def test_the_readmes_commands_run_as_typed() -> None:
    """All of them, and the first ones again in the same folder: only the sample is refused, as README says."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def run(command: str) -> tuple[int, str]:
        finished = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment)
        return finished.returncode, finished.stderr

    sample, train, *_ = commands = _commands()
    assert (sample, train) == ("greycard sample pets", "greycard train pets")
    for command in commands:
        code, said = run(command)
        assert code == 0, f"{command}: {said}"
    code, said = run(sample)
    assert (code, "which is in use" in said) == (2, True)
    code, said = run(train)
    assert code == 0, said
    assert {path.name for path in Path("runs").glob("pets-*")} == {"pets-1", "pets-2", "pets-3"}


@pytest.mark.slow
def test_the_readmes_session_is_what_the_command_prints(cli, tmp_path: Path) -> None:
    """The same lines in the same order; their numbers are of another run."""
    screenshots = pytest.importorskip("screenshots", reason="needs a system with pseudo-terminals")
    kinds = ("$ greycard train pets", "recipe: ", "runs/pets-1: ", "epoch ", "…", "run ", "──", "pets-1 ")
    cli("sample", str(tmp_path / "pets"))
    printed = screenshots.session("greycard train pets", tmp_path)
    assert _kinds(printed, kinds) == _kinds((screenshots.IMAGES / "session.txt").read_text(encoding="utf-8"), kinds)


def _kinds(session: str, kinds: tuple[str, ...]) -> list[str]:
    return [kind for line in session.splitlines() for kind in kinds if line.startswith(kind)]


def test_the_readmes_images_load_at_once() -> None:
    shown = re.findall(r'<img src="([^"]+)"', README)
    assert len(shown) == 2
    assert all((ROOT / name).stat().st_size < 200 * 1024 for name in shown)


def test_the_readme_begins_with_what_a_visitor_looks_for() -> None:
    """In this order: a command within the first screen, images, how to install it, what it is not for, make."""
    lines = README.splitlines()
    assert next(place for place, line in enumerate(lines) if line.startswith("$ greycard")) < 15
    order = ("$ greycard", "docs/images/report.png", 'pip install "greycard', "## Results", "## Not for", "`make demo`")
    assert [README.index(words) for words in order] == sorted(README.index(words) for words in order)
    assert "`make test`" in README
    assert len(generate.MAKERS["highlights"]().splitlines()) == 6


def test_the_differences_to_the_published_table_are_told_with_the_runs_own_figures() -> None:
    page = (ROOT / "docs" / "projects.md").read_text(encoding="utf-8")
    told = page[page.index("## Where the figures differ") : page.index("<!-- generated: curves-25k")]
    for run in generate.TABLE["read"](["table-cats-25k"]):
        for accuracy in (run.val_accuracy, run.best_val_accuracy):
            assert percent(accuracy, 1) in told, run.project


def test_the_project_has_what_a_newcomer_expects() -> None:
    for name in ("LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", ".ci/run", "docs/decisions"):
        assert (ROOT / name).exists()
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
