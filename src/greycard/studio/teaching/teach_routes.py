"""Requests about teaching: start it, the state after each label, proposals, and what the user says of labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from greycard.studio.changing import disk_errors
from greycard.studio.context import Context
from greycard.studio.questions import ids_of, read_fields
from greycard.studio.teaching.features import Features
from greycard.studio.teaching.marks import Marks
from greycard.studio.teaching.teach import Teach


def teach_routes(context: Context) -> list[Route]:
    features = Features(context.images.root, context.state)
    context.closing.callback(features.end)
    confirmed, accepted = (Marks(context.state / f"{name}.json") for name in ("confirmed", "accepted"))
    teach = Teach(context.images, features, confirmed, accepted)
    teaching = _Teaching(teach)
    return [
        Route("/api/teach", teaching.state),
        Route("/api/teach", teaching.start, methods=["POST"]),
        Route("/api/teach/proposals", teaching.proposals),
        Route("/api/teach/confirm", teaching.marking(teach.confirm), methods=["POST"]),
        Route("/api/teach/accept", teaching.marking(teach.accept), methods=["POST"]),
    ]


class _Teaching:
    def __init__(self, teach: Teach) -> None:
        self._teach = teach

    async def start(self, request: Request) -> JSONResponse:
        await read_fields(request, ())
        with disk_errors():
            await run_in_threadpool(self._teach.start)
        return await self.state(request)

    async def state(self, request: Request) -> JSONResponse:
        return JSONResponse(asdict(await run_in_threadpool(self._teach.state)))

    async def proposals(self, request: Request) -> JSONResponse:
        found = await run_in_threadpool(self._teach.proposals)
        return JSONResponse({"proposals": [asdict(each) for each in found]})

    def marking(self, mark: Callable[[Sequence[str]], None]) -> Any:
        """The route that marks images."""

        async def route(request: Request) -> JSONResponse:
            ids = ids_of(await read_fields(request, ("ids",)))
            with disk_errors():
                await run_in_threadpool(mark, ids)
            return await self.state(request)

        return route
