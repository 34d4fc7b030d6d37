"""Freed memory is kept with glibc's settings, and nothing fails where there are none."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import pytest

from greycard.backend import allocator


def _settings(monkeypatch: pytest.MonkeyPatch, accepts: int) -> list[tuple[int, int]]:
    """What `mallopt` is called with, on a system that accepts thresholds up to this many bytes."""
    called: list[tuple[int, int]] = []

    def mallopt(name: int, value: int) -> int:
        called.append((name, value))
        return int(value <= accepts)

    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(mallopt=mallopt))
    allocator.keep_freed_memory()
    return called


def test_both_thresholds_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _settings(monkeypatch, accepts=1 << 40) == [(-1, 1 << 30), (-3, 1 << 30)]


def test_an_older_glibc_gets_the_largest_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _settings(monkeypatch, accepts=32 << 20) == [(-1, 1 << 30), (-3, 1 << 30), (-3, 32 << 20)]


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_a_system_without_these_settings_is_left_alone(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    allocator.keep_freed_memory()
