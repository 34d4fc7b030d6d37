"""The distributions: a wheel that runs the main job in an empty environment, and an sdist that passes its own tests."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import lesson_runs

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = ("tests/contracts/test_architecture.py", "tests/pipeline/test_decode.py", "tests/repository")
"""Tests that read files beside the package: docs, benchmarks, torture, Makefile, sources, sample images."""


def _run(*words: str | Path, **options: object) -> str:
    finished = subprocess.run(list(map(str, words)), capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and with the wheel that was built from it."""
    out = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--outdir", out, ROOT)
    return out


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    return next(dist.glob("*.whl"))


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "greycard/py.typed" in names
    assert "greycard/datasets/manifests/horse-or-human.txt" in names
    assert {f"greycard/lessons/{page.name}" for page in lesson_runs.lessons()} <= set(names)
    assert "greycard/lessons/images/overfitting.png" in names
    assert all(name.startswith(("greycard/", "greycard-")) for name in names)
    assert wheel.stat().st_size < 1_500_000


def test_the_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    _run(sys.executable, "-m", "venv", tmp_path / "venv")
    bin_folder = tmp_path / "venv" / "bin"
    _run(bin_folder / "pip", "install", "--quiet", wheel)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    printed = _run(bin_folder / "greycard", "run", "digits-cnn", "--epochs", "5", cwd=tmp_path, env=environment)
    assert "digits-cnn-1" in printed
    assert (tmp_path / "runs" / "digits-cnn-1" / "summary.json").is_file()
    version = _run(bin_folder / "python", "-c", "import greycard; print(greycard.__version__)", env=environment)
    assert f"-{version.strip()}-" in wheel.name


def test_the_sdist_passes_its_own_tests(dist: Path, tmp_path: Path) -> None:
    """Those that read files beside the package run; all others are collected."""
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    place = {"cwd": source, "env": {**os.environ, "PYTHONPATH": str(source / "src")}}
    pytest_here = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    used = _run(sys.executable, "-c", "import greycard; print(greycard.__file__)", **place)
    assert Path(used.strip()).is_relative_to(source)
    _run(*pytest_here, "--collect-only", **place)
    not_here = ("-k", "not a_lesson_runs")  # these train for minutes; `make test` runs them
    assert " passed" in _run(*pytest_here, *OUTSIDE, *not_here, **place)
