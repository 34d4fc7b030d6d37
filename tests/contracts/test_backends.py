"""The same tests on a small project with JAX and with PyTorch, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


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
        TESTS / "training" / "test_training.py",
        TESTS / "contracts" / "test_resume.py",
        TESTS / "deploy" / "test_predict.py",
        TESTS / "contracts" / "test_precision.py",
        TESTS / "contracts" / "test_families.py",
        TESTS / "models" / "test_optimizers.py",
        TESTS / "backend" / "test_averaging.py",
        TESTS / "backend" / "test_all_backends.py",
        TESTS / "backend" / "test_parts.py",
        TESTS / "backend" / "test_torch_graph.py",
    ]
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        env=os.environ | {"KERAS_BACKEND": backend},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
