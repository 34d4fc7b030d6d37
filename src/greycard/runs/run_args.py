"""Where a run's data lies and what else it was asked for: a private file of the run, read on this machine only.

It alone holds paths. No report, model card, export or tracker reads it; a run works without it, but for `--data`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greycard.core.errors import GreycardError
from greycard.core.published import Published
from greycard.core.records import from_json, to_json
from greycard.runs.directory import RUN_ARGS


@dataclass(frozen=True, kw_only=True)
class RunArgs:
    """Enough to ask for the same run again.

    Attributes:
        data: the folder or manifest of the images; None for a dataset that is found by its name, or was no file.
        folder: the current one when it was begun.
        data_dir: the folder of named datasets.
        weights: of the backbone: a file, a folder, `imagenet`, `none`, or None for the weights folder.
        track: other tools to tell, of `tensorboard` and `mlflow`.
        published: a project's figures.
        reason: why this recipe, where Greycard chose it.
    """

    data: str | None = None
    folder: str | None = None
    data_dir: str | None = None
    weights: str | None = None
    track: tuple[str, ...] = ()
    published: Published | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        return to_json(self)


def read_run_args(run: Path) -> RunArgs:
    """A run's; an empty one where the file was removed.

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
        raise GreycardError(f"{path} is damaged: {why}", hint="remove it, and name the data with --data") from error


def absolute_path(place: str | Path | None) -> str | None:
    """A path as it is found from everywhere; a word such as `imagenet` as it is."""
    if place is None or str(place) in ("imagenet", "none"):
        return None if place is None else str(place)
    return str(Path(place).expanduser().absolute())
