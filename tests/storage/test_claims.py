"""Claims on units: one process at a time, also when the locks are removed in between."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from greycard.core import locks
from greycard.storage import claims
from greycard.storage.claims import claimed, remove_claims

HOLD = """
import sys
from pathlib import Path
from greycard.storage.claims import claimed
with claimed(Path(sys.argv[1]), "a", otherwise=False) as mine:
    print(mine, flush=True)
    sys.stdin.read()
"""


def test_a_claim_ends_with_its_process(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        with claimed(tmp_path, "a", otherwise=True) as mine, claimed(tmp_path, "b", otherwise=False) as other:
            assert (mine, other) == (False, True)
        holder.kill()
        holder.wait()
    with claimed(tmp_path, "a", otherwise=False) as mine:
        assert mine


def test_only_locks_that_nobody_holds_are_removed(tmp_path: Path) -> None:
    with claimed(tmp_path, "a", otherwise=False) as held:
        with claimed(tmp_path, "b", otherwise=False):
            pass
        remove_claims(tmp_path)
        assert held
        assert [path.name for path in (tmp_path / "claims").iterdir()] == ["a.lock"]
        with claimed(tmp_path, "a", otherwise=True) as mine:
            assert not mine
    remove_claims(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_lock_on_a_removed_file_is_no_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process removes the file after it was opened here, and makes a new one."""
    known, calls = locks.try_lock, []

    def late(file: object) -> bool:
        calls.append(file)
        if len(calls) == 1:
            (tmp_path / "claims" / "a.lock").unlink()
            (tmp_path / "claims").rmdir()
        return known(file)  # type: ignore[arg-type]

    monkeypatch.setattr(claims.locks, "try_lock", late)
    with claimed(tmp_path, "a", otherwise=False) as mine:
        assert (mine, len(calls)) == (True, 2)
        monkeypatch.setattr(claims.locks, "try_lock", known)
        with claimed(tmp_path, "a", otherwise=True) as other:
            assert not other
