"""The routes: a page, the API behind it, its description, health and metrics."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from greycard.deploy.predict import named
from greycard.deploy.serve.batching import Batcher
from greycard.deploy.serve.guard import Guard
from greycard.deploy.serve.limits import Limits, RefusedError
from greycard.deploy.serve.metrics import Metrics
from greycard.deploy.serve.models import Served
from greycard.deploy.serve.openapi import description
from greycard.deploy.serve.uploads import Upload, decode_uploads, read_uploads

_PAGE = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}


def make_app(
    models: Mapping[str, Served],
    *,
    limits: Limits | None = None,
    token: str | None = None,
    hosts: list[str] | None = None,
) -> Starlette:
    """The ASGI application.

    Args:
        models: by name, the first one first.
        limits: of size, time and number.
        token: asked of the API and the metrics.
        hosts: the names it answers to; any, if None.
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
    middleware = [
        Middleware(
            Guard, limits=service.limits, metrics=service.metrics, token=token, paths={route.path for route in routes}
        ),
        Middleware(TrustedHostMiddleware, allowed_hosts=hosts or ["*"]),
    ]
    return Starlette(routes=routes, middleware=middleware, exception_handlers={HTTPException: _not_found})


@dataclass
class _Service:
    """What the routes share."""

    models: Mapping[str, Served]
    limits: Limits
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(os.cpu_count())  # as many large pictures are in memory at once
        self._batchers = {
            name: Batcher(served.engine, self.limits.together, self.metrics.batches.observe)
            for name, served in self.models.items()
        }

    async def list_models(self, request: Request) -> JSONResponse:
        return JSONResponse({"models": [served.facts for served in self.models.values()]})

    async def predict(self, request: Request) -> JSONResponse:
        """Every picture of the request answered by the asked-for models, or by all."""
        chosen, top, heat = self._asked(request)
        uploads = await read_uploads(request, self.limits)
        classifiers = [served.classifier for served in chosen]
        pixels = await self._aside(decode_uploads, uploads, classifiers, self.limits)
        pictures = [
            self._picture(chosen, upload, sizes, top, heat) for upload, sizes in zip(uploads, pixels, strict=True)
        ]
        return JSONResponse({"pictures": await asyncio.gather(*pictures)})

    def _asked(self, request: Request) -> tuple[list[Served], int, bool]:
        names = request.query_params.getlist("model") or list(self.models)
        unknown = [name for name in names if name not in self.models]
        if unknown:
            raise RefusedError(404, f"there is no model {unknown[0][:80]!r}; expected one of {', '.join(self.models)}")
        top = request.query_params.get("top", "5")
        if not (top.isascii() and top.isdigit() and 1 <= int(top[:9]) <= 1000):
            raise RefusedError(400, f"top must be a whole number from 1 to 1000. Received: {top[:80]!r}")
        return [self.models[name] for name in names], int(top), request.query_params.get("heat") in ("1", "true")

    async def _picture(
        self, chosen: list[Served], upload: Upload, pixels: list[np.ndarray], top: int, heat: bool
    ) -> dict[str, Any]:
        answers = [self._answer(served, each, top, heat) for served, each in zip(chosen, pixels, strict=True)]
        return {"name": upload.name, "answers": await asyncio.gather(*answers)}

    async def _answer(self, served: Served, pixels: np.ndarray, top: int, heat: bool) -> dict[str, Any]:
        row = await self._batchers[served.name].ask(pixels)
        found = named("", row, served.classifier.classes)
        self.metrics.pictures.labels(served.name).inc()
        answer = {
            "model": served.name,
            "class": found.label,
            "probability": found.probability,
            "probabilities": found.top(top),
        }
        if heat:
            answer["heat"] = await self._aside(served.heat_png, pixels, int(row.argmax()))
        return answer

    async def _aside(self, function: Any, *arguments: Any) -> Any:
        """In a thread, so that the loop goes on listening."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)


def _file(name: str, kind: str) -> Any:
    """One of the page's own files, read at the start: no request decides what is opened."""
    content = files("greycard.deploy.serve").joinpath("page", name).read_bytes()
    return lambda request: Response(content, media_type=f"{kind}; charset=utf-8")


async def _not_found(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = {404: "there is nothing at this path", 405: f"this path does not take {request.method[:16]}"}
    detail = getattr(error, "detail", "the request cannot be answered")
    return JSONResponse({"error": words.get(status, detail)}, status, headers=getattr(error, "headers", None))
