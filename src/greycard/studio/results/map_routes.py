"""The map of a run's validation images, as numbers that the page draws."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from greycard.core.errors import GreycardError
from greycard.deploy.serve.limits import RefusedError
from greycard.runs.image_map import read_map
from greycard.studio.context import Context
from greycard.studio.run_names import run_of


def map_routes(context: Context) -> list[Route]:
    async def route(request: Request) -> JSONResponse:
        """The share of the variance that it keeps, the number of images, and a point for each; null without a map."""
        return JSONResponse(await run_in_threadpool(_map, context, request.path_params["name"]))

    return [Route("/api/runs/{name}/map", route)]


def _map(context: Context, name: str) -> dict[str, Any] | None:
    run = run_of(context.runs, name)
    try:
        found = read_map(run)
    except GreycardError as error:
        raise RefusedError(409, str(error.args[0])) from error
    if found is None:
        return None
    every = zip(found.ids, found.positions.tolist(), strict=True)
    return {"share": found.share, "of": found.of, "points": [{"recorded": id, "x": x, "y": y} for id, (x, y) in every]}
