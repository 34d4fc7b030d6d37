"""Requests about what takes longer than a request: the check of the images."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from greycard.studio.check import Check
from greycard.studio.context import Context
from greycard.studio.questions import read_fields


def check_routes(context: Context) -> list[Route]:
    jobs = _Jobs(context)
    return [
        Route("/api/check", jobs.check_status),
        Route("/api/check", jobs.start_check, methods=["POST"]),
    ]


class _Jobs:
    def __init__(self, context: Context) -> None:
        self._check = Check(context.images.root, context.state)

    async def start_check(self, request: Request) -> JSONResponse:
        await read_fields(request, ())
        await run_in_threadpool(self._check.start)
        return await self.check_status(request)

    async def check_status(self, request: Request) -> JSONResponse:
        return JSONResponse(await run_in_threadpool(self._check.status))
