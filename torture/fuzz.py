"""Coverage-guided fuzzing (atheris, libFuzzer) of everything that reads bytes from outside.

    python torture/fuzz.py [--seconds 60] [TARGET ...]

Each target (targets.py) is fuzzed in a process of its own, from a corpus of real files, for so many seconds, with at
most 2 GB of memory and 10 seconds for one input; a crash, a hang or another error than Greycard's own ends it, and its
input is kept beside the corpus. Writes `results/fuzz.json`. Needs `pip install "greycard[torture]"`.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from report import parser, tell

HERE = Path(__file__).parent
NAMES = (
    "image", "idx", "npz", "csv", "zip", "manifest", "recipe", "setting", "run", "history", "predictions", "checkpoint",
    "cache", "http",
)  # fmt: skip
_LIMITS = ("-rss_limit_mb=2048", "-timeout=10", "-print_final_stats=1")


def main() -> None:
    options = _options()
    seconds = 5 if options.quick else options.seconds
    rows = (_fuzzed(name, seconds) for name in options.targets or NAMES)
    tell("fuzz", "target", rows, keep=not options.quick)


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=1)
    made.add_argument("targets", nargs="*", choices=[*NAMES, []])
    made.add_argument("--seconds", type=int, default=60)
    return made.parse_args()


def _fuzzed(name: str, seconds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        script, limits = str(HERE / "targets.py"), [f"-max_total_time={seconds}", *_LIMITS]
        words = [sys.executable, script, name, str(corpus), *limits, "-seed=1"]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, errors="replace")
        crashes = [path for path in Path(folder).iterdir() if path.name.startswith(("crash-", "oom-", "timeout-"))]
        if done.returncode or crashes:
            print(done.stdout[-3000:], done.stderr[-3000:])
        lost = [path.name for path in crashes] or ([f"exit code {done.returncode}"] if done.returncode else [])
        return {
            "target": name,
            "seed": 1,
            "seconds": seconds,
            "executions": _figure(r"stat::number_of_executed_units:\s+(\d+)", done.stderr),
            "peak_memory_mb": _figure(r"stat::peak_rss_mb:\s+(\d+)", done.stderr),
            "corpus": len(list(corpus.iterdir())),
            "coverage": _figure(r"(?s).*cov: (\d+)", done.stderr),
            "crashes": len(lost),
            "lost": lost,
        }


def _figure(pattern: str, text: str) -> int | None:
    found = re.search(pattern, text)
    return int(found[1]) if found else None


if __name__ == "__main__":
    main()
