"""The same tests on a small project with JAX and with PyTorch, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_small_project_runs_on(backend: str) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed (make test-slow installs it)")
    words = [
        "-m",
        "pytest",
        "-q",
        "-m",
        "small_project",
        "-p",
        "no:cacheprovider",
        HERE / "test_training.py",
        HERE / "test_resume.py",
        HERE / "test_predict.py",
        HERE / "test_precision.py",
    ]
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        env=os.environ | {"KERAS_BACKEND": backend},
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
