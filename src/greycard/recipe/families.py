"""Which model family a recipe has: said by its name, or by the fields that are set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from greycard.core.errors import GreycardError
from greycard.core.suggestions import did_you_mean
from greycard.core.values import plain
from greycard.recipe.config import values_of
from greycard.recipe.model import FAMILIES, ConvNetConfig, MlpConfig, ModelConfig, PretrainedConfig

_FROM_SCRATCH = (MlpConfig.kind, ConvNetConfig.kind)


def make_model(settings: Mapping[str, Any]) -> ModelConfig:
    """The model that has these fields; without a `kind`, of the first family that has most of them.

    Raises:
        GreycardError: no such family, a field that it does not have, or a value that it cannot take.
    """
    given = {name for name, value in settings.items() if not _is_nothing(value)}
    kind = settings.get("kind") or max(FAMILIES, key=lambda each: len(given & family_fields(each).keys()))
    return _build(kind, settings, {}, "leave {0} out, or set kind: {1}")


def change_model(model: ModelConfig, settings: Mapping[str, Any]) -> ModelConfig:
    """The model with some fields changed; where its family changes, it keeps the fields that both have.

    `kind` changes the family, and so does a `backbone`; `conv` makes a convnet of an mlp. Without a backbone or
    without convolutions, a model of these is an mlp.

    Raises:
        GreycardError: as `make_model` does.
    """
    kind = settings["kind"] if "kind" in settings else _implied(model.kind, settings)
    decided = "kind" in settings or not _is_nothing(settings.get("backbone"))
    hint = "leave {0} out" if decided else "add {2}"
    return _build(kind, settings, values_of(model), hint)


def family_fields(kind: str) -> dict[str, bool]:
    """The names of a family's fields in order, and whether each has to be set."""
    return {field.name: field.default is MISSING for field in fields(FAMILIES[kind])}  # type: ignore[arg-type]


def _implied(kind: str, settings: Mapping[str, Any]) -> str:
    backbone, conv = settings.get("backbone"), settings.get("conv")
    if not _is_nothing(backbone):
        return PretrainedConfig.kind
    left = kind == PretrainedConfig.kind and "backbone" in settings
    if not _is_nothing(conv) and (kind in _FROM_SCRATCH or left):
        return ConvNetConfig.kind
    return MlpConfig.kind if left or (kind == ConvNetConfig.kind and "conv" in settings) else kind


def _build(kind: Any, settings: Mapping[str, Any], before: Mapping[str, Any], hint: str) -> ModelConfig:
    """A model of this family; nothing (none, or no layers) may also be said for a field of another family."""
    if not isinstance(kind, str) or kind not in FAMILIES:
        known = f"for example kind={ConvNetConfig.kind}"
        raise GreycardError(
            f"kind must be one of {', '.join(FAMILIES)}. Received: {kind!r}", hint=did_you_mean(kind, FAMILIES, known)
        )
    own = family_fields(kind)
    given = {name: value for name, value in settings.items() if name != "kind"}
    for name in [name for name in given if name not in own]:
        if not _is_nothing(given.pop(name)):
            raise _of_another_family(kind, name, hint)
    values = {name: value for name, value in before.items() if name in own} | given
    missing = [name for name, required in own.items() if required and name not in values]
    if missing:
        raise GreycardError(
            f"a {kind} model needs a {missing[0]}. Received: none",
            hint=FAMILIES[kind].SET_BY or f"add {_setting_of(kind)}",
        )
    return FAMILIES[kind](**values)


def _of_another_family(kind: str, name: str, hint: str) -> GreycardError:
    others = [each for each in FAMILIES if name in family_fields(each)]
    has = f"{' and '.join(others)} {'have' if len(others) > 1 else 'has'} it"
    action = hint.format(name, others[0], _setting_of(others[0]))
    return GreycardError(f"the model family {kind} has no field {name!r}; {has}", hint=action)


def _setting_of(kind: str) -> str:
    """What to type for this family: its name, or the field that it must have."""
    examples = {name: example for name, _, _, example in FAMILIES[kind].CHECKS}
    required = [name for name, is_required in family_fields(kind).items() if is_required]
    return f"--set {required[0]}={examples[required[0]]}" if required else f"--set model.kind={kind}"


def _is_nothing(value: Any) -> bool:
    return plain(value) in (None, (), [])
