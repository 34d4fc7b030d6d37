"""`--set field=value`: convert command-line options to changes of a recipe."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from greycard.core.errors import GreycardError
from greycard.recipe.names import canonical


def parse_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Convert options like `epochs=5`, `model.conv=32,64` or `augmentation=none` to changes for `Recipe.replace`.

    Raises:
        GreycardError: an option has no `=`, or the field is unknown.
    """
    changes: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise GreycardError(f"--set expects field=value. Received: {setting!r}", hint="for example --set epochs=5")
        changes |= canonical({name.strip(): parse_value(text.strip())}, "--set knows")
    return changes


def as_setting(value: Any) -> str:
    """A field's value as text for `--set field=`; `parse_settings` returns an equal value."""
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        return ",".join(map(as_setting, value))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def parse_value(text: str) -> Any:
    """None, a bool, a number, several of them separated by commas, or the text itself."""
    words = {"none": None, "null": None, "": None, "true": True, "false": False}
    if text.lower() in words:
        return words[text.lower()]
    try:
        parsed = json.loads(f"[{text.strip('()[]')}]")
    except ValueError:
        return text
    return parsed[0] if len(parsed) == 1 and not text.startswith(("(", "[")) else tuple(parsed)
