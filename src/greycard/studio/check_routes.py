"""Requests about the check of the images."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from greycard.studio.check import Check
from greycard.studio.context import Context
from greycard.studio.images.usable import expect_classes
from greycard.studio.questions import read_fields


def check_routes(context: Context) -> list[Route]:
    checking = _Checking(context)
    return [Route("/api/check", checking.status), Route("/api/check", checking.start, methods=["POST"])]


class _Checking:
    def __init__(self, context: Context) -> None:
        self._images, self._check = context.images, Check(context.images.root, context.state)

    async def start(self, request: Request) -> JSONResponse:
        await read_fields(request, ())
        await run_in_threadpool(self._start)
        return await self.status(request)

    async def status(self, request: Request) -> JSONResponse:
        return JSONResponse(await run_in_threadpool(self._check.status))

    def _start(self) -> None:
        expect_classes(self._images.images())
        self._check.start()
