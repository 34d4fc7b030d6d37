"""Requests about training: the queue, its progress, and the runs of the folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse
from starlette.routing import Route

from greycard.core.errors import GreycardError
from greycard.core.records import to_json
from greycard.deploy.serve.limits import RefusedError
from greycard.studio.changing import disk_errors
from greycard.studio.context import Context
from greycard.studio.images.usable import expect_classes
from greycard.studio.questions import read_fields
from greycard.studio.run_names import run_named
from greycard.studio.training.comparison import Comparisons
from greycard.studio.training.job_queue import Queue
from greycard.studio.training.jobs import RUNNING, Job
from greycard.studio.training.progress import progress_of
from greycard.studio.training.requests import RESUME, families, recipes, request_of
from greycard.studio.training.run_list import runs_on

_MOST_COMPARED = 8


def training_routes(context: Context, queue: Queue) -> list[Route]:
    training = _Training(context, queue)
    return [
        Route("/api/jobs", training.jobs),
        Route("/api/jobs/choices", training.choices),
        Route("/api/jobs/add", training.add, methods=["POST"]),
        Route("/api/jobs/stop", training.changing(queue.stop), methods=["POST"]),
        Route("/api/jobs/resume", training.changing(queue.resume), methods=["POST"]),
        Route("/api/jobs/remove", training.changing(queue.remove), methods=["POST"]),
        Route("/api/runs", training.runs),
        Route("/api/runs/curves", training.curves),
        Route("/api/runs/compare", training.compare),
    ]


class _Training:
    def __init__(self, context: Context, queue: Queue) -> None:
        self._images, self._root = context.images, context.images.root
        self._runs, self._queue = context.runs, queue
        self._comparisons = Comparisons()

    async def jobs(self, request: HttpRequest) -> JSONResponse:
        """The queue, and how far the running training is."""
        return JSONResponse(await run_in_threadpool(self._state))

    async def choices(self, request: HttpRequest) -> JSONResponse:
        """What can be trained here."""
        return JSONResponse(await run_in_threadpool(_choices))

    async def add(self, request: HttpRequest) -> JSONResponse:
        fields = await read_fields(request, ("how", "name", "minutes"))
        return await self._changed(self._add, fields)

    def changing(self, change: Callable[[object], None]) -> Any:
        """The route that changes one job."""

        async def route(request: HttpRequest) -> JSONResponse:
            fields = await read_fields(request, ("id",))
            return await self._changed(change, fields["id"])

        return route

    async def runs(self, request: HttpRequest) -> JSONResponse:
        """The runs on this folder, the newest first."""
        found = await run_in_threadpool(runs_on, self._root, self._runs)
        return JSONResponse({"runs": [asdict(line) for line in found]})

    async def curves(self, request: HttpRequest) -> JSONResponse:
        """The epochs of a run, and its ladder if a search has chosen it."""
        return JSONResponse(await run_in_threadpool(self._curves, request.query_params.get("name")))

    async def compare(self, request: HttpRequest) -> JSONResponse:
        """The paired comparison of runs, each with its name in the address."""
        names = list(dict.fromkeys(request.query_params.getlist("name")))
        if not 2 <= len(names) <= _MOST_COMPARED:
            raise RefusedError(400, f"expected 2 to {_MOST_COMPARED} different runs. Received: {len(names)}")
        return JSONResponse(await run_in_threadpool(self._compared, names))

    async def _changed(self, change: Callable[[Any], None], argument: object) -> JSONResponse:
        """Make a change, and answer with the queue; a RefusedError if the disk is full or must not be written."""
        with disk_errors():
            await run_in_threadpool(change, argument)
        return JSONResponse(await run_in_threadpool(self._state))

    def _add(self, fields: dict[str, Any]) -> None:
        unfinished = [run.name for run in runs_on(self._root, self._runs) if run.can_resume]
        asked = request_of(fields, unfinished)
        if asked.how != RESUME:
            expect_classes(self._images.images())
        self._queue.add(asked)

    def _state(self) -> dict[str, Any]:
        jobs = self._queue.jobs()
        running = next((job for job in jobs if job.state == RUNNING), None)
        return {"jobs": [_job(job) for job in jobs], "running": running and self._running(running)}

    def _running(self, job: Job) -> dict[str, Any]:
        found = None if job.run is None else progress_of(self._runs / job.run)
        lines = [line for line in self._queue.output(job).splitlines() if line.strip()]
        return {
            "id": job.id,
            "elapsed_seconds": None if job.started is None else max(0.0, time.time() - job.started),
            "progress": None if found is None else to_json(found),
            "output": lines[-12:],
        }

    def _curves(self, name: object) -> dict[str, Any]:
        run = run_named(self._runs, name)
        try:
            search = None if run.search is None else to_json(run.search)
            return {"name": run.name, "history": [epoch.to_json() for epoch in run.history], "search": search}
        except GreycardError as error:
            raise RefusedError(422, str(error.args[0])) from error

    def _compared(self, names: list[str]) -> dict[str, Any]:
        return self._comparisons.of([run_named(self._runs, name).path for name in names])


def _job(job: Job) -> dict[str, Any]:
    shown = asdict(job)
    for name in ("asked", "pid", "born", "started"):
        del shown[name]
    return shown


def _choices() -> dict[str, Any]:
    return {
        "families": [{"name": each.name, "limited": each.limited} for each in families()],
        "projects": [
            {"name": each.name, "architecture": each.recipe.architecture, "teaches": each.teaches} for each in recipes()
        ],
    }
