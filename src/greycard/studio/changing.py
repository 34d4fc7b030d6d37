"""What requests that change the folder have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from greycard.deploy.serve.limits import RefusedError
from greycard.studio.images.changes import Change


async def changed(change: Callable[..., Change], *arguments: Any) -> JSONResponse:
    """Make a change in a thread, and answer with it; raises a RefusedError if the disk is full or not writable."""
    with disk_errors():
        return JSONResponse(asdict(await run_in_threadpool(change, *arguments)))


@contextmanager
def disk_errors() -> Iterator[None]:
    """Raise a RefusedError instead of an OSError of the user's folder."""
    try:
        yield
    except OSError as error:
        raise RefusedError(507, f"the folder cannot be changed: {error.strerror or error}") from error
