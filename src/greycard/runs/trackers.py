"""A run told to other tools as it goes: TensorBoard event files, an MLflow tracking server or folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from greycard.errors import GreycardError
from greycard.recipe import Recipe


class Tracker(Protocol):
    """Hears of every epoch and of the end."""

    def epoch(self, line: Mapping[str, Any]) -> None: ...
    def end(self, summary: Mapping[str, Any]) -> None: ...


def trackers(names: Iterable[str], recipe: Recipe, folder: Path) -> list[Tracker]:
    """The asked-for trackers of one run, begun.

    Args:
        names: of `tensorboard` and `mlflow`.
        recipe: the run's.
        folder: the run's; TensorBoard's files go into its `tensorboard/`.
    """
    return [_TRACKERS[name](recipe, folder) for name in names]


def expect_installed(names: Iterable[str]) -> None:
    """GreycardError for a tracker that Greycard does not know, or whose package is not installed."""
    for name in names:
        if name not in _TRACKERS:
            raise GreycardError(f"track must be of {', '.join(_TRACKERS)}. Received: {name!r}")
        if find_spec(name) is None:
            raise GreycardError(f"{name} is not installed", hint=f'pip install "greycard[{name}]"')


def _figures(line: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a history line but the epoch's own."""
    return {name: float(value) for name, value in line.items() if name != "epoch" and isinstance(value, int | float)}


class _TensorBoard:
    """Scalars by epoch in `RUN/tensorboard/`; the recipe as text."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        from tensorboard.summary import Writer

        self._writer = Writer(str(folder / "tensorboard"))

    def epoch(self, line: Mapping[str, Any]) -> None:
        for name, value in _figures(line).items():
            self._writer.add_scalar(name, value, line["epoch"])
        self._writer.flush()

    def end(self, summary: Mapping[str, Any]) -> None:
        self._writer.close()


class _Mlflow:
    """A run of the experiment `greycard`, where MLflow keeps its runs (`MLFLOW_TRACKING_URI`, or `mlruns/`)."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        from mlflow.tracking import MlflowClient

        self._client = MlflowClient()
        known = self._client.get_experiment_by_name("greycard")
        experiment = known.experiment_id if known else self._client.create_experiment("greycard")
        self._run = self._client.create_run(experiment, run_name=folder.name).info.run_id
        for name, value in recipe.to_json().items():
            self._client.log_param(self._run, name, str(value)[:500])

    def epoch(self, line: Mapping[str, Any]) -> None:
        for name, value in _figures(line).items():
            self._client.log_metric(self._run, name, value, step=line["epoch"])

    def end(self, summary: Mapping[str, Any]) -> None:
        self._client.set_tag(self._run, "diagnosis", ", ".join(v["name"] for v in summary["diagnosis"]))
        self._client.set_terminated(self._run)


_TRACKERS: dict[str, Callable[[Recipe, Path], Tracker]] = {"tensorboard": _TensorBoard, "mlflow": _Mlflow}
