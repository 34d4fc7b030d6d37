"""The paths and options of a run: a private file of the run, read on this machine only.

Only this file holds paths. Reports, model cards, exports and trackers do not read it. Without it, a run needs `--data`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greycard.core.errors import GreycardError
from greycard.core.paths import data_dir as named_data_dir
from greycard.core.published import Published
from greycard.core.records import from_json, to_json
from greycard.datasets.dataset import Dataset
from greycard.recipe.names import by_field
from greycard.recipe.settings import as_setting
from greycard.runs.directory import RUN_ARGS


@dataclass(frozen=True, kw_only=True)
class RunArgs:
    """The arguments that reproduce a run.

    Attributes:
        data: the folder or manifest of the images; None for a named dataset or a dataset without a file.
        folder: the working directory at the start.
        data_dir: the folder of named datasets.
        weights: backbone weights: a file, a folder, `imagenet`, `none`, or None for the weights folder and the
            installed package.
        track: experiment trackers, of `tensorboard` and `mlflow`.
        published: a project's published figures.
        reason: why Greycard chose this recipe; None if the user chose it.
        options: the command line's options that made the run what it is, such as `--weights none`; of a path only its
            name, because advice repeats them.
    """

    data: str | None = None
    folder: str | None = None
    data_dir: str | None = None
    weights: str | None = None
    track: tuple[str, ...] = ()
    published: Published | None = None
    reason: str | None = None
    options: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        data: Dataset,
        data_dir: str | Path | None,
        weights: str | Path | None,
        *,
        track: tuple[str, ...] = (),
        published: Published | None = None,
        reason: str | None = None,
    ) -> RunArgs:
        """The arguments of a run that starts now, with absolute paths."""
        return cls(
            data=absolute_path(data.origin),
            folder=absolute_path("."),
            data_dir=absolute_path(named_data_dir(data_dir)),
            weights=absolute_path(weights),
            track=track,
            published=published,
            reason=reason,
        )

    @property
    def data_name(self) -> str | None:
        """The name of the folder or manifest of the images, such as `labels.csv`; None without one."""
        return None if self.data is None else Path(self.data).name

    def to_json(self) -> dict[str, Any]:
        return to_json(self)


def options_of(weights: str | Path | None, backbone: str | Path | None, changes: Mapping[str, Any]) -> tuple[str, ...]:
    """The options for the same weights, backbone and settings, each one quoted for a shell.

    Args:
        weights: as in `RunArgs`.
        backbone: a network's name or a run's folder.
        changes: canonical settings.
    """
    named = {"--weights": weights, "--backbone": backbone}
    options = [f"{option} {shlex.quote(Path(value).name)}" for option, value in named.items() if value is not None]
    settings = (f"{name}={as_setting(value)}" for name, value in by_field(changes).items())
    return (*options, *(f"--set {shlex.quote(setting)}" for setting in settings))


def read_run_args(run: Path) -> RunArgs:
    """The arguments of a run; empty if the file was removed.

    Raises:
        GreycardError: the file is damaged.
    """
    path = run / RUN_ARGS
    if not path.is_file():
        return RunArgs()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        del content["schema"]
        return from_json(RunArgs, content)
    except (OSError, ValueError, TypeError, KeyError, GreycardError) as error:
        why = error.args[0] if isinstance(error, GreycardError) else error
        raise GreycardError(f"{path} is damaged: {why}", hint="remove it, and pass the data with --data") from error


def absolute_path(place: str | Path | None) -> str | None:
    """An absolute path; a keyword such as `imagenet` stays unchanged."""
    if place is None or str(place) in ("imagenet", "none"):
        return None if place is None else str(place)
    return str(Path(place).expanduser().absolute())
