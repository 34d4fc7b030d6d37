"""A wheel built from the tree, installed in an empty environment, runs the main job."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _run(*words: str | Path, **options: object) -> str:
    return subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True, **options).stdout  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", out, ROOT)
    return next(out.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "greycard/py.typed" in names
    assert "greycard/datasets/manifests/horse-or-human.txt" in names
    assert all(name.startswith(("greycard/", "greycard-")) for name in names)
    assert wheel.stat().st_size < 1_000_000


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    _run(sys.executable, "-m", "venv", tmp_path / "venv")
    bin_folder = tmp_path / "venv" / "bin"
    _run(bin_folder / "pip", "install", "--quiet", wheel)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    printed = _run(bin_folder / "greycard", "run", "digits-cnn", "--epochs", "5", cwd=tmp_path, env=environment)
    assert "digits-cnn-1" in printed
    assert (tmp_path / "runs" / "digits-cnn-1" / "summary.json").is_file()
