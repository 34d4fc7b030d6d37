"""Requests to try a run's model on an image that is kept nowhere."""

from __future__ import annotations

from dataclasses import asdict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from greycard.studio.context import Context
from greycard.studio.questions import expect_image, read_fields, text_of
from greycard.studio.results.trial import Trial
from greycard.studio.run_names import run_of


def trial_routes(context: Context) -> list[Route]:
    trial = Trial(context.state / "try.log")
    context.closing.callback(trial.end)
    tries = _Tries(context, trial)
    return [
        Route("/api/try", tries.status),
        Route("/api/try", tries.ask, methods=["POST"]),
        Route("/api/try/start", tries.start, methods=["POST"]),
    ]


class _Tries:
    def __init__(self, context: Context, trial: Trial) -> None:
        self._context, self._trial = context, trial

    async def status(self, request: Request) -> JSONResponse:
        return JSONResponse(asdict(self._trial.status()))

    async def start(self, request: Request) -> JSONResponse:
        """Load a run's model; it takes some seconds, after which its state is `ready`."""
        fields = await read_fields(request, ("run",))
        run = await run_in_threadpool(run_of, self._context.runs, fields["run"])
        await run_in_threadpool(self._trial.start, run.path)
        return await self.status(request)

    async def ask(self, request: Request) -> JSONResponse:
        """The model's answer for the image in the request's body; the address has the run, and heat=1 for a map."""
        expect_image(request)
        run, heat = text_of(request.query_params, "run"), request.query_params.get("heat") == "1"
        image = await request.body()
        return JSONResponse(await run_in_threadpool(lambda: self._trial.ask(run, image, heat=heat)))
