"""Requests about what takes longer than a request: the check of the images, and training."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from greycard.studio.context import Context
from greycard.studio.questions import minutes_of, read_fields
from greycard.studio.work import Check, Training


def job_routes(context: Context) -> list[Route]:
    jobs = _Jobs(context)
    return [
        Route("/api/check", jobs.check_status),
        Route("/api/check", jobs.start_check, methods=["POST"]),
        Route("/api/training", jobs.training_status),
        Route("/api/training", jobs.start_training, methods=["POST"]),
        Route("/api/training/stop", jobs.stop_training, methods=["POST"]),
    ]


class _Jobs:
    def __init__(self, context: Context) -> None:
        root, state = context.images.root, context.state
        self._check, self._training = Check(root, state), Training(root, state, context.runs, context.author)

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
