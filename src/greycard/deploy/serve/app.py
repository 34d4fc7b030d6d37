"""The routes: a page, the API behind it, its description, health and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from greycard.core.threads import thread_count
from greycard.deploy.classifier import NotFiniteError
from greycard.deploy.predict import Prediction, named
from greycard.deploy.serve.batching import Batcher
from greycard.deploy.serve.last_hour import LastHour
from greycard.deploy.serve.limits import Limits, RefusedError
from greycard.deploy.serve.metrics import Metrics
from greycard.deploy.serve.middleware import AccessRules, LimitsMiddleware
from greycard.deploy.serve.models import Served
from greycard.deploy.serve.openapi import description
from greycard.deploy.serve.questions import Question, expect_known, read_question
from greycard.deploy.serve.uploads import Upload, declared_pixels, decode, read_uploads

_MOST_DECODING = 4
"""Threads that decode uploads: each holds one whole image in memory."""

_PAGE = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}


def make_app(
    models: Mapping[str, Served], *, limits: Limits | None = None, token: str | None = None, hosts: Collection[str] = ()
) -> Starlette:
    """The ASGI application.

    Args:
        models: name to model, in the order in which the page lists them.
        limits: limits on size, time and number of requests.
        token: required by the API and the metrics; None for no token.
        hosts: the host names that it accepts; empty for all.
    """
    service = _Service(models, limits or Limits())
    routes = [
        *(Route(path, _file(*content)) for path, content in _PAGE.items()),
        Route("/api/models", service.list_models),
        Route("/api/predict", service.predict, methods=["POST"]),
        Route("/openapi.json", lambda request: JSONResponse(description(service.limits))),
        Route("/health", lambda request: JSONResponse({"status": "ok"})),
        Route("/metrics", lambda request: Response(service.metrics.text(), media_type="text/plain; version=0.0.4")),
    ]
    access = AccessRules({route.path for route in routes}, token, hosts)
    bounds = Middleware(LimitsMiddleware, limits=service.limits, metrics=service.metrics, access=access)
    handlers = {HTTPException: _no_route}
    return Starlette(routes=routes, middleware=[bounds], exception_handlers=handlers, lifespan=service.lifespan)


class _Service:
    """The state that the routes share: the models' batchers, and threads for decoding and for heat maps."""

    def __init__(self, models: Mapping[str, Served], limits: Limits) -> None:
        self.models, self.limits, self.metrics = models, limits, Metrics()
        self._decoding = ThreadPoolExecutor(min(thread_count().count, _MOST_DECODING))
        self._large = ThreadPoolExecutor(1)  # one thread only: each keeps the memory of its largest image
        self._drawing = ThreadPoolExecutor(1)  # one thread only: gradients need as much memory as a training step
        self._last_hour = {name: LastHour() for name in models}
        self._batchers = {
            name: Batcher(served.engine, limits.together, self.metrics.batches.observe)
            for name, served in models.items()
        }

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Cancel all work that has not started when the server stops."""
        yield
        for pool in (self._decoding, self._large, self._drawing):
            pool.shutdown(wait=False, cancel_futures=True)

    async def list_models(self, request: Request) -> JSONResponse:
        expect_known(request.query_params, ())
        return JSONResponse({"models": [self._facts(served) for served in self.models.values()]})

    async def predict(self, request: Request) -> JSONResponse:
        """Predict every image of the request with the requested models, or with all of them."""
        question = read_question(request.query_params, list(self.models))
        uploads = await read_uploads(request, self.limits)
        sizes = await _aside(self._decoding, declared_pixels, uploads, self.limits.pixels)
        try:
            async with asyncio.timeout(self.limits.work_seconds):
                images = [self._image(question, *pair) for pair in zip(uploads, sizes, strict=True)]
                return JSONResponse({"images": await asyncio.gather(*images)})
        except TimeoutError as error:
            raise RefusedError(503, f"the prediction took longer than {self.limits.work_seconds:g} seconds") from error

    async def _image(self, question: Question, upload: Upload, size: int) -> dict[str, Any]:
        chosen = [self.models[name] for name in question.models]
        pool = self._large if size >= self.limits.large else self._decoding
        pixels = await _aside(pool, decode, upload, [served.classifier for served in chosen])
        answers = [self._answer(served, each, question) for served, each in zip(chosen, pixels, strict=True)]
        return {"name": upload.name, "answers": await asyncio.gather(*answers)}

    async def _answer(self, served: Served, pixels: np.ndarray, question: Question) -> dict[str, Any]:
        try:
            row = await self._batchers[served.name].ask(pixels)
        except NotFiniteError as error:
            raise RefusedError(500, error.args[0]) from error
        found = named("", row, served.classifier, served.rules)
        self._count(served, refused=found.refused)
        answer = {"model": served.name, **_said(found, question.top)}
        if served.classifier.task.has_several:
            answer["labels"] = list(found.labels)
        if question.heat:
            answer["heat"] = await _aside(self._drawing, served.heat_png, pixels, served.explained(found))
        return answer

    def _count(self, served: Served, *, refused: bool) -> None:
        self.metrics.images.labels(served.name).inc()
        self.metrics.refused.labels(served.name).inc(refused)
        self._last_hour[served.name].count(refused=refused)

    def _facts(self, served: Served) -> dict[str, Any]:
        """What does not change, and what was refused in the last hour."""
        images, refused = self._last_hour[served.name].counts()
        return {**served.facts, "last_hour": {"images": images, "refused": refused}}


def _said(found: Prediction, top: int) -> dict[str, Any]:
    """A prediction as the API has it: classes, or a number."""
    strange = {"refused": found.refused, "strangeness": found.strangeness}
    if found.value is not None:
        ends = None if found.interval is None else list(found.interval)
        return {"number": found.value, "interval": ends, **strange}
    return {
        "answer": found.answer,
        **strange,
        "class": found.label,
        "probability": found.probability,
        "probabilities": found.top(top),
    }


async def _aside(pool: ThreadPoolExecutor, function: Any, *arguments: Any) -> Any:
    """Run a function in a thread, so that the event loop stays responsive."""
    return await asyncio.get_running_loop().run_in_executor(pool, function, *arguments)


def _file(name: str, kind: str) -> Any:
    """A route for one file of the page. The file is read at the start: no request chooses which file is opened."""
    content = files("greycard.deploy.serve").joinpath("page", name).read_bytes()
    return lambda request: Response(content, media_type=f"{kind}; charset=utf-8")


async def _no_route(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    words = {404: "there is nothing at this path", 405: f"this path does not take {request.method[:16]}"}
    return JSONResponse({"error": words.get(error.status_code, error.detail)}, error.status_code, headers=error.headers)
