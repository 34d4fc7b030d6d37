"""Let the C library keep freed memory, for backends that allocate with it on a CPU."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""glibc's numbers of `mallopt`'s settings, in malloc.h."""

_KEPT = 1 << 30
"""Freed blocks up to this size in bytes are kept."""

_MOST_BEFORE_2_35 = 32 << 20
"""The largest block that an older glibc takes."""


def keep_freed_memory() -> None:
    """Set glibc's thresholds for giving memory back to the system; on other systems nothing changes.

    PyTorch and JAX allocate every activation again in each step. glibc gives large blocks back to the system at once,
    and gets their pages again, zeroed, in the next step: a third of the time of a small CNN (docs/log.md).
    """
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):  # musl has no mallopt
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_TRIM_THRESHOLD, _KEPT)
        if not mallopt(_MMAP_THRESHOLD, _KEPT):
            mallopt(_MMAP_THRESHOLD, _MOST_BEFORE_2_35)
