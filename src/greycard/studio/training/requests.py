"""What a user can ask training for, and the words of the command that does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greycard.core.errors import GreycardError
from greycard.deploy.serve.limits import RefusedError
from greycard.models.preferred import available
from greycard.models.weights import expect_backbone_weights
from greycard.projects import Project, projects

MINUTES, FAMILY, PROJECT, RESUME = "minutes", "family", "project", "resume"
"""How a training is chosen: the best of N minutes, one family, a project's recipe, or an unfinished run."""

_LEAST_MINUTES, _MOST_MINUTES = 0.1, 1440.0


@dataclass(frozen=True)
class Family:
    """A kind of network that can be trained on a folder.

    Attributes:
        name: `auto` leaves the choice to `greycard train`.
        options: of `greycard train`.
        limited: whether its training can have a time limit.
        pretrained: whether it needs weights of a pretrained network.
    """

    name: str
    options: tuple[str, ...]
    limited: bool = True
    pretrained: bool = False


_FAMILIES = (
    Family("auto", (), limited=False),
    Family("probe", ("--set", "model.kind=probe"), limited=False, pretrained=True),
    Family("fine-tune", ("--fine-tune", "last"), pretrained=True),
    Family("pretrained", ("--set", "model.kind=pretrained"), pretrained=True),
    Family("resnet", ("--set", "model.kind=resnet")),
    Family("convnet", ("--set", "model.kind=convnet")),
    Family("mlp", ("--set", "model.kind=mlp")),
)


@dataclass(frozen=True)
class Request:
    """One training that a user asks for.

    Attributes:
        how: `minutes`, `family`, `project` or `resume`.
        name: of the family, the project or the run; None for `minutes`.
        minutes: the time limit; None for the recipe's own.
    """

    how: str
    name: str | None = None
    minutes: float | None = None

    def words(self, root: Path, runs: Path, author: str | None = None) -> list[str | Path]:
        """The arguments of `greycard` that train on a folder."""
        if self.how == RESUME:
            return resume_words(runs / str(self.name), root)
        limit = [] if self.minutes is None else ["--set", f"minutes={self.minutes:g}"]
        out: list[str | Path] = ["--out", runs, *([] if author is None else ["--name", author])]
        if self.how == MINUTES:
            return ["train", root, "--minutes", f"{self.minutes:g}", *out]
        if self.how == FAMILY:
            family = next(each for each in _FAMILIES if each.name == self.name)
            return ["train", root, *family.options, *limit, *out]
        return ["run", str(self.name), "--set", f"dataset={root}", *limit, *out]


def resume_words(run: Path, root: Path) -> list[str | Path]:
    """The arguments of `greycard` that continue a run on the images where they are now."""
    return ["resume", run, "--data", root]


def families() -> list[Family]:
    """Those that can be trained here: some need weights of a pretrained network."""
    try:
        weights = bool(available())
    except GreycardError:  # the folder of weights is missing; training says so
        weights = False
    return [each for each in _FAMILIES if weights or not each.pretrained]


def recipes() -> list[Project]:
    """The projects whose recipe can be trained on other images here."""
    return [project for project in projects() if _fits_images(project)]


def _fits_images(project: Project) -> bool:
    recipe = project.recipe
    if recipe.data.image_size is None or project.model is not None:
        return False
    try:
        expect_backbone_weights(recipe, None)
    except GreycardError:
        return False
    return True


def request_of(fields: dict[str, Any], unfinished: Sequence[str]) -> Request:
    """A request from its fields `how`, `name` and `minutes`, which may come from anywhere.

    Args:
        fields: of the request.
        unfinished: the names of the runs that can be resumed.

    Raises:
        RefusedError: there is no such training.
    """
    how, name, minutes = fields["how"], fields["name"], _minutes_of(fields["minutes"])
    limited: dict[str, dict[str | None, bool]] = {
        MINUTES: {None: True},
        FAMILY: {family.name: family.limited for family in families()},
        PROJECT: {project.name: True for project in recipes()} if how == PROJECT else {},
        RESUME: dict.fromkeys(unfinished, False),
    }
    if not isinstance(how, str) or how not in limited:
        raise RefusedError(400, f"how must be one of {', '.join(limited)}. Received: {str(how)[:40]!r}")
    if not isinstance(name, str | None) or name not in limited[how]:
        known = ", ".join(str(each or "null") for each in limited[how]) or "none here"
        raise RefusedError(404, f"name must be one of {known}. Received: {str(name)[:80]!r}")
    if minutes is None and how == MINUTES:
        raise RefusedError(400, "minutes must be a number. Received: null")
    if minutes is not None and not limited[how][name]:
        raise RefusedError(400, f"{name} takes no minutes. Received: {minutes:g}")
    return Request(how, name, minutes)


def _minutes_of(minutes: object) -> float | None:
    if minutes is None:
        return None
    number = isinstance(minutes, int | float) and not isinstance(minutes, bool)
    if not number or not _LEAST_MINUTES <= minutes <= _MOST_MINUTES:  # type: ignore[operator]
        raise RefusedError(400, f"minutes must be a number from {_LEAST_MINUTES:g} to {_MOST_MINUTES:g}, or null")
    return float(minutes)  # type: ignore[arg-type]
