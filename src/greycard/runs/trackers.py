"""Log a run to experiment trackers: TensorBoard event files, an MLflow server or folder."""

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
    """Called after every epoch and at the end; after an interruption without a summary."""

    def epoch(self, epoch: Epoch) -> None: ...
    def end(self, summary: Summary | None) -> None: ...


def trackers(names: Iterable[str], recipe: Recipe, folder: Path) -> list[Tracker]:
    """The requested trackers of one run, started.

    Args:
        names: `tensorboard`, `mlflow` or both.
        recipe: the run's recipe.
        folder: the run's folder; TensorBoard's files go into its `tensorboard/`.
    """
    return [_Careful(name, recipe, folder) for name in names]


def expect_installed(names: Iterable[str]) -> None:
    """Raise GreycardError for an unknown tracker or a missing package."""
    for name in names:
        if name not in _TRACKERS:
            raise GreycardError(
                f"track must be one of {', '.join(_TRACKERS)}. Received: {name!r}",
                hint=f"for example {next(iter(_TRACKERS))}",
            )
        if find_spec(name) is None:
            raise GreycardError(f"{name} is not installed", hint=f'pip install "greycard[{name}]"')


class _Careful:
    """Disables a tracker after its first error, so that a lost server does not stop training."""

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
        except Exception as error:  # servers, disks and versions raise errors of many types
            self._tracker = None
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            warnings.warn(f"{self._name} logging is disabled for this run: {reason}", GreycardWarning, stacklevel=5)


def _figures(epoch: Epoch) -> dict[str, float]:
    """The metrics of an epoch, by their names in the history."""
    return {name: value for name, value in epoch.to_json().items() if name != "epoch" and value is not None}


class _TensorBoard:
    """Writes scalars by epoch to `RUN/tensorboard/`."""

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
    """Logs to the MLflow experiment `greycard` (at `MLFLOW_TRACKING_URI`, or in `mlruns/`)."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        from mlflow.tracking import MlflowClient

        server = os.environ.get("MLFLOW_TRACKING_URI")
        if not server:  # a folder of files; mlflow-skinny cannot write MLflow's default database
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
