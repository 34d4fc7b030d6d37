"""The routes of the page: images, labels, classes, uploads, check and training."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from greycard.datasets.images import UnreadableImageError, opened
from greycard.deploy.serve.limits import Limits, RefusedError
from greycard.deploy.serve.metrics import Metrics
from greycard.deploy.serve.middleware import AccessRules, LimitsMiddleware
from greycard.deploy.serve.uploads import ENDINGS, Upload, declared_pixels
from greycard.studio.folder import STATE, Change, ImageFolder
from greycard.studio.questions import ids_of, minutes_of, read_fields, text_of
from greycard.studio.thumbnails import LARGE, Thumbnails, smaller
from greycard.studio.work import Check, Training

LIMITS = Limits(body_bytes=64_000_000, requests=128)

_PAGE = {
    "/": ("index.html", "text/html"),
    "/studio.css": ("studio.css", "text/css"),
    "/studio.js": ("studio.js", "text/javascript"),
    "/grid.js": ("grid.js", "text/javascript"),
    "/camera.js": ("camera.js", "text/javascript"),
    "/server.js": ("server.js", "text/javascript"),
}

_KEPT = {"Cache-Control": "private, max-age=604800"}
"""For answers whose address changes with their content."""


def make_app(
    folder: ImageFolder, runs: Path, *, limits: Limits = LIMITS, token: str | None = None, hosts: Collection[str] = ()
) -> Starlette:
    """The ASGI application.

    Args:
        folder: the user's images.
        runs: the folder of runs.
        limits: limits on size, time and number of requests.
        token: required by the API; None for no token.
        hosts: the host names that it accepts; empty for all.
    """
    studio = _Studio(folder, runs, limits)
    routes = [
        *(Route(path, _file(*content)) for path, content in _PAGE.items()),
        Route("/api/images", studio.images),
        Route("/api/images", studio.upload, methods=["POST"]),
        Route("/api/thumbnail", studio.thumbnail),
        Route("/api/image", studio.image),
        *(Route(f"/api/{name}", studio.changing(name), methods=["POST"]) for name in _CHANGES),
        Route("/api/check", studio.check_status),
        Route("/api/check", studio.start_check, methods=["POST"]),
        Route("/api/training", studio.training_status),
        Route("/api/training", studio.start_training, methods=["POST"]),
        Route("/api/training/stop", studio.stop_training, methods=["POST"]),
    ]
    access = AccessRules({route.path for route in routes}, token, hosts)
    return Starlette(
        routes=routes, middleware=[Middleware(LimitsMiddleware, limits=limits, metrics=Metrics(), access=access)]
    )


_CHANGES: dict[str, tuple[tuple[str, ...], Callable[[ImageFolder, dict[str, Any]], Change]]] = {
    "label": (("ids", "class"), lambda folder, fields: folder.label(ids_of(fields), fields["class"])),
    "discard": (("ids",), lambda folder, fields: folder.discard(ids_of(fields))),
    "undo": ((), lambda folder, fields: folder.undo()),
    "redo": ((), lambda folder, fields: folder.redo()),
    "classes/add": (("name",), lambda folder, fields: folder.add_class(fields["name"])),
    "classes/rename": (("class", "name"), lambda folder, fields: folder.rename_class(fields["class"], fields["name"])),
    "classes/remove": (("class",), lambda folder, fields: folder.remove_class(fields["class"])),
}
"""Requests that change the folder: their fields, and what they do."""


class _Studio:
    """The state that the routes share."""

    def __init__(self, folder: ImageFolder, runs: Path, limits: Limits) -> None:
        state = folder.root / STATE
        self._folder, self._limits = folder, limits
        self._thumbnails = Thumbnails(state / "thumbnails")
        self._check, self._training = Check(folder.root, state), Training(folder.root, state, runs)

    async def images(self, request: Request) -> JSONResponse:
        """All images, by class."""
        listed = await run_in_threadpool(self._folder.images)
        known = await run_in_threadpool(self._folder.unchanged)
        return JSONResponse({"folder": str(self._folder.root), "images": listed, **asdict(known)})

    async def thumbnail(self, request: Request) -> Response:
        return await self._jpeg(request, self._thumbnails.of)

    async def image(self, request: Request) -> Response:
        return await self._jpeg(request, lambda file: smaller(file, LARGE))

    async def _jpeg(self, request: Request, make: Callable[[Path], bytes]) -> Response:
        file = self._folder.path(text_of(request.query_params, "id"))
        try:
            content = await run_in_threadpool(make, file)
        except (UnreadableImageError, OSError) as error:
            raise RefusedError(422, f"{file.name} cannot be read: {error}") from error
        return Response(content, media_type="image/jpeg", headers=_KEPT)

    def changing(self, name: str) -> Any:
        """The route of a change, by its name in `_CHANGES`."""
        names, change = _CHANGES[name]

        async def route(request: Request) -> JSONResponse:
            fields = await read_fields(request, names)
            return await _changed(change, self._folder, fields)

        return route

    async def upload(self, request: Request) -> JSONResponse:
        """Add the image in the request's body; the address has its name and its class."""
        kind = request.headers.get("content-type", "")
        if not kind.startswith("image/"):
            raise RefusedError(415, f"expected an image (image/…). Received: {kind[:40] or 'nothing'}")
        upload = Upload(text_of(request.query_params, "name")[:200], await request.body())
        ending = await run_in_threadpool(_ending, upload, self._limits.pixels)
        label = request.query_params.get("class")
        return await _changed(self._folder.add, upload.name, ending, upload.content, label)

    async def start_check(self, request: Request) -> JSONResponse:
        await read_fields(request, ())
        await run_in_threadpool(self._check.start)
        return await self.check_status(request)

    async def check_status(self, request: Request) -> JSONResponse:
        return JSONResponse(await run_in_threadpool(self._check.status))

    async def start_training(self, request: Request) -> JSONResponse:
        await run_in_threadpool(self._training.start, minutes_of(await read_fields(request, ("minutes",))))
        return await self.training_status(request)

    async def stop_training(self, request: Request) -> JSONResponse:
        await read_fields(request, ())
        self._training.stop()
        return await self.training_status(request)

    async def training_status(self, request: Request) -> JSONResponse:
        return JSONResponse(await run_in_threadpool(self._training.status))


def _ending(upload: Upload, most: int) -> str:
    """The ending of an uploaded image's format; raises a RefusedError if it is not a whole image."""
    declared_pixels([upload], most)
    try:
        with opened(upload.content) as image:
            image.load()
            return ENDINGS[str(image.format)]
    except UnreadableImageError as error:
        raise RefusedError(422, f"{upload.name} cannot be read: {error}") from error


async def _changed(change: Callable[..., Change], *arguments: Any) -> JSONResponse:
    """Make a change; raises a RefusedError if the disk is full or the folder must not be written."""
    try:
        return JSONResponse(asdict(await run_in_threadpool(change, *arguments)))
    except OSError as error:
        raise RefusedError(507, f"the folder cannot be changed: {error.strerror or error}") from error


def _file(name: str, kind: str) -> Any:
    """A route for one file of the page. The file is read at the start: no request chooses which file is opened."""
    content = files("greycard.studio").joinpath("page", name).read_bytes()
    return lambda request: Response(content, media_type=f"{kind}; charset=utf-8")
