"""The network that the user names for feature vectors: a run, or a pretrained network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from greycard.backend import start
from greycard.core.errors import GreycardError
from greycard.core.paths import as_path
from greycard.core.reporter import Reporter
from greycard.core.suggestions import did_you_mean
from greycard.models.imagenet import LITE0, NETWORKS, network
from greycard.models.weights import expect_weights, find_weights
from greycard.runs.directory import RECIPE
from greycard.runs.record import RunRecord, find_runs

if TYPE_CHECKING:
    from greycard.embeddings.embedder import Embedder


def embedder_of(named: str | Path | RunRecord, weights: str | Path | None, reporter: Reporter) -> Embedder:
    """Load the network.

    Args:
        named: a run or its folder, or the name of a pretrained network.
        weights: of a pretrained network: a file, a folder, `imagenet` to download them; None for those that are here.
        reporter: shows progress.

    Raises:
        GreycardError: there is no such run or network, the run is unfinished, or the network has no weights here.
    """
    run = _run(named)
    if run is not None:
        return _of_run(run, weights, reporter)
    return _of_backbone(str(named), weights, reporter)


def _of_backbone(name: str, weights: str | Path | None, reporter: Reporter) -> Embedder:
    expect_weights(weights)
    files = find_weights(network(name), None, weights, reporter.downloading(f"{name} weights"))
    if not files:
        raise GreycardError(
            f"{name} needs pretrained weights, because features of random weights mean nothing. Received: none",
            hint="leave out --weights none; --weights PATH names a file or a folder",
        )
    with reporter.status("starting Keras"):
        start()
        from greycard.embeddings.embedder import backbone_embedder
    with reporter.status(f"loading {name}"):
        return backbone_embedder(name, files)


def _of_run(run: RunRecord, weights: str | Path | None, reporter: Reporter) -> Embedder:
    run.expect_finished()
    if weights is not None:
        raise GreycardError(
            f"{run.path} is a run and has its own weights. Received: weights {weights}", hint="leave out --weights"
        )
    with reporter.status("starting Keras"):
        start()
        from greycard.deploy.classifier import model_of
        from greycard.embeddings.embedder import run_embedder
    with reporter.status(f"loading {run.name}"):
        return run_embedder(run, model_of(run))


def _run(named: str | Path | RunRecord) -> RunRecord | None:
    """The run; None for the name of a pretrained network."""
    if isinstance(named, RunRecord):
        return named
    path, networks = as_path(named, "a run or a network"), [each.name for each in (LITE0, *NETWORKS)]
    if (path / RECIPE).is_file():
        return RunRecord(path)
    if str(named) in networks:
        return None
    raise GreycardError(
        f"{named} is neither a run nor a pretrained network",
        hint=did_you_mean(path.name, [*map(str, _names(path)), *networks], "`greycard table` lists the runs"),
    )


def _names(path: Path) -> list[Path]:
    """The runs next to a path, and those in `runs/`."""
    return [each for folder in {path.absolute().parent, Path("runs")} for each in find_runs(folder)]
