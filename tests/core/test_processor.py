"""What a processor says about itself."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from greycard.core.processor import flags, instruction_set, processor


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("sse2 avx2", "avx2"),
        ("avx2 avx512f", "avx512f"),
        ("avx2 avx512f avx512_bf16", "avx512_bf16"),
        ("avx512_bf16 amx_bf16 amx_tile", "amx_bf16"),
        ("sse2", platform.machine()),
    ],
)
def test_the_widest_instruction_set_is_named(words: str, expected: str, tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor : 0\nmodel name : Fast Processor\nflags : {words}\nprocessor : 1\nflags : none\n")
    assert instruction_set(cpuinfo) == expected
    assert flags(cpuinfo) == set(words.split())
    assert processor(cpuinfo) == "Fast"


def test_other_systems_have_their_architecture(tmp_path: Path) -> None:
    missing = tmp_path / "none"
    assert instruction_set(missing) == platform.machine()
    assert flags(missing) == set()
    assert processor(missing)
