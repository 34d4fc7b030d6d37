"""Requests about images: list, show, upload, label, and classes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from greycard.datasets.images import UnreadableImageError
from greycard.datasets.thumbnail import smaller
from greycard.deploy.serve.limits import RefusedError
from greycard.deploy.serve.uploads import Upload, declared_pixels
from greycard.studio.changing import changed
from greycard.studio.context import Context
from greycard.studio.images.changes import Change
from greycard.studio.images.folder import ImageFolder
from greycard.studio.images.thumbnails import LARGE, Thumbnails
from greycard.studio.images.uploaded import whole_ending
from greycard.studio.questions import expect_image, ids_of, read_fields, text_of

_KEPT = {"Cache-Control": "private, max-age=604800"}
"""For answers whose address changes with their content."""

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


def image_routes(context: Context) -> list[Route]:
    images = _Images(context)
    return [
        Route("/api/images", images.images),
        Route("/api/images", images.upload, methods=["POST"]),
        Route("/api/thumbnail", images.thumbnail),
        Route("/api/image", images.image),
        *(Route(f"/api/{name}", images.changing(name), methods=["POST"]) for name in _CHANGES),
    ]


class _Images:
    def __init__(self, context: Context) -> None:
        self._folder, self._limits = context.images, context.limits
        self._large = asyncio.Lock()  # one large image is decoded at a time: each needs much memory
        self._thumbnails = Thumbnails(context.state / "thumbnails")

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
            return await changed(change, self._folder, fields)

        return route

    async def upload(self, request: Request) -> JSONResponse:
        """Add the image in the request's body; the address has its name and its class."""
        expect_image(request)
        upload = Upload(text_of(request.query_params, "name")[:200], await request.body())
        (pixels,) = await run_in_threadpool(declared_pixels, [upload], self._limits.pixels)
        async with self._large if pixels >= self._limits.large else nullcontext():
            ending = await run_in_threadpool(whole_ending, upload)
        label = request.query_params.get("class")
        return await changed(self._folder.add, upload.name, ending, upload.content, label)
