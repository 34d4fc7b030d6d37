"""What is set before a backend is imported, so that a seed gives the same numbers on a GPU, too."""

from __future__ import annotations

import os
from importlib import import_module

import pytest

start = import_module("greycard.backend.start")  # the package also has a function of this name


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "--xla_gpu_deterministic_ops=true"),
        ("--xla_dump_to=x", "--xla_dump_to=x --xla_gpu_deterministic_ops=true"),
        ("--xla_gpu_deterministic_ops=false", "--xla_gpu_deterministic_ops=false"),
    ],
)
def test_jax_is_asked_for_it_unless_the_user_has_chosen(
    before: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XLA_FLAGS", before)
    start._ask_for_determinism("tensorflow")
    assert os.environ["XLA_FLAGS"] == before
    start._ask_for_determinism("jax")
    assert os.environ["XLA_FLAGS"] == after


def test_cublas_gets_its_workspace_unless_the_user_has_set_one(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "CUBLAS_WORKSPACE_CONFIG"
    monkeypatch.delenv(name, raising=False)
    start._ask_for_determinism("torch")
    assert os.environ[name] == ":4096:8"
    monkeypatch.setenv(name, ":16:8")
    start._ask_for_determinism("torch")
    assert os.environ[name] == ":16:8"
