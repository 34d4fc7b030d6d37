"""The measurements behind the choices: those of the package for an instruction set, and those of this machine.

`greycard tune` measures this machine and keeps the result in the cache folder, by processor and version of TensorFlow.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from greycard.backend.choices import Measured, Table
from greycard.core.atomic_files import atomic_write
from greycard.core.errors import GreycardError
from greycard.core.paths import cache_dir
from greycard.core.processor import instruction_set, processor
from greycard.core.records import from_json, to_json
from greycard.core.threads import thread_count

_PACKAGED = "measured"
"""The folder of the package's own measurements, a file for each instruction set."""


@dataclass(frozen=True)
class Measurements:
    """The content of a file.

    Attributes:
        processor: its name.
        threads: with which it was measured.
        tensorflow: its version.
        date: of the last measurement.
        precisions: as in `Table`.
        measured: in the order of measuring.
    """

    processor: str
    threads: int
    tensorflow: str
    date: str
    precisions: Mapping[str, str]
    measured: tuple[Measured, ...]


def table() -> Table:
    """This machine's measurements before those of its instruction set; empty if there are none."""
    own, packaged = _read(own_file()), packaged_measurements(instruction_set())
    found = [each for each in (own, packaged) if each]
    sources = ([f"measured here on {own.date}"] if own else []) + (
        [f"measured on {packaged.processor} with {instruction_set()}"] if packaged else []
    )
    return Table(
        tuple(one for each in found for one in each.measured),
        {kind: precision for each in reversed(found) for kind, precision in each.precisions.items()},
        " and ".join(sources) or Table().source,
    )


def packaged_measurements(instructions: str) -> Measurements | None:
    """The package's measurements for an instruction set, if it has any."""
    file = resources.files("greycard.backend").joinpath(_PACKAGED, f"{instructions}.json")
    return from_json(Measurements, json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None


def own_file() -> Path:
    """Where this machine's measurements are kept."""
    words = [processor(), instruction_set(), f"{thread_count().count}-threads", f"tensorflow-{_tensorflow()}"]
    name = "-".join(re.sub(r"[^\w.]+", "-", word) for word in words)
    return cache_dir() / _PACKAGED / f"{name}.json"


def keep(measured: Sequence[Measured], precisions: Mapping[str, str], date: str) -> Path:
    """Add measurements to this machine's file; a shape that was measured before is replaced.

    Returns:
        The file.

    Raises:
        OSError: it cannot be written.
    """
    file = own_file()
    before = _read(file) or Measurements(processor(), thread_count().count, _tensorflow(), date, {}, ())
    new = {each.shape for each in measured}
    kept = tuple(each for each in before.measured if each.shape not in new)
    whole = replace(
        before, date=date, precisions={**before.precisions, **precisions}, measured=(*measured, *kept)
    )  # fmt: skip
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(file, json.dumps(to_json(whole), indent=1) + "\n")
    return file


def _read(file: Path) -> Measurements | None:
    """A file's content; None if there is no such file or it is damaged, because measuring again brings it back."""
    with suppress(OSError, ValueError, GreycardError):
        return from_json(Measurements, json.loads(file.read_bytes()))
    return None


def _tensorflow() -> str:
    for name in ("tensorflow-cpu", "tensorflow"):
        with suppress(PackageNotFoundError):
            return version(name)
    return "none"
