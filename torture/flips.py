"""Change one byte of what is kept and see that it is noticed: checkpoints, cached arrays, models, predictions.

    python torture/flips.py [--rounds 300]

Each round changes one random byte of one file by a random value. A checkpoint or a cache entry must be told to be
damaged (what happens then is tested in tests/); a finished run's file must be refused by its reader in one sentence,
or still say exactly the same. Writes `results/flips.json`.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import child
import jobs
from greycard.core.errors import GreycardError
from greycard.pipeline.cache_entry import DamagedEntryError, EntrySpec, open_entry
from greycard.runs.record import RunRecord
from greycard.training import checkpointer as checkpointer
from greycard.training.checkpoint import newest_checkpoint
from report import parser, tell

Reader = Callable[[Path], Any]


def main() -> None:
    options = parser(__doc__, rounds=300).parse_args()
    child.load()
    tell("flips", "file", _rows(20 if options.quick else options.rounds), keep=not options.quick)


def _rows(rounds: int) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        for seed, (name, (file, read)) in enumerate(_victims(Path(folder)).items()):
            yield _row(name, seed, file, read, rounds)


def _victims(scratch: Path) -> dict[str, tuple[Path, Reader]]:
    """A file of each kind, and what reads it: a value to compare, or an error."""
    job = jobs.make_jobs(scratch)["cnn"]
    run = scratch / "unfinished"
    child.run([*job.words, "--out", str(run)], scratch, _stop_in_the_middle)
    checkpoint = max(run.rglob("*.checkpoint"))
    array = next(scratch.glob("work/cache/pixels/*/array.npy"))
    finished = job.reference.path
    return {
        "checkpoint": (checkpoint, _checkpoint),
        "cache: array.npy": (array, _entry_of(array.parent)),
        "cache: entry.json": (array.parent / "entry.json", _entry_of(array.parent)),
        "run: predictions.npz": (
            finished / "predictions.npz",
            lambda file: _values(RunRecord(file.parent).predictions),
        ),
        "run: mistakes.npz": (finished / "mistakes.npz", lambda file: _values(RunRecord(file.parent).mistakes)),
        "run: model.keras": (finished / "model.keras", _model),
    }


def _stop_in_the_middle() -> None:
    """Two checkpoints, then as if the power had gone."""
    import os

    jobs.often()
    write, count = checkpointer.write_checkpoint, 0

    def stop(*arguments: Any) -> None:
        nonlocal count
        write(*arguments)
        count += 1
        if count == 30:
            os._exit(0)

    checkpointer.write_checkpoint = stop  # type: ignore[assignment]


def _row(name: str, seed: int, file: Path, read: Reader, rounds: int) -> dict[str, Any]:
    chance, content, good = random.Random(seed), file.read_bytes(), read(file)
    counts = {"noticed": 0, "said the same": 0, "unnoticed": 0, "crashed": 0}
    aside = file.with_name(f"{file.name}.whole")
    shutil.copy2(file, aside)
    for _ in range(rounds):
        place, by = chance.randrange(len(content)), chance.randint(1, 255)
        flipped = bytearray(content)
        flipped[place] ^= by
        file.write_bytes(flipped)
        counts[_outcome(read, file, good)] += 1
    aside.replace(file)
    lost = [name] * (counts["unnoticed"] + counts["crashed"])
    return {"file": name, "seed": seed, "bytes": len(content), "flipped": rounds, **counts, "lost": lost}


def _outcome(read: Reader, file: Path, good: Any) -> str:
    try:
        return "said the same" if read(file) == good else "unnoticed"
    except (GreycardError, DamagedEntryError):
        return "noticed"
    except Exception as error:
        print(f"{file.name}: {type(error).__name__}: {error}")
        return "crashed"


def _checkpoint(file: Path) -> Any:
    """The newest one's place; where it is damaged, the warning becomes the error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = newest_checkpoint(file.parent)
        except Warning as told:
            raise GreycardError(str(told), hint="an older one") from told
    assert found is not None
    return found[0], [array.tobytes() for array in found[1]]


def _entry_of(folder: Path) -> Reader:
    array = np.load(folder / "array.npy")
    wanted = EntrySpec(folder, array.shape, array.dtype, "")

    def read(_file: Path) -> Any:
        found, facts = open_entry(wanted)
        return found.tobytes(), facts

    return read


def _model(file: Path) -> Any:
    """The last of the victims: from here on this process computes, and must not be forked any more."""
    from greycard.models.saved import load_model

    model = load_model(file.parent).network
    return model.to_json(), [weight.tobytes() for weight in model.get_weights()]


def _values(arrays: dict[str, np.ndarray] | None) -> dict[str, bytes]:
    assert arrays is not None
    return {name: array.tobytes() for name, array in arrays.items()}


if __name__ == "__main__":
    main()
