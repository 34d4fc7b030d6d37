"""Requests about teaching: start it, the state after each label, proposals, and confirmed labels."""

from __future__ import annotations

from dataclasses import asdict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from greycard.studio.context import Context
from greycard.studio.questions import ids_of, read_fields
from greycard.studio.teaching.confirmed import Confirmed
from greycard.studio.teaching.features import Features
from greycard.studio.teaching.teach import Teach


def teach_routes(context: Context) -> list[Route]:
    features = Features(context.images.root, context.state)
    context.closing.callback(features.end)
    teaching = _Teaching(Teach(context.images, features, Confirmed(context.state / "confirmed.json")))
    return [
        Route("/api/teach", teaching.answer),
        Route("/api/teach", teaching.start, methods=["POST"]),
        Route("/api/teach/proposals", teaching.proposals),
        Route("/api/teach/confirm", teaching.confirm, methods=["POST"]),
    ]


class _Teaching:
    def __init__(self, teach: Teach) -> None:
        self._teach = teach

    async def start(self, request: Request) -> JSONResponse:
        await read_fields(request, ())
        await run_in_threadpool(self._teach.start)
        return await self.answer(request)

    async def answer(self, request: Request) -> JSONResponse:
        return JSONResponse(asdict(await run_in_threadpool(self._teach.answer)))

    async def proposals(self, request: Request) -> JSONResponse:
        found = await run_in_threadpool(self._teach.proposals)
        return JSONResponse({"proposals": [asdict(each) for each in found]})

    async def confirm(self, request: Request) -> JSONResponse:
        ids = ids_of(await read_fields(request, ("ids",)))
        await run_in_threadpool(self._teach.confirm, ids)
        return await self.answer(request)
