"""Work in several processes beside the same work in one: sweeps, prediction, what a kill costs, and many workers.

    GREYCARD_DATA=… python benchmarks/beyond.py [sweep|predict|shards|check|workers …] [--rounds 2]

`sweep` and `predict` run the same command at two sizes: here and in one process of Ray, both bound to one core, and in
two processes of Ray on two cores. The difference between the sizes is the work without its start, so both are told: the
whole command, and images or runs per second without the start. `shards` predicts 100,000 images (hard links to few) in
two processes, and is killed (SIGKILL, Ray with it) at a third and at two thirds. `check` checks a list of 100,000
images, each there twice, and is killed the same way while it reads them, and once more while it looks for duplicates.
`workers` measures what scheduling costs the driver: tasks that sleep a second in 48 processes, then empty tasks with as
many in flight as 1,000 workers need. Writes `results/speed/beyond.json`.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

import child
from greycard.core.paths import data_dir
from greycard.datasets.catalog import entry
from large import link_many
from memory import draw
from processes import Finished, Watched
from result import ResultFile, parser

WORKS = ("sweep", "predict", "shards", "check", "workers")
PLACES = {"here": {0}, "processes:1": {0}, "processes:2": {0, 1}}
"""Where, and the cores of it: a place with one core for one process, and one with two for two."""

_GREYCARD = (sys.executable, "-m", "greycard")
_PHOTOGRAPHS = "cats-and-dogs-filtered"


def main() -> None:
    options = _options()
    results = ResultFile("beyond", ("work", "where"), keep=not options.quick)
    for work in options.works or WORKS:
        with tempfile.TemporaryDirectory() as scratch:
            for row in globals()[f"_{work}"](Path(scratch), options):
                results.put({"work": work, **row})


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=2)
    made.add_argument("works", nargs="*", metavar="WORK", help=f"of {', '.join(WORKS)}; all by default")
    options = made.parse_args()
    if options.quick:
        options.rounds = 1
    return options


def _sweep(scratch: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Runs of one project with another seed each."""
    sizes = (2, 4) if options.quick else (4, 16)

    def command(where: str, size: int, out: Path) -> list[str | Path]:
        seeds = f"0-{size - 1}"
        return [*_GREYCARD, "sweep", "digits-cnn", "--seeds", seeds, "--on", where, "--quiet", "--out", out]

    yield from _compared(scratch, sizes, options.rounds, command)


def _predict(scratch: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Photographs of about 375×500, by a CNN for 150×150."""
    sizes = (200, 400) if options.quick else (3_000, 15_000)
    run, folders = _run(scratch), {}
    photographs = _copies(scratch / "photographs", sorted((data_dir() / entry(_PHOTOGRAPHS).folder).rglob("*.jpg")))
    for size in sizes:
        folders[size] = scratch / f"{size}"
        link_many(photographs, folders[size], size)

    def command(where: str, size: int, out: Path) -> list[str | Path]:
        words: list[str | Path] = [run, folders[size], "--answers", out, "--shard", "250", "--on", where, "--quiet"]
        return [*_GREYCARD, "predict", *words]

    yield from _compared(scratch, sizes, options.rounds, command)


def _compared(scratch: Path, sizes: tuple[int, int], rounds: int, command: Any) -> Iterator[dict[str, Any]]:
    """A row for each place; the rounds of all places are in turn."""
    found: dict[str, list[tuple[Finished, Finished]]] = {where: [] for where in PLACES}
    for number in range(rounds):
        for where in list(PLACES)[:: -1 if number % 2 else 1]:
            ended = [
                Watched(command(where, size, scratch / f"{number}-{where[-1]}-{size}"), PLACES[where]).wait()
                for size in sizes
            ]
            found[where].append((ended[0], ended[1]))
    more = sizes[1] - sizes[0]
    for where, pairs in found.items():
        seconds = median(large.seconds - small.seconds for small, large in pairs)
        cpu = median(large.cpu_seconds - small.cpu_seconds for small, large in pairs)
        yield {
            "where": where,
            "sizes": sizes,
            "command_seconds": [median(each[place].seconds for each in pairs) for place in (0, 1)],
            "units_per_second": more / seconds,
            "units_per_cpu_second": more / cpu,
            "rounds": [
                [[small.seconds, large.seconds], [small.cpu_seconds, large.cpu_seconds]] for small, large in pairs
            ],
        }


def _shards(scratch: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Many images in parts, with the memory of the driver and of the workers, and with two kills."""
    count = 2_000 if options.quick else 100_000
    folder, run = draw(scratch, count), _run(scratch)
    shard = 100 if options.quick else 1_000
    words: list[str | Path] = [*_GREYCARD, "predict", run, folder, "--quiet", "--on", "processes:2"]
    words += ["--shard", str(shard), "--answers"]
    whole = Watched([*words, scratch / "whole"]).wait()
    yield _parts("processes:2", count, [whole], _rows(scratch / "whole", folder))
    when = [("part-*.parquet", third * count // shard // 3) for third in (1, 2)]
    ended = _killed([*words, scratch / "killed"], scratch / "killed", when)
    yield _parts("processes:2, killed twice", count, ended, _rows(scratch / "killed", folder))


def _check(scratch: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A list of images, each there twice, with the memory of the driver and of the workers, and with three kills."""
    count = 4_000 if options.quick else 100_000
    names = _drawn_twice(scratch / "images", count)
    words: list[str | Path] = [*_GREYCARD, "check", names, "--quiet", "--on", "processes:2", "--out"]
    whole = Watched([*words, scratch / "whole"]).wait()
    yield _parts("processes:2", count, [whole], _twice(scratch / "whole"))
    when = [("part-*.parquet", third * count // 1024 // 3) for third in (1, 2)] + [("points-*", 1)]
    ended = _killed([*words, scratch / "killed"], scratch / "killed" / "names-check-parts", when)
    yield _parts("processes:2, killed three times", count, ended, _twice(scratch / "killed"))


def _killed(words: list[str | Path], folder: Path, when: list[tuple[str, int]]) -> list[Finished]:
    """A command that is killed as soon as its folder has so many files of a kind, and at last runs to its end."""
    ended = []
    for pattern, files in when:
        command = Watched(words)
        while len(list(folder.glob(pattern))) < files:
            assert command.process.poll() is None, "it ended before it was killed"
            time.sleep(0.05)
        command.process.send_signal(signal.SIGKILL)
        ended.append(command.wait())
    return [*ended, Watched(words).wait()]


def _drawn_twice(folder: Path, count: int) -> Path:
    """A list of images of 96×96, half of them links to the others."""
    random, originals = np.random.default_rng(0), []
    folder.mkdir()
    for number in range(count // 2):
        originals.append(folder / f"{number}.jpg")
        Image.fromarray(random.integers(0, 256, (12, 12, 3), dtype=np.uint8)).resize((96, 96)).save(originals[-1])
    link_many(originals, folder / "again", count // 2)
    names = folder.parent / "names.txt"
    names.write_text("".join(f"{path}\n" for path in (*originals, *sorted((folder / "again").iterdir()))))
    return names


def _twice(out: Path) -> int:
    """The number of images in pairs of equal ones; each image is in one pair."""
    import pyarrow.parquet

    found = pyarrow.parquet.read_table(out / "names-check" / "duplicates.parquet").to_pydict()
    assert set(Counter(found["group"]).values()) == {2}
    assert len(set(found["path"])) == len(found["path"])
    return len(found["path"])


def _parts(where: str, count: int, ended: list[Finished], rows: int) -> dict[str, Any]:
    seconds = sum(each.seconds for each in ended)
    return {
        "where": where,
        "images": count,
        "rows": rows,
        "seconds": seconds,
        "images_per_second": count / seconds,
        "driver_mb": max(each.own_mb for each in ended),
        "worker_mb": max(each.worker_mb for each in ended),
    }


def _rows(answers: Path, folder: Path) -> int:
    """The number of answers; no image is missing, and none is there twice."""
    import pyarrow.parquet

    parts = [pyarrow.parquet.read_table(part, columns=["path"]) for part in sorted(answers.glob("part-*.parquet"))]
    names = [name for part in parts for name in part.column("path").to_pylist()]
    assert len(set(names)) == len(names) == sum(1 for _ in folder.rglob("*.jpg"))
    return len(names)


def _workers(scratch: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The driver's cost for each task; Ray's workers are processes, so this machine's memory bounds their number."""
    from greycard.cluster.where import PROCESSES, Where, open_engine

    real, tasks, flying = (4, 8, 100) if options.quick else (48, 480, 20_000)
    with open_engine(Where(PROCESSES, real), print) as engine:
        sum(1 for _ in engine.each(time.sleep, [0.0] * 4 * real))  # the processes start
        begun, cpu = time.perf_counter(), time.process_time()
        sum(1 for _ in engine.each(time.sleep, [1.0] * tasks))
        seconds = time.perf_counter() - begun
        yield {
            "where": f"{real} workers, {tasks} tasks that sleep a second",
            "seconds": seconds,
            "ideal_seconds": tasks / real,
            "driver_cpu_seconds": time.process_time() - cpu,
        }
        engine._machines.slots = 1000  # type: ignore[attr-defined]
        begun, cpu = time.perf_counter(), time.process_time()
        sum(1 for _ in engine.each(abs, list(range(flying))))
        yield {
            "where": f"window of 1,000 workers, {flying} empty tasks in {real} processes",
            "seconds": time.perf_counter() - begun,
            "driver_cpu_seconds": time.process_time() - cpu,
            "driver_ms_per_task": 1000 * (time.process_time() - cpu) / flying,
            "driver_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        }


def _copies(folder: Path, images: list[Path]) -> list[Path]:
    """A copy of each: links do not cross disks."""
    folder.mkdir()
    return [Path(shutil.copy(image, folder / f"{number}.jpg")) for number, image in enumerate(images)]


def _run(scratch: Path) -> Path:
    """A CNN for 150×150 that is hardly trained."""
    (scratch / "few").mkdir()
    few = draw(scratch / "few", 400)
    words: list[str | Path] = ["train", few, "--weights", "none", "--epochs", "1", "--quiet", "--out", scratch / "runs"]
    small = ["model.kind=convnet", "image_size=150", "conv=16,32,64"]
    child.run([*_GREYCARD, *words, *(word for each in small for word in ("--set", each))])
    return scratch / "runs" / "images-1"


if __name__ == "__main__":
    main()
