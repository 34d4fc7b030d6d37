"""The memory that this process may still have, in its machine or its container."""

from __future__ import annotations

from pathlib import Path

import psutil

_CGROUPS = (
    ("/sys/fs/cgroup", "memory.max", "memory.current", ""),
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
)
_FILES = ("inactive_file", "active_file")
"""What a container counts as used, and gives up for the asking: pages of files."""


def available_bytes() -> int:
    """What the machine, or the container it is in, can still give without swapping."""
    return min([psutil.virtual_memory().available, *_left_in_container()])


def used_bytes() -> int:
    """What this process has in memory now."""
    return psutil.Process().memory_info().rss


def _left_in_container() -> list[int]:
    left = []
    for folder, limit, usage, prefix in _CGROUPS:
        try:
            most, used = (int(Path(folder, name).read_text()) for name in (limit, usage))
            lines = (line.split() for line in Path(folder, "memory.stat").read_text().splitlines())
            files = sum(int(value) for name, value in lines if name in {prefix + each for each in _FILES})
            left.append(max(most - used + files, 0))
        except (OSError, ValueError):  # no container of this kind, or one without a limit
            continue
    return left
