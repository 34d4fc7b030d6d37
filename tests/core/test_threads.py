"""The number of threads: what was asked for, else the smallest of cores, affinity and the container's limit."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import greycard
from greycard.core import cgroups
from greycard.core.errors import GreycardError
from greycard.core.memory import available_bytes
from greycard.core.threads import (
    AFFINITY,
    CONTAINER,
    CORES,
    REQUESTED,
    VARIABLE,
    ThreadCount,
    thread_count,
    thread_pool,
)

SOURCE = Path(greycard.__file__).parent


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with 8 cores and no limits; returns the folder of its cgroup files."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    return tmp_path


def set_version_1(folder: Path, quota: str, period: str) -> None:
    (folder / "cpu").mkdir()
    (folder / "cpu/cpu.cfs_quota_us").write_text(f"{quota}\n")
    (folder / "cpu/cpu.cfs_period_us").write_text(f"{period}\n")


def test_a_machine_without_limits_uses_all_cores() -> None:
    assert thread_count() == ThreadCount(8, CORES)


def test_the_affinity_counts_where_it_allows_fewer_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {1, 5, 7}, raising=False)
    assert thread_count() == ThreadCount(3, AFFINITY)


def test_a_system_without_affinity_uses_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "process_cpu_count", raising=False)
    assert thread_count() == ThreadCount(8, CORES)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("200000 100000", ThreadCount(2, CONTAINER)),
        ("150000 100000", ThreadCount(2, CONTAINER)),  # rounded up
        ("20000 100000", ThreadCount(1, CONTAINER)),  # at least 1
        ("max 100000", ThreadCount(8, CORES)),
        ("1600000 100000", ThreadCount(8, CORES)),  # more than there is
        ("", ThreadCount(8, CORES)),
        ("nonsense", ThreadCount(8, CORES)),
    ],
)
def test_the_limit_of_a_version_2_container(eight_cores: Path, limit: str, expected: ThreadCount) -> None:
    (eight_cores / "cpu.max").write_text(f"{limit}\n")
    assert thread_count() == expected


def test_the_limit_of_a_version_1_container(eight_cores: Path) -> None:
    set_version_1(eight_cores, "250000", "100000")
    assert thread_count() == ThreadCount(3, CONTAINER)


def test_a_version_1_container_without_a_limit(eight_cores: Path) -> None:
    set_version_1(eight_cores, "-1", "100000")
    assert thread_count() == ThreadCount(8, CORES)


def test_the_smaller_of_affinity_and_container_limit(monkeypatch: pytest.MonkeyPatch, eight_cores: Path) -> None:
    (eight_cores / "cpu.max").write_text("400000 100000\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2}, raising=False)
    assert thread_count() == ThreadCount(3, AFFINITY)


def test_what_was_asked_for_comes_first(monkeypatch: pytest.MonkeyPatch, eight_cores: Path) -> None:
    (eight_cores / "cpu.max").write_text("200000 100000\n")
    monkeypatch.setenv(VARIABLE, " 12 ")
    assert thread_count() == ThreadCount(12, REQUESTED)


@pytest.mark.parametrize("value", ["0", "-1", "2.5", "many", "²"])
def test_a_wrong_number_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(GreycardError, match=f"{VARIABLE} must be a whole number of at least 1"):
        thread_count()


def test_the_size_of_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    with thread_pool() as pool:
        assert pool._max_workers == 12  # Python's own rule, for 8 cores
    monkeypatch.setenv(VARIABLE, "1")
    with thread_pool() as pool:
        assert pool._max_workers == 1


def test_a_container_leaves_its_limit_less_its_usage_and_file_pages(eight_cores: Path) -> None:
    (eight_cores / "memory.max").write_text("1000000\n")
    (eight_cores / "memory.current").write_text("700000\n")
    (eight_cores / "memory.stat").write_text("anon 500000\ninactive_file 100000\nactive_file 50000\n")
    assert available_bytes() == 450_000


@pytest.mark.slow
def test_tensorflow_uses_the_number_that_was_asked_for() -> None:
    """In a process of its own: TensorFlow takes its number of threads once."""
    code = (
        "from greycard import backend; backend.start(); import tensorflow, cv2\n"
        "settings = tensorflow.config.threading\n"
        "print(settings.get_intra_op_parallelism_threads(), settings.get_inter_op_parallelism_threads())\n"
        "print(cv2.getNumThreads())"
    )
    environment = {**os.environ, VARIABLE: "1", "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1", "1"]


def test_every_pool_asks_here_for_its_size() -> None:
    """A pool of one thread keeps calls in order; every other one takes its size from `core/threads.py`."""
    wrong = []
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            named = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            size = ", ".join(map(ast.unparse, [*node.args, *node.keywords])) if isinstance(node, ast.Call) else ""
            is_pool = named.endswith(("PoolExecutor", ".Pool", "ThreadPool")) and size != "1"
            if file.name != "threads.py" and ((is_pool and "thread_count()" not in size) or "cpu_count" in named):
                wrong.append(f"{file.relative_to(SOURCE)}:{node.lineno} {named}({size})")
    assert wrong == []
