"""The files in which Linux states a container's limits."""

from __future__ import annotations

from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
"""Inside a container, this folder is the container's own control group."""


def lines(name: str) -> list[list[str]]:
    """The lines of one cgroup file, each split into words.

    Args:
        name: the file's path below `ROOT`, such as `memory.max` (version 2) or `cpu/cpu.cfs_quota_us` (version 1).

    Returns:
        An empty list if the file does not exist or cannot be read.
    """
    try:
        return [line.split() for line in (ROOT / name).read_text().splitlines()]
    except (OSError, ValueError):
        return []


def numbers(name: str) -> list[int]:
    """The numbers on the first line of a cgroup file; an empty list if it has none, or says `max` for no limit."""
    words = next(iter(lines(name)), [])
    return [int(word) for word in words] if all(word.lstrip("-").isdigit() for word in words) else []
