"""A trained model put to use: `greycard predict` and `greycard serve` against plain Keras, in turn.

    GREYCARD_DATA=… python benchmarks/use.py [predict|serve|endure …] [--rounds 1] [--seconds 10]

The model is the 150 px CNN of cats-dogs-3k-cnn, hardly trained, which costs what a trained one costs; the images are
the 3,000 JPEGs of its dataset. `predict` times whole processes over all of them; `serve` has 1, 8 and 32 clients ask
for some seconds, after a warm-up; `endure` asks `greycard serve` 20,000 times and watches its memory. Writes
`results/speed/use.json`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import child
from greycard.core.paths import data_dir
from load import ask
from result import ResultFile, parser

PLAIN = Path(__file__).parent / "plain"
WORKS = ("predict", "serve", "endure")
CLIENTS = (1, 8, 32)


def main() -> None:
    options = _options()
    results = ResultFile("use", ("work", "clients"), keep=not options.quick)
    folder = data_dir() / "cats_and_dogs_filtered"
    with tempfile.TemporaryDirectory() as scratch:
        run = _run(scratch)
        for work in options.works or WORKS:
            for row in {"predict": _predict, "serve": _serve, "endure": _endure}[work](run, folder, options):
                results.put(row)


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=1)
    made.add_argument("works", nargs="*", metavar="WORK", help=f"of {', '.join(WORKS)}; all of them by default")
    made.add_argument("--seconds", type=float, default=10, help="that each number of clients asks for")
    made.add_argument("--requests", type=int, default=20_000, help="of `endure`")
    options = made.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.requests = 1, 1, 50
    return options


def _run(scratch: str) -> Path:
    words = ["run", "cats-dogs-3k-cnn", "--epochs", "1", "--set", "train_limit=100", "--set", "val_limit=40"]
    child.run([sys.executable, "-m", "greycard", *words, "--quiet", "--out", scratch])
    return Path(scratch, "cats-dogs-3k-cnn-1")


def _predict(run: Path, folder: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    images = folder / "validation" / "cats" if options.quick else folder
    files = len(list(images.rglob("*.jpg")))
    sides: dict[str, list[str | Path]] = {
        "plain": [sys.executable, PLAIN / "predict.py", run / "model.keras", images],
        "greycard": [sys.executable, "-m", "greycard", "predict", run, images, "--format", "csv"],
    }
    spent: dict[str, list[child.Finished]] = {side: [] for side in sides}
    for _ in range(options.rounds):
        for side, words in sides.items():
            spent[side].append(child.run(words))
    row: dict[str, Any] = {"work": "predict", "clients": None, "files": files}
    for side, finished in spent.items():
        seconds = median(each.seconds for each in finished)
        row[side] = {
            "seconds": seconds,
            "files_per_second": files / seconds,
            "each_round": [each.seconds for each in finished],
            "peak_memory_mb": max(each.peak_memory_mb for each in finished),
        }
    yield row | {"ratio": row["plain"]["seconds"] / row["greycard"]["seconds"]}


def _serve(run: Path, folder: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    images = _images(folder)
    with _server(_plain_server(run)) as (plain, _), _server(_our_server(run)) as (ours, _):
        for clients in CLIENTS:
            row: dict[str, Any] = {"work": "serve", "clients": clients}
            for side, port in (("plain", plain), ("greycard", ours)):
                ask(port, images, clients, seconds=options.seconds / 5)  # the warm-up
                rounds = [ask(port, images, clients, seconds=options.seconds).to_json() for _ in range(options.rounds)]
                row[side] = sorted(rounds, key=lambda each: each["requests_per_second"])[len(rounds) // 2]
            ratio = row["greycard"]["requests_per_second"] / row["plain"]["requests_per_second"]
            yield row | {"ratio": ratio}


def _endure(run: Path, folder: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Memory of its own after a tenth of the requests, and after all."""
    images = _images(folder)
    with _server(_our_server(run)) as (port, process):
        first = ask(port, images, 8, requests=options.requests // 10)
        before = _memory_mb(process)
        rest = ask(port, images, 8, requests=options.requests - len(first.latencies))
        row = {"work": "endure", "clients": 8, **rest.to_json()}
        row["requests"] = len(first.latencies) + len(rest.latencies)
        row["errors"] = first.errors + rest.errors
        yield row | {"own_memory_mb_after_a_tenth": before, "own_memory_mb": _memory_mb(process)}


def _plain_server(run: Path) -> list[str | Path]:
    return [sys.executable, PLAIN / "serve.py", run / "model.keras"]


def _our_server(run: Path) -> list[str | Path]:
    return [sys.executable, "-m", "greycard", "serve", run, "--port", "0"]


@contextmanager
def _server(words: Sequence[str | Path]) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A server in a process of its own, and the port it tells on its first line."""
    with subprocess.Popen(
        list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        try:
            line = process.stdout.readline()
            yield int(line.rstrip().rstrip("/").rpartition(":")[2]), process
        finally:
            process.terminate()


def _images(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in sorted(folder.rglob("*.jpg"))[::30]]


def _memory_mb(process: subprocess.Popen[str]) -> float | None:
    """Anonymous memory, without mapped files; None where the system does not tell."""
    status = Path(f"/proc/{process.pid}/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    found = [int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("RssAnon:")]
    return found[0] if found else None


if __name__ == "__main__":
    main()
