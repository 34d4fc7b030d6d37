"""Check a list of images without labels: unreadable files, duplicates, and what is unusual; for very many images."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from greycard.audit.duplicates import Pair
from greycard.audit.list_report import ListReport
from greycard.audit.thumbnails import Thumbnails
from greycard.cluster.check.exact import find_exact
from greycard.cluster.check.files import expect_own
from greycard.cluster.check.findings import report_of
from greycard.cluster.check.folder import SHARD, again, alone
from greycard.cluster.check.listing import Listing
from greycard.cluster.check.near import find_near
from greycard.cluster.check.readings import Readings
from greycard.cluster.check.remarks import Remarks
from greycard.cluster.check.stages import Stages
from greycard.cluster.compute import Places, compute_on
from greycard.cluster.engine import Engine
from greycard.cluster.shards import Shard
from greycard.cluster.where import Where, open_engine
from greycard.core.atomic_files import remove_drafts, remove_whole
from greycard.core.errors import GreycardError
from greycard.core.reporter import Reporter
from greycard.deploy.answers.parquet import expect_pyarrow
from greycard.storage.folders import LocalFolder
from greycard.training.interruption import InterruptedRunError


def check_list(
    names: Iterable[str], name: str, out: Path, where: Where, reporter: Reporter, shard: int = SHARD
) -> tuple[ListReport, Thumbnails]:
    """Check images without labels; the same call again continues.

    Args:
        names: paths or addresses of the images; each is read once, so there may be millions.
        name: of the list, for the names of files.
        out: the folder of the results. What is computed is kept in NAME-check-parts until the end, for which all
            machines need the same file system, and the Parquet files are written to NAME-check.
        where: the machines or processes that read and compare images; the search for near-duplicates is in this one.
        reporter: shows progress.
        shard: images of a part.

    Returns:
        The report, with some images of each finding, and the thumbnails of these.

    Raises:
        GreycardError: no names, a folder that would be lost, or parts that could not be computed.
        InterruptedRunError: a signal; the same call continues.
    """
    expect_pyarrow()
    parts, results = LocalFolder((out / f"{name}-check-parts").absolute()), out / f"{name}-check"
    expect_own(results)
    each = iter(names)
    first = next(each, None)
    if first is None:
        raise GreycardError(f"{name} names no images", hint="a list is text with one name a line, or Parquet")
    with alone(parts.path):
        for place in (parts.path, results):
            remove_drafts(out, place.name)
        return _checked(chain([first], each), name, parts, results, Places(where, shard), reporter)


def _checked(
    names: Iterable[str], name: str, parts: LocalFolder, results: Path, places: Places, reporter: Reporter
) -> tuple[ListReport, Thumbnails]:
    work, another = Readings(os.getcwd()), f"--out names another folder; or {again(parts)}"
    with open_engine(places.where, reporter.log) as engine, _continued(engine, parts):
        shards = [task.shard for task in compute_on(engine, work, names, parts, reporter, places, another)]
        _expect_all(parts, shards)
        stages = Stages(engine, Listing(parts, tuple(shards), places.shard), work.folder, reporter)
        remarks = [Remarks(some) for some in stages.listing.units()]
        stages.write("checking headers", remarks)
        pairs = _pairs(stages)
        with reporter.status("writing what was found"):
            found = report_of(name, stages.listing, remarks, pairs, results)
    remove_whole(parts.path)
    return found


def expect_no_weights(weights: str | Path | None) -> None:
    """Raise a GreycardError if label errors are asked for."""
    if weights is not None:
        raise GreycardError("--weights judges labels, and a list of images has none", hint="leave out --weights")


def _pairs(stages: Stages) -> list[Pair]:
    """Rows that show the same image, the most certain first."""
    exact = find_exact(stages)
    return exact + find_near(stages, exact)


def _expect_all(folder: LocalFolder, shards: Sequence[Shard]) -> None:
    if not {shard.file for shard in shards} <= folder.names():
        raise GreycardError(
            f"another process reads images into {folder.address}",
            hint="wait for it, and run the same command again",
        )


@contextmanager
def _continued(engine: Engine, parts: LocalFolder) -> Iterator[None]:
    """After a signal within the block, say that the same command continues."""
    try:
        yield
    except InterruptedRunError:
        raise
    except KeyboardInterrupt as stop:
        engine.cancel()
        number = getattr(stop, "number", signal.SIGINT)
        hint = "the same command continues it"
        raise InterruptedRunError(parts.address, "with what was computed", number, hint) from stop
