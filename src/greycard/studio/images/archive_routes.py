"""Requests that add a zip of images, or a Teachable Machine project."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from greycard.deploy.serve.limits import Limits, RefusedError
from greycard.studio.changing import disk_errors
from greycard.studio.context import Context
from greycard.studio.images.archive import read_archive
from greycard.studio.questions import text_of

PATH = "/api/archives"

_KIND = "application/zip"
"""Pages of other sites cannot send this content type without the server's permission."""

_MOST_BYTES, _SECONDS = 500_000_000, 600.0
_PREFIX = "archive-"
_MOST_NAMED = 5
"""How many of the files that were left out are named."""


def archive_limits(limits: Limits) -> Limits:
    """The limits on an archive: larger than one image, and slower to arrive."""
    return replace(limits, body_bytes=_MOST_BYTES, seconds=_SECONDS)


def archive_routes(context: Context) -> list[Route]:
    for left in context.state.glob(f"{_PREFIX}*"):  # of a server that was killed while it unpacked one
        shutil.rmtree(left, ignore_errors=True)

    async def add(request: Request) -> JSONResponse:
        """Add the images of the archive in the request's body; the address has its name and the class shown."""
        kind = request.headers.get("content-type", "")
        if kind != _KIND:
            raise RefusedError(415, f"expected a zip file ({_KIND}). Received: {kind[:40] or 'nothing'}")
        name, label = text_of(request.query_params, "name")[:80], request.query_params.get("class")
        with disk_errors(), _workshop(context.state) as archive:
            with archive.open("wb") as file:
                async for part in request.stream():
                    await run_in_threadpool(file.write, part)
            return JSONResponse(await run_in_threadpool(_add, context, archive, name, label))

    return [Route(PATH, add, methods=["POST"])]


@contextmanager
def _workshop(state: Path) -> Iterator[Path]:
    """The path for an archive in a folder of the page's own, which is removed afterwards."""
    state.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=state, ignore_cleanup_errors=True) as folder:
        yield Path(folder, "archive.zip")


def _add(context: Context, archive: Path, name: str, label: str | None) -> dict[str, Any]:
    content = read_archive(archive, name, context.limits)
    change = context.images.add_all(content.images, label)
    left_out = {"count": len(content.left_out), "reasons": content.left_out[:_MOST_NAMED]}
    return {**asdict(change), "added": len(content.images), "left_out": left_out}
