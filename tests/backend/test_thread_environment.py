"""The number of threads that other processes inherit by the environment."""

from __future__ import annotations

import pytest

from greycard.backend.thread_limits import changed_environment, set_environment
from greycard.core.threads import REQUESTED, ThreadCount, thread_count, threads_for_parts

VARIABLES = ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@pytest.fixture(autouse=True)
def only_what_is_set_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # so that it is restored
        monkeypatch.delenv(name)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("GREYCARD_THREADS", "6")


def test_what_was_set_for_this_process_is_changed_for_another() -> None:
    set_environment(thread_count())
    assert changed_environment(1) == dict.fromkeys(VARIABLES, "1")


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPROC", "3")
    set_environment(thread_count())
    assert "NPROC" not in changed_environment(1)


def test_parts_are_computed_by_one_thread_unless_asked_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert threads_for_parts() == ThreadCount(6, REQUESTED)
    monkeypatch.delenv("GREYCARD_THREADS")
    assert threads_for_parts() == ThreadCount(1, REQUESTED)
