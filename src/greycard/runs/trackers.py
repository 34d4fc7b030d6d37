"""A run told to other tools as it goes: TensorBoard event files, an MLflow tracking server or folder."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from greycard.core.epoch import Epoch
from greycard.core.errors import GreycardError, GreycardWarning
from greycard.recipe import Recipe
from greycard.runs.schema import Summary


class Tracker(Protocol):
    """Hears of every epoch and of the end; of a run that was broken off, without a summary."""

    def epoch(self, epoch: Epoch) -> None: ...
    def end(self, summary: Summary | None) -> None: ...


def trackers(names: Iterable[str], recipe: Recipe, folder: Path) -> list[Tracker]:
    """The asked-for trackers of one run, begun.

    Args:
        names: of `tensorboard` and `mlflow`.
        recipe: the run's.
        folder: the run's; TensorBoard's files go into its `tensorboard/`.
    """
    return [_Careful(name, recipe, folder) for name in names]


def expect_installed(names: Iterable[str]) -> None:
    """GreycardError for a tracker that Greycard does not know, or whose package is not installed."""
    for name in names:
        if name not in _TRACKERS:
            raise GreycardError(
                f"track must be of {', '.join(_TRACKERS)}. Received: {name!r}",
                hint=f"for example {next(iter(_TRACKERS))}",
            )
        if find_spec(name) is None:
            raise GreycardError(f"{name} is not installed", hint=f'pip install "greycard[{name}]"')


class _Careful:
    """A tracker that is left alone once it fails: no training is lost because a server went away."""

    def __init__(self, name: str, recipe: Recipe, folder: Path) -> None:
        self._name = name
        self._tracker: Tracker | None = None
        self._try(lambda: setattr(self, "_tracker", _TRACKERS[name](recipe, folder)))

    def epoch(self, epoch: Epoch) -> None:
        tracker = self._tracker
        if tracker is not None:
            self._try(lambda: tracker.epoch(epoch))

    def end(self, summary: Summary | None) -> None:
        tracker = self._tracker
        if tracker is not None:
            self._try(lambda: tracker.end(summary))

    def _try(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # whatever a server, a disk or a version brings
            self._tracker = None
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            warnings.warn(f"{self._name} is told no more of this run: {said}", GreycardWarning, stacklevel=5)


def _figures(epoch: Epoch) -> dict[str, float]:
    """What was measured, by the names of the history."""
    return {name: value for name, value in epoch.to_json().items() if name != "epoch" and value is not None}


class _TensorBoard:
    """Scalars by epoch in `RUN/tensorboard/`."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        from tensorboard.summary import Writer

        self._writer = Writer(str(folder / "tensorboard"))

    def epoch(self, epoch: Epoch) -> None:
        for name, value in _figures(epoch).items():
            self._writer.add_scalar(name, value, epoch.epoch)
        self._writer.flush()

    def end(self, summary: Summary | None) -> None:
        self._writer.close()


class _Mlflow:
    """A run of the experiment `greycard`, where MLflow keeps its runs (`MLFLOW_TRACKING_URI`, or `mlruns/`)."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        from mlflow.tracking import MlflowClient

        server = os.environ.get("MLFLOW_TRACKING_URI")
        if not server:  # a folder of files; MLflow's own default is a database that its small package cannot write
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        self._client = MlflowClient(server or Path("mlruns").absolute().as_uri())
        known = self._client.get_experiment_by_name("greycard")
        experiment = known.experiment_id if known else self._client.create_experiment("greycard")
        self._run = self._client.create_run(experiment, run_name=folder.name).info.run_id
        for name, value in recipe.settings().items():
            self._client.log_param(self._run, name, str(value)[:500])

    def epoch(self, epoch: Epoch) -> None:
        for name, value in _figures(epoch).items():
            self._client.log_metric(self._run, name, value, step=epoch.epoch)

    def end(self, summary: Summary | None) -> None:
        if summary is not None:
            self._client.set_tag(self._run, "diagnosis", ", ".join(verdict.name for verdict in summary.diagnosis))
        self._client.set_terminated(self._run, "FINISHED" if summary is not None else "KILLED")


_TRACKERS: dict[str, Callable[[Recipe, Path], Tracker]] = {"tensorboard": _TensorBoard, "mlflow": _Mlflow}
