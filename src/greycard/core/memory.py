"""The memory that this process can still use, on its machine or in its container."""

from __future__ import annotations

import psutil

from greycard.core import cgroups

_CGROUPS = (
    ("memory.max", "memory.current", "memory.stat", ""),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_"),
)
"""Version 2 and version 1 of control groups: limit, usage, details, and the prefix of the names in the details."""

_FILE_PAGES = ("inactive_file", "active_file")
"""Cached pages of files. A container counts them as used, but Linux frees them when a process needs memory."""


def available_bytes() -> int:
    """Bytes that the machine or the container can still give without swapping."""
    return min([psutil.virtual_memory().available, *_left_in_container()])


def used_bytes() -> int:
    """Bytes of memory that this process uses now."""
    return psutil.Process().memory_info().rss


def _left_in_container() -> list[int]:
    left = []
    for limit_file, usage_file, details_file, prefix in _CGROUPS:
        limit, usage, details = cgroups.numbers(limit_file), cgroups.numbers(usage_file), cgroups.lines(details_file)
        if limit and usage and details:  # else no container of this version, or one without a limit
            names = {prefix + name for name in _FILE_PAGES}
            pages = sum(int(words[1]) for words in details if words[0] in names)
            left.append(max(limit[0] - usage[0] + pages, 0))
    return left
