"""The processor in use: its name and the instruction sets that decide how fast something is computed."""

from __future__ import annotations

import platform
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")

_SETS = ("amx_bf16", "avx512_bf16", "avx512f", "avx2")
"""The widest first."""


def processor(cpuinfo: Path = CPUINFO) -> str:
    """Its name, such as `AMD EPYC`."""
    return _line("model name", cpuinfo).removesuffix(" Processor") or platform.processor() or platform.machine()


def flags(cpuinfo: Path = CPUINFO) -> frozenset[str]:
    """What the processor can do, as Linux names it; empty on other systems."""
    return frozenset(_line("flags", cpuinfo).split())


def instruction_set(cpuinfo: Path = CPUINFO) -> str:
    """The widest instruction set for numbers, such as `avx512_bf16`; else the architecture, such as `arm64`."""
    found = flags(cpuinfo)
    return next((name for name in _SETS if name in found), platform.machine())


def _line(name: str, cpuinfo: Path) -> str:
    if not cpuinfo.is_file():
        return ""
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
