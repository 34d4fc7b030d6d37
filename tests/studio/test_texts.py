"""The page's texts: each that is asked for exists, and each that exists is asked for."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

_PAGE = {
    each.name: each.read_text("utf-8") for each in files("greycard.studio").joinpath("page").iterdir() if each.is_file()
}
_KEYS = re.findall(r'^  "?([\w-]+)"?: ', _PAGE["en.js"], re.MULTILINE)
_SCRIPTS = sorted(name for name in _PAGE if name.endswith(".js") and name != "en.js")
_TEMPLATE = re.compile(r"`([^`]*)`")


def _arguments(script: str) -> list[str]:
    """The first argument of each call of text."""
    found = []
    for call in re.finditer(r"(?<![\w.])text\(", script):
        depth, end = 0, call.end()
        while depth or script[end] not in ",)":
            depth += (script[end] in "([{") - (script[end] in ")]}")
            end += 1
        found.append(script[call.end() : end])
    return found


def _patterns(script: str) -> list[str]:
    """The computed keys, such as job_is_${state}, as regular expressions."""
    templates = [each for argument in _arguments(script) for each in _TEMPLATE.findall(argument)]
    return [".+".join(map(re.escape, re.split(r"\$\{[^}]*\}", each))) for each in templates]


def _named(script: str) -> list[str]:
    """The keys that calls of text name, also by a list or a condition."""
    lists = re.findall(r"\[([^\[\]]*)\]\.map\(\((\w+)\) => text\(\2\)", script)
    arguments = [_TEMPLATE.sub("", argument) for argument in _arguments(script)]
    return re.findall(r'(?<!= )"([\w-]+)"', " ".join([*arguments, *(listed for listed, _ in lists)]))


def test_no_text_has_two_meanings() -> None:
    assert len(_KEYS) > 200
    assert sorted(set(_KEYS)) == sorted(_KEYS)


@pytest.mark.parametrize("name", _SCRIPTS)
def test_every_text_that_a_script_asks_for_exists(name: str) -> None:
    assert [key for key in _named(_PAGE[name]) if key not in _KEYS] == []
    assert [each for each in _patterns(_PAGE[name]) if not any(re.fullmatch(each, key) for key in _KEYS)] == []


def test_every_text_of_the_page_itself_exists() -> None:
    asked = re.findall(r'data-(?:text|label|alt)="([^"]*)"', _PAGE["index.html"])
    assert len(asked) > 50
    assert set(asked) <= set(_KEYS)


def test_every_text_is_used() -> None:
    whole = "\n".join(_PAGE[name] for name in (*_SCRIPTS, "index.html"))
    named = set(re.findall(r'"([\w-]+)"', whole))
    patterns = [each for name in _SCRIPTS for each in _patterns(_PAGE[name])]
    unused = [key for key in _KEYS if key not in named and not any(re.fullmatch(each, key) for each in patterns)]
    assert unused == []
