"""What keeps the repository in order: make targets, workflows, versions, lower bounds, release notes, coverage."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import coverage_by_package
import greycard
import oldest
import release_notes

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CALLERS = [ROOT / ".ci" / "run", *WORKFLOWS, *sorted(ROOT.glob("*.md")), *sorted((ROOT / ".github").rglob("*.md"))]
CHANGES = "# Changelog\n\n## 0.2.0 (2026-12-01)\n\n- New.\n\n## 0.1.0 (unreleased)\n\n- First.\n"


def _called(text: str) -> set[str]:
    """The make targets that a script starts or a page names."""
    return set(re.findall(r"(?:^|`|: |PRECISION=\w+ )make ([a-z-]+)", text, re.MULTILINE))


@pytest.mark.parametrize("path", CALLERS, ids=lambda path: path.name)
def test_every_make_target_that_is_called_exists(path: Path) -> None:
    assert _called(path.read_text(encoding="utf-8")) <= TARGETS


def test_github_calls_what_ci_calls() -> None:
    here = _called((ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    there = _called((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert {"check", "site", "test", "test-slow", "demo"} <= here <= there


def test_actions_are_pinned_and_from_github_itself() -> None:
    used = [line for path in WORKFLOWS for line in re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))]
    assert used
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in used)


def test_the_matrix_tests_every_python_that_pyproject_names() -> None:
    named = [line.rsplit(" ", 1)[1] for line in PROJECT["classifiers"] if "Python :: 3." in line]
    matrix = re.search(r"python: \[(.+)\]", (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert matrix
    assert re.findall(r'"(.+?)"', matrix[1]) == named


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_lists_its_targets() -> None:
    listed = subprocess.check_output(["make", "--no-print-directory", "-C", str(ROOT)], text=True)
    assert re.findall(r"^make ([a-z-]+) +\S", listed, re.MULTILINE) == re.findall(
        r"^([a-z-]+):", MAKEFILE, re.MULTILINE
    )


def test_every_file_names_the_same_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+) \(", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    cited = re.search(r"^version: (\S+)$", citation, re.MULTILINE)
    assert newest
    assert cited
    assert {greycard.__version__, newest[1], cited[1]} == {PROJECT["version"]}


def test_every_requirement_has_a_lower_bound() -> None:
    lines = oldest.constraints(PROJECT, PROJECT["optional-dependencies"])
    assert all(re.fullmatch(r"[\w.-]+==\d[\w.]*", line) for line in lines)
    names = {line.split("==")[0] for line in lines}
    assert {"numpy", "keras", "onnx", "starlette", "pytest", "sphinx"} <= names


def test_oldest_follows_extras_and_markers() -> None:
    project = {
        "name": "it",
        "dependencies": ["a>=1.2,<2", "b>=3; sys_platform == 'nowhere'"],
        "optional-dependencies": {"x": ["c~=4.0"], "dev": ["it[x]", "d==5"], "other": ["e>=6"]},
    }
    assert oldest.constraints(project, ["dev"]) == ["a==1.2", "c==4.0", "d==5"]
    with pytest.raises(ValueError, match="f<7 has no lower bound"):
        oldest.constraints(project | {"dependencies": ["f<7"]}, [])


def test_release_notes_are_the_versions_section() -> None:
    assert release_notes.notes("v0.2.0", CHANGES, "0.2.0") == "- New."


@pytest.mark.parametrize(
    ("tag", "version", "said"),
    [("v0.2.0", "0.3.0", "expected the tag v0.3.0"), ("v0.1.0", "0.1.0", r"needs a section `## 0.1.0 \(YYYY")],
    ids=["another version", "no date"],
)
def test_a_release_that_is_not_ready_is_refused(tag: str, version: str, said: str) -> None:
    with pytest.raises(SystemExit, match=said):
        release_notes.notes(tag, CHANGES, version)


def test_coverage_is_added_up_by_package() -> None:
    def file(lines: int, covered: int) -> dict[str, dict[str, int]]:
        counts = {"num_statements": lines, "covered_lines": covered, "num_branches": 10, "covered_branches": 5}
        return {"summary": counts}

    report = {"files": {"src/greycard/api.py": file(30, 25), "/x/greycard/core/a.py": file(90, 45)}}
    report["files"]["greycard/core/deep/b.py"] = file(90, 90)
    core, own, total = coverage_by_package.lines(report)
    assert core.split() == ["core", "72.5", "%", "145", "of", "200"]
    assert own.split() == ["greycard", "75.0", "%", "30", "of", "40"]
    assert total.split() == ["total", "72.9", "%", "175", "of", "240"]
