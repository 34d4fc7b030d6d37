"""The machine and the software versions of a run."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from greycard.core.processor import processor
from greycard.core.run_format import JOB
from greycard.core.threads import usable_cores


def environment(backend: Mapping[str, str]) -> dict[str, Any]:
    """The content of `environment.json`; without paths and names of users or hosts.

    Args:
        backend: facts about the backend in use.
    """
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "greycard": version("greycard"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "machine": machine(),
        "memory_gib": memory_gib(),
        **backend,
        "numpy": version("numpy"),
        **({"job": os.environ[JOB]} if JOB in os.environ else {}),
    }


def machine() -> str:
    """The processor and the cores this process may use, such as `AMD EPYC, 2 cores`."""
    cores = usable_cores()
    return f"{processor()}, {cores} core{'s' if cores > 1 else ''}"


def memory_gib() -> float | None:
    """Physical memory in GiB; None if the system does not say."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


def peak_memory_mb() -> float | None:
    """Peak memory of this process in MB (10⁶ bytes); None if the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if platform.system() == "Darwin" else 1024) / 1e6, 1)
