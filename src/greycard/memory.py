"""The memory that this process may still have, and a clear word where a job needs more."""

from __future__ import annotations

from pathlib import Path

import psutil

from greycard.errors import GreycardError

_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def available_bytes() -> int:
    """What the machine, or the container it is in, can still give without swapping."""
    return min([psutil.virtual_memory().available, *_left_in_container()])


def used_bytes() -> int:
    """What this process has in memory now."""
    return psutil.Process().memory_info().rss


def expect_room(needed: int, what: str, hint: str) -> None:
    """GreycardError where `needed` more bytes are not there.

    Args:
        needed: bytes.
        what: they are for, as the beginning of a sentence.
        hint: what to change.
    """
    room = available_bytes()
    if needed > room:
        raise GreycardError(f"{what} needs about {_gb(needed)} of memory; {_gb(room)} are free", hint=hint)


def _gb(count: int) -> str:
    return f"{count / 1e9:,.1f} GB"


def _left_in_container() -> list[int]:
    left = []
    for limit, usage in _CGROUPS:
        try:
            left.append(max(int(Path(limit).read_text()) - int(Path(usage).read_text()), 0))
        except (OSError, ValueError):  # no container of this kind, or one without a limit
            continue
    return left
