"""The routes: a page, the API behind it, its description, health and metrics."""

from __future__ import annotations

import asyncio
import os
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

from greycard.deploy.classifier import NotFiniteError
from greycard.deploy.predict import named
from greycard.deploy.serve.batching import Batcher
from greycard.deploy.serve.limits import Limits, RefusedError
from greycard.deploy.serve.metrics import Metrics
from greycard.deploy.serve.middleware import LimitsMiddleware, Welcome
from greycard.deploy.serve.models import Served
from greycard.deploy.serve.openapi import description
from greycard.deploy.serve.questions import Question, expect_known, read_question
from greycard.deploy.serve.uploads import Upload, declared_pixels, decode, read_uploads

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
        models: by name, the first one first.
        limits: of size, time and number.
        token: asked of the API and the metrics.
        hosts: the names it answers to; any, if empty.
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
    welcome = Welcome({route.path for route in routes}, token, hosts)
    bounds = Middleware(LimitsMiddleware, limits=service.limits, metrics=service.metrics, welcome=welcome)
    handlers = {HTTPException: _no_route}
    return Starlette(routes=routes, middleware=[bounds], exception_handlers=handlers, lifespan=service.lifespan)


class _Service:
    """What the routes share: the models' batchers, threads to decode in, one for large images, one for heat."""

    def __init__(self, models: Mapping[str, Served], limits: Limits) -> None:
        self.models, self.limits, self.metrics = models, limits, Metrics()
        self._decoding = ThreadPoolExecutor(min(os.cpu_count() or 1, 4))
        self._large = ThreadPoolExecutor(1)  # a thread keeps the memory that its largest image took
        self._drawing = ThreadPoolExecutor(1)  # gradients take the memory of a training step
        self._batchers = {
            name: Batcher(served.engine, limits.together, self.metrics.batches.observe)
            for name, served in models.items()
        }

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """At the end, what has not begun is not begun."""
        yield
        for pool in (self._decoding, self._large, self._drawing):
            pool.shutdown(wait=False, cancel_futures=True)

    async def list_models(self, request: Request) -> JSONResponse:
        expect_known(request.query_params, ())
        return JSONResponse({"models": [served.facts for served in self.models.values()]})

    async def predict(self, request: Request) -> JSONResponse:
        """Every image of the request answered by the asked-for models, or by all."""
        question = read_question(request.query_params, list(self.models))
        uploads = await read_uploads(request, self.limits)
        sizes = await _aside(self._decoding, declared_pixels, uploads, self.limits.pixels)
        try:
            async with asyncio.timeout(self.limits.work_seconds):
                images = [self._image(question, *pair) for pair in zip(uploads, sizes, strict=True)]
                return JSONResponse({"images": await asyncio.gather(*images)})
        except TimeoutError as error:
            raise RefusedError(503, f"no answer was found in {self.limits.work_seconds:g} seconds") from error

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
        found = named("", row, served.classifier)
        self.metrics.images.labels(served.name).inc()
        answer = {
            "model": served.name,
            "class": found.label,
            "probability": found.probability,
            "probabilities": found.top(question.top),
        }
        if question.heat:
            answer["heat"] = await _aside(
                self._drawing, served.heat_png, pixels, int(served.classifier.task.decide(row))
            )
        return answer


async def _aside(pool: ThreadPoolExecutor, function: Any, *arguments: Any) -> Any:
    """In a thread, so that the loop goes on listening."""
    return await asyncio.get_running_loop().run_in_executor(pool, function, *arguments)


def _file(name: str, kind: str) -> Any:
    """One of the page's own files, read at the start: no request decides what is opened."""
    content = files("greycard.deploy.serve").joinpath("page", name).read_bytes()
    return lambda request: Response(content, media_type=f"{kind}; charset=utf-8")


async def _no_route(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    words = {404: "there is nothing at this path", 405: f"this path does not take {request.method[:16]}"}
    return JSONResponse({"error": words.get(error.status_code, error.detail)}, error.status_code, headers=error.headers)
