"""The structure that the design promises: one direction of imports, nothing heavy at import, a small public API."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import greycard

SOURCE = Path(greycard.__file__).parent
ROOT = Path(__file__).resolve().parents[2]
FLOW = (
    ("core",),
    ("storage",),
    ("backend",),
    ("datasets",),
    ("synthetic",),
    ("pipeline",),
    ("tasks",),
    ("audit",),
    ("recipe",),
    ("models",),
    ("evaluation",),
    ("training",),
    ("labelling",),
    ("search",),
    ("runs",),
    ("reports",),
    ("deploy", "explain"),
    ("embeddings",),
    ("projects",),
    ("jobs",),
    ("cluster",),
    ("studio",),
    ("api",),
    ("cli",),
)
RANK = {name: position for position, names in enumerate(FLOW) for name in names}
BACKENDS = ("tensorflow", "jax", "torch")


def _imports(file: Path) -> set[str]:
    """Modules imported anywhere in a file, but for those only a type checker sees."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def _own_parts(file: Path) -> set[str]:
    return {name.split(".")[1] for name in _imports(file) if name.startswith("greycard.")} & RANK.keys()


def test_every_package_imports_only_from_packages_to_its_left() -> None:
    wrong = []
    for file in SOURCE.rglob("*.py"):
        part = file.relative_to(SOURCE).parts[0].removesuffix(".py")
        if part in RANK:
            wrong += [f"{file.name} ({part}) imports {other}" for other in _own_parts(file) if RANK[other] > RANK[part]]
    assert not wrong


def test_every_part_of_the_package_has_its_place_in_the_flow() -> None:
    parts = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert parts - {"__init__", "__main__"} == RANK.keys()


def test_projects_know_only_recipes() -> None:
    for file in (SOURCE / "projects").glob("*.py"):
        assert _own_parts(file) <= {"projects", "recipe", "core", "pipeline"}, file.name


def test_one_package_names_a_backend() -> None:
    named = {
        file.parent.name for file in SOURCE.rglob("*.py") if any(n.split(".")[0] in BACKENDS for n in _imports(file))
    }
    assert named == {"backend"}


def test_three_modules_know_ray() -> None:
    named = {file.name for file in SOURCE.rglob("*.py") if any(n.split(".")[0] == "ray" for n in _imports(file))}
    assert named == {"on_ray.py", "ray_room.py", "ray_start.py"}


def test_import_and_help_load_nothing_heavy() -> None:
    heavy = ("keras", "numpy", "cv2", "PIL", "scipy", "sklearn", "rich", "yaml", "ray", *BACKENDS)
    code = (
        "import sys, greycard; from greycard.cli.main import main; main(['--help']); main(['train', '--help']);"
        f"print('HEAVY', [name for name in {heavy!r} if name in sys.modules])"
    )
    printed = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert printed.strip().endswith("HEAVY []")


def test_public_names_are_what_all_says() -> None:
    assert sorted(dir(greycard)) == sorted(greycard.__all__)
    for name in greycard.__all__:
        assert getattr(greycard, name) is not None


def test_files_hold_one_idea() -> None:
    long = [
        f"{file.relative_to(SOURCE)}: {lines} lines"
        for file in SOURCE.rglob("*.py")
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > 300
    ]
    assert not long


def test_functions_are_short() -> None:
    """At most 45 lines from `def` to the end, docstring included."""
    long = [
        f"{file.relative_to(SOURCE)}: {node.name}, {lines} lines"
        for file in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > 45
    ]
    assert not long


def test_the_layouts_page_lists_the_packages_in_the_tested_order() -> None:
    page = (ROOT / "docs" / "decisions" / "0004-layout.md").read_text(encoding="utf-8")
    listed = re.findall(r"^  (\w+)[./]", page, re.MULTILINE)
    first = [names[0] for names in FLOW]
    assert [name for name in listed if name in first] == [name for name in first if name != "cli"]  # beside the API
