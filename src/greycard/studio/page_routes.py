"""The files of the page."""

from __future__ import annotations

from importlib.resources import files
from pathlib import PurePath
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


def page_routes() -> list[Route]:
    """A route for each file. They are read at the start: no request chooses which file is opened."""
    page = files("greycard.studio").joinpath("page")
    found = [("/", file) for file in page.iterdir()] + [
        ("/vendor/", file) for file in page.joinpath("vendor").iterdir()
    ]
    shown = {folder + file.name: file for folder, file in found if PurePath(file.name).suffix in _KINDS}
    return [Route("/" if path == "/index.html" else path, _file(file)) for path, file in sorted(shown.items())]


def _file(file: Any) -> Any:
    content, kind = file.read_bytes(), _KINDS[PurePath(file.name).suffix]

    async def route(request: Request) -> Response:
        return Response(content, media_type=f"{kind}; charset=utf-8")

    return route
