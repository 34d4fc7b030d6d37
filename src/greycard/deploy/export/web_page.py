"""The exported page as text: template, style, scripts, and the model and its runtime as compressed parts.

A policy in the page lets the browser load and send nothing, and run only the scripts that were in it when it was
written.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

from greycard.deploy.export.web_runtime import VERSION, WebRuntime

_SCRIPTS = ("unpack", "resize", "decode", "model", "number", "heat", "camera", "page")
"""In this order, as one script: a page that is opened as a file cannot load modules."""

_FACTS = '<script type="application/json" id="facts">{}</script>'
_ABOUT = re.compile(rb'<script type="application/json" id="about">(.*?)</script>', re.DOTALL)
_MODEL = re.compile(rb'<script type="text/plain" id="model">(.*?)</script>', re.DOTALL)


def web_page(model: bytes, runtime: WebRuntime, about: dict[str, Any]) -> str:
    """The page, without the facts of the run.

    Args:
        model: in LiteRT's format.
        runtime: computes it.
        about: what the scripts need to know of the model beyond the facts.
    """
    from jinja2 import Environment
    from markupsafe import Markup

    style = _file("page.css")
    script = "\n".join(_file(f"{name}.js") for name in _SCRIPTS)
    raw = {
        "policy": _policy(style, runtime.script, script),
        "style": style,
        "loader": runtime.script,
        "script": script,
        "about": _json(about),
        "wasm": _packed(runtime.wasm),
        "model": _packed(model),
    }
    page = Environment(autoescape=True, keep_trailing_newline=True).from_string(_file("index.html"))
    return page.render({name: Markup(text) for name, text in raw.items()}, runtime=f"LiteRT.js {VERSION}")


def fill_in(place: Path, facts: dict[str, Any]) -> None:
    """Write the facts of the run into a page."""
    text = place.read_text(encoding="utf-8")
    place.write_text(text.replace(_FACTS.format(""), _FACTS.format(_json(facts)), 1), encoding="utf-8")


def model_in(page: bytes) -> bytes:
    """The model in a page, in LiteRT's format."""
    found = _MODEL.search(page)
    assert found is not None
    return gzip.decompress(base64.b64decode(found[1]))


def stated_in(page: bytes) -> dict[str, Any]:
    """What the scripts of a page know of the model."""
    found = _ABOUT.search(page)
    assert found is not None
    return json.loads(found[1])


def _file(name: str) -> str:
    return resources.files("greycard.deploy.export").joinpath("page", name).read_text(encoding="utf-8")


def _json(content: dict[str, Any]) -> str:
    """JSON in which no text can end its element."""
    return json.dumps(content).replace("<", "\\u003c")


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def _policy(style: str, *scripts: str) -> str:
    """`wasm-unsafe-eval` allows WebAssembly, and no evaluation of text; images are those that the user chose."""
    sources = " ".join(map(_hash, scripts))
    return (
        f"default-src 'none'; script-src {sources} 'wasm-unsafe-eval'; style-src {_hash(style)}; img-src blob: data:;"
        " media-src blob:; form-action 'none'; base-uri 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
