"""Greycard's sentences as HTML, with commands as code."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_CODE = re.compile(
    r"`(?P<quoted>[^`]+)`"
    r"|(?<![\w-])(?P<option>--[a-z][\w-]*(?: (?:[a-z_]+=[\w.…]+(?<!\.)|\d[\d.]*(?<!\.)|[A-Z]\w+|none\b|imagenet\b))?)"
)
"""A command in backticks, or an option with its value, if any."""


def with_code(sentence: str) -> Markup:
    """The sentence escaped, its commands in `<code>` elements."""
    parts, end = [], 0
    for found in _CODE.finditer(sentence):
        typed = found["quoted"] or found["option"]
        parts += [escape(sentence[end : found.start()]), Markup("<code>{}</code>").format(typed)]
        end = found.end()
    return Markup("").join([*parts, escape(sentence[end:])])
