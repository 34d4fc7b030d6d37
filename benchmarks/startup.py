"""Seconds from a command to its answer, and of an import.

    python benchmarks/startup.py [--rounds 5]

Each in a fresh process, in turn, after one round that warms the disk up. Writes `results/speed/startup.json`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

import child
from result import ResultFile, parser

GREYCARD = Path(sys.executable).with_name("greycard")
COMMANDS: dict[str, list[str | Path]] = {
    "greycard --help": [GREYCARD, "--help"],
    "greycard projects": [GREYCARD, "projects"],
    "import greycard": [sys.executable, "-c", "import greycard"],
    "import keras": [sys.executable, "-c", "import keras"],
}


def main() -> None:
    options = parser(__doc__, rounds=5).parse_args()
    results = ResultFile("startup", ("what",), keep=not options.quick)
    rounds = [_round() for _ in range(1 + (1 if options.quick else options.rounds))][1:]
    for what in COMMANDS:
        each = [seconds[what] for seconds in rounds]
        results.put({"what": what, "seconds": median(each), "each_round": each})


def _round() -> dict[str, float]:
    return {what: child.run(words, TF_CPP_MIN_LOG_LEVEL="3").seconds for what, words in COMMANDS.items()}


if __name__ == "__main__":
    main()
