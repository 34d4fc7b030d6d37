"""What Greycard's commands make of a run: report, model card, export, heat maps, augmented images, a map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from greycard.deploy.serve.limits import RefusedError
from greycard.recipe.names import by_field
from greycard.recipe.settings import as_setting
from greycard.runs.record import RunRecord
from greycard.studio.processes import Command, failure_of

KINDS = ("report", "card", "export", "explain", "augmentation", "map")

_HEAT = "-heat.png"


@dataclass(frozen=True)
class Drawing:
    """The figures of one image in the run's `explain/` folder, by their files' names.

    Attributes:
        id: the image's; for several labels the name of the figure, which has the label.
        heat: heat map and occlusion map.
        maps: feature maps; None for a model without convolutions.
    """

    id: str
    heat: str
    maps: str | None


@dataclass(frozen=True)
class OutputStatus:
    """How far an output is.

    Attributes:
        state: `none`, `running`, `finished` or `failed`.
        run: the name of its run.
        error: why it failed.
        drawings: of the explained images.
    """

    state: str
    run: str | None = None
    error: str | None = None
    drawings: tuple[Drawing, ...] = ()


class Output:
    """One kind of output; one process at a time. Its methods may be called from several threads.

    Args:
        folder: where the process writes its words.
        kind: one of `KINDS`.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self._command, self._printed = Command(folder, kind), folder / f"{kind}.out"
        self._run: str | None = None
        self._ids: tuple[str, ...] = ()

    def start(self, run: RunRecord, words: Callable[[], Sequence[str | Path]], ids: Sequence[str] = ()) -> None:
        """Start a command of `greycard` for a run.

        Args:
            run: the run.
            words: makes the command's words, and files that it needs; called only if no other one is running.
            ids: of the images that are explained.

        Raises:
            RefusedError: another one is running.
        """
        with self._command.starting("its command") as start:
            start(words())
            self._run, self._ids = run.name, tuple(ids)

    def status(self) -> OutputStatus:
        progress = self._command.progress()
        drawings = _drawings(self._ids, self.printed()) if progress.state == "finished" and self._ids else ()
        return OutputStatus(progress.state, self._run, failure_of(progress), drawings)

    def printed(self) -> str:
        """What the command has written to stdout."""
        return self._printed.read_text(encoding="utf-8", errors="replace")

    def expect_finished(self, run: RunRecord) -> None:
        """Raise a RefusedError unless the last output is a finished one of this run."""
        if self._run != run.name or self._command.progress().state != "finished":
            raise RefusedError(404, f"{run.name} has none yet; make it first")


def augmentation_words(run: RunRecord, images: Path, out: Path) -> list[str | Path]:
    """The command that draws a sheet of augmented images as the run's training sees them.

    A run without augmentation gets that of a training from scratch.

    Args:
        run: the run.
        images: the folder of images.
        out: the folder of the sheet.
    """
    data, height_width = run.recipe.data, run.recipe.data.image_size
    settings = {"image_size": height_width, "resize": data.resize, "seed": run.recipe.training.seed}
    whole = {} if run.recipe.augmentation is None else by_field({"augmentation": run.recipe.augmentation})
    chosen = [f"{name}={as_setting(value)}" for name, value in {**settings, **whole}.items()]
    return ["show", images, "--augmented", *(word for each in chosen for word in ("--set", each)), "--out", out]


def _drawings(ids: Sequence[str], printed: str) -> tuple[Drawing, ...]:
    """The printed files by image: each image has a heat map, and then perhaps feature maps.

    An image that can have several labels has as many heat maps, so there they have their own names.
    """
    found: list[list[str]] = []
    for name in (Path(line).name for line in printed.splitlines()):
        if name.endswith(_HEAT):
            found.append([name])
        elif name.endswith("-maps.png") and found:
            found[-1].append(name)
    shown = ids if len(ids) == len(found) else [names[0].removesuffix(_HEAT) for names in found]
    return tuple(Drawing(id, names[0], [*names, None][1]) for id, names in zip(shown, found, strict=True))
