"""Measure the choices that come with the package, on this machine.

    python benchmarks/choices.py [--as avx2]

Measures what `greycard tune` does and writes the result as the package's measurements for this processor's instruction
set, in `src/greycard/backend/measured/`. With `--as avx2`, oneDNN and XLA are limited to AVX2, as on a processor that
has no more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from greycard.core.processor import instruction_set
from result import write

_PACKAGED = Path(__file__).parents[1] / "src" / "greycard" / "backend" / "measured"
_LIMITS = {
    "avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "XLA_FLAGS": "--xla_cpu_max_isa=AVX2", "GREYCARD_PRECISION": "float32"}
}


def main() -> None:
    made = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    made.add_argument("--as", dest="limited", choices=sorted(_LIMITS), help="the instruction set to be limited to")
    limited = made.parse_args().limited
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | _LIMITS.get(limited, {}) | {"GREYCARD_CACHE": cache}
        subprocess.run([sys.executable, "-m", "greycard", "tune"], check=True, env=environment)
        (found,) = Path(cache, "measured").glob("*.json")
        content = json.loads(found.read_text(encoding="utf-8"))
        content["processor"] += f", limited to {limited}" if limited else ""
        write(_PACKAGED / f"{limited or instruction_set()}.json", content)


if __name__ == "__main__":
    main()
