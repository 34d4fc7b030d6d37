"""Choose the model family of a recipe: by its name, or by the fields that are set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from greycard.core.errors import GreycardError
from greycard.core.suggestions import did_you_mean
from greycard.core.values import plain
from greycard.recipe.config import values_of
from greycard.recipe.model import FAMILIES, ConvNetConfig, MlpConfig, ModelConfig, PretrainedConfig, ProbeConfig

_FROM_SCRATCH = (MlpConfig.kind, ConvNetConfig.kind)
_BACKBONES = {PretrainedConfig.kind: "backbone", ProbeConfig.kind: "backbones"}
"""The families with pretrained networks, and the field that names these."""


def make_model(settings: Mapping[str, Any]) -> ModelConfig:
    """Make a model config with these fields; without a `kind`, of the family that has most of them.

    Raises:
        GreycardError: the family is unknown, it does not have a field, or a value is invalid.
    """
    given = {name for name, value in settings.items() if not _is_nothing(value)}
    kind = settings.get("kind") or max(FAMILIES, key=lambda each: len(given & family_fields(each).keys()))
    return _build(kind, settings, {}, "leave {0} out, or set kind: {1}")


def change_model(model: ModelConfig, settings: Mapping[str, Any]) -> ModelConfig:
    """Change some fields of a model config; if its family changes, it keeps the common fields.

    `kind` changes the family, and so do a `backbone` and `backbones`; `conv` changes an mlp to a convnet. Removing the
    backbone, the backbones or the convolutions gives an mlp.

    Raises:
        GreycardError: as for `make_model`.
    """
    kind = settings["kind"] if "kind" in settings else _implied(model.kind, settings)
    decided = "kind" in settings or not all(_is_nothing(settings.get(name)) for name in _BACKBONES.values())
    hint = "leave {0} out" if decided else "add {2}"
    return _build(kind, settings, values_of(model), hint)


def family_fields(kind: str) -> dict[str, bool]:
    """The names of a family's fields, in order, and whether each one is required."""
    return {field.name: field.default is MISSING for field in fields(FAMILIES[kind])}  # type: ignore[arg-type]


def _implied(kind: str, settings: Mapping[str, Any]) -> str:
    conv = settings.get("conv")
    for family, name in _BACKBONES.items():
        if not _is_nothing(settings.get(name)):
            return family
    left = kind in _BACKBONES and _BACKBONES[kind] in settings
    if not _is_nothing(conv) and (kind in _FROM_SCRATCH or left):
        return ConvNetConfig.kind
    return MlpConfig.kind if left or (kind == ConvNetConfig.kind and "conv" in settings) else kind


def _build(kind: Any, settings: Mapping[str, Any], before: Mapping[str, Any], hint: str) -> ModelConfig:
    """Make a model of this family; a field of another family may only be empty (none, or no layers)."""
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
            f"a {kind} model needs {'' if missing[0].endswith('s') else 'a '}{missing[0]}. Received: none",
            hint=FAMILIES[kind].SET_BY or f"add {_setting_of(kind)}",
        )
    return FAMILIES[kind](**values)


def _of_another_family(kind: str, name: str, hint: str) -> GreycardError:
    others = [each for each in FAMILIES if name in family_fields(each)]
    has = f"{' and '.join(others)} {'have' if len(others) > 1 else 'has'} it"
    action = hint.format(name, others[0], _setting_of(others[0]))
    return GreycardError(f"the model family {kind} has no field {name!r}; {has}", hint=action)


def _setting_of(kind: str) -> str:
    """The `--set` option for this family: its required field, or else its name."""
    examples = {name: example for name, _, _, example in FAMILIES[kind].CHECKS}
    required = [name for name, is_required in family_fields(kind).items() if is_required]
    return f"--set {required[0]}={examples[required[0]]}" if required else f"--set model.kind={kind}"


def _is_nothing(value: Any) -> bool:
    return plain(value) in (None, (), [])
