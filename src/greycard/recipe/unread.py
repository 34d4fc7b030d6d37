"""Settings that a recipe's model does not read: they are refused, never ignored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from greycard.core.errors import GreycardError
from greycard.recipe.model import ModelConfig, ProbeConfig
from greycard.recipe.names import PARTS, part_fields, short_name
from greycard.recipe.recipe import Recipe
from greycard.recipe.settings import as_setting

_ONE_EPOCH = 1
"""The only number of epochs of a fit at once, which a resolved recipe has."""


def unread_fields(model: ModelConfig) -> tuple[str, ...]:
    """The fields that training this model does not read, as `--set` names them."""
    return tuple(short_name(part, name) for part, name in _addresses(model))


def expect_read_settings(recipe: Recipe) -> None:
    """Raise a GreycardError for settings that would have no effect, because the recipe's model does not read them."""
    model, defaults = recipe.model, _unread_settings(recipe)
    if not defaults:
        return
    assert isinstance(model, ProbeConfig)
    *names, last = defaults
    given = f"{', '.join(names)} and {last}" if names else last
    off = " ".join(f"--set {name}={as_setting(value)}" for name, value in defaults.items())
    raise GreycardError(
        f"{given} would have no effect on a probe with fine_tune={model.fine_tune or 'none'}",
        hint=", or ".join([off, *_models_that_read(model, defaults)]),
    )


def _models_that_read(model: ProbeConfig, fields: Iterable[str]) -> list[str]:
    """The options for a model near the probe that reads these fields; empty if there is none."""
    if not model.fine_tune:
        other = f"--set backbone={model.backbones[0]} --set pooling=average"
        return [f"{other}, in place of the probe, for a head that is trained by epochs"]
    reads = not set(fields) & set(unread_fields(replace(model, fine_tune="all")))
    return ["--set fine_tune=all"] if reads else []


def _unread_settings(recipe: Recipe) -> dict[str, Any]:
    """The settings that differ from their defaults and that nothing reads, with their defaults."""
    found: dict[str, Any] = {}
    for part, name in _addresses(recipe.model):
        config = getattr(recipe, part)
        if part == "augmentation":
            found |= {} if config is None else {part: None}
        elif getattr(config, name) != (default := _default(part, name)):
            found[short_name(part, name)] = default
    if recipe.training.epochs == _ONE_EPOCH:
        found.pop("epochs", None)
    elif "epochs" in found:
        found["epochs"] = _ONE_EPOCH
    return found


def _addresses(model: ModelConfig) -> list[tuple[str, str]]:
    """Part and name of each field that is not read."""
    named = (address.partition(".") for address in model.unread)
    return [(part, each) for part, _, name in named for each in ([name] if name else part_fields(part))]


def _default(part: str, name: str) -> Any:
    return getattr(PARTS[part](), name)
