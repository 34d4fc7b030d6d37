"""Requests about one run: its result, and what can be made of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from greycard.core.errors import GreycardError
from greycard.deploy.export.formats import NAMES
from greycard.deploy.serve.limits import RefusedError
from greycard.runs.record import RunRecord
from greycard.studio.context import Context
from greycard.studio.questions import ids_of, read_fields, text_of
from greycard.studio.results.as_trained import as_trained
from greycard.studio.results.outputs import KINDS, Output, augmentation_words
from greycard.studio.results.result import result_of
from greycard.studio.results.run_images import RunImages
from greycard.studio.run_names import run_of
from greycard.studio.training.run_list import label_file_of

_MOST_EXPLAINED = 12
"""Images that are explained at once: each takes a second or two."""

_FIELDS = {"export": ("run", "format"), "explain": ("run", "ids")}
"""The fields of the outputs that need more than a run."""


def result_routes(context: Context, outputs: dict[str, Output]) -> list[Route]:
    """The routes.

    Args:
        context: the user's folders.
        outputs: by kind.
    """
    results = _Results(context, outputs)
    return [
        Route("/api/runs/{name}", results.result),
        Route("/api/runs/{name}/drawing", results.drawing),
        Route("/api/runs/{name}/augmentation", results.augmentation),
        *(Route(f"/api/outputs/{kind}", results.status(kind)) for kind in KINDS),
        *(Route(f"/api/outputs/{kind}", results.starting(kind), methods=["POST"]) for kind in KINDS),
    ]


class _Results:
    def __init__(self, context: Context, outputs: dict[str, Output]) -> None:
        self._context, self._outputs = context, outputs
        self._finder = RunImages(context.images.root)
        self._starts: dict[str, Callable[[RunRecord, dict[str, Any]], None]] = {
            "report": lambda run, fields: outputs["report"].start(run, lambda: ["report", run.path]),
            "card": lambda run, fields: outputs["card"].start(run, lambda: ["card", run.path]),
            "export": self._start_export,
            "explain": self._start_explain,
            "augmentation": self._start_augmentation,
            "map": self._start_map,
        }

    async def result(self, request: Request) -> JSONResponse:
        """Everything that the page shows of a run."""
        return JSONResponse(await run_in_threadpool(self._result, request.path_params["name"]))

    def _result(self, name: str) -> dict[str, Any]:
        run = run_of(self._context.runs, name)
        try:
            listed = [id for ids in self._context.images.images().values() for id in ids]
            places = self._finder.find(run.predictions["ids"].tolist(), run.digests, listed)
            return asdict(result_of(run, places))
        except GreycardError as error:
            raise RefusedError(409, str(error.args[0])) from error

    def status(self, kind: str) -> Any:
        async def route(request: Request) -> JSONResponse:
            return JSONResponse(asdict(await run_in_threadpool(self._outputs[kind].status)))

        return route

    def starting(self, kind: str) -> Any:
        """The route that starts making an output."""
        start = self._starts[kind]

        async def route(request: Request) -> JSONResponse:
            fields = await read_fields(request, _FIELDS.get(kind, ("run",)))
            run = await run_in_threadpool(run_of, self._context.runs, fields["run"])
            await run_in_threadpool(start, run, fields)
            return JSONResponse(asdict(await run_in_threadpool(self._outputs[kind].status)))

        return route

    def _start_export(self, run: RunRecord, fields: dict[str, Any]) -> None:
        if fields["format"] not in NAMES:
            raise RefusedError(400, f"format must be one of {', '.join(NAMES)}")
        self._outputs["export"].start(run, lambda: self._export_words(run, fields["format"]))

    def _export_words(self, run: RunRecord, form: str) -> list[str | Path]:
        return ["export", run.path, "--format", form, "--quiet", *self._data_words(run, "as-trained")]

    def _start_map(self, run: RunRecord, fields: dict[str, Any]) -> None:
        data = partial(self._data_words, run, "as-trained-for-map")
        self._outputs["map"].start(run, lambda: ["report", run.path, "--map", "--quiet", *data()])

    def _data_words(self, run: RunRecord, folder: str) -> list[str | Path]:
        """The option that says where the images are: in a folder of links, where they are as in training.

        A label file says it itself, and while it is there, this page changes no label.
        """
        table = label_file_of(run.path)
        if table:
            if not table.is_file():
                raise RefusedError(409, f"{table.name}, with which {run.name} was trained, is no longer there")
            return []
        try:
            data = as_trained(run, self._context.images, self._finder, self._context.state / folder)
        except GreycardError as error:
            raise RefusedError(409, str(error.args[0])) from error
        return [] if data is None else ["--data", data]

    def _start_explain(self, run: RunRecord, fields: dict[str, Any]) -> None:
        ids = ids_of(fields)
        if not 1 <= len(ids) <= _MOST_EXPLAINED:
            raise RefusedError(400, f"ids must be 1 to {_MOST_EXPLAINED} images")
        files = [self._context.images.path(id) for id in ids]
        self._outputs["explain"].start(run, lambda: ["explain", run.path, *files], ids)

    def _start_augmentation(self, run: RunRecord, fields: dict[str, Any]) -> None:
        images = label_file_of(run.path) or self._context.images.root
        out = self._context.state / "augmented"
        self._outputs["augmentation"].start(run, lambda: augmentation_words(run, images, out))

    async def drawing(self, request: Request) -> Response:
        """A figure in the run's `explain/` folder; the address has its file's name."""
        run = await run_in_threadpool(run_of, self._context.runs, request.path_params["name"])
        return await run_in_threadpool(_png, run.path / "explain", text_of(request.query_params, "id"))

    async def augmentation(self, request: Request) -> Response:
        """The sheet that was drawn last, if it is this run's."""
        run = await run_in_threadpool(run_of, self._context.runs, request.path_params["name"])
        output = self._outputs["augmentation"]
        output.expect_finished(run)
        name = Path(output.printed().strip()).name
        return await run_in_threadpool(_png, self._context.state / "augmented", name)


def _png(folder: Path, name: str) -> Response:
    """A PNG file directly inside a folder; raises a RefusedError if there is none of this name."""
    file = folder / name
    plain = name.endswith(".png") and not any(letter in name for letter in "/\\:\0")
    with suppress(OSError):  # such as a name that is too long
        if plain and not folder.is_symlink() and not file.is_symlink() and file.is_file():
            return Response(file.read_bytes(), media_type="image/png")
    raise RefusedError(404, f"there is no figure {name[:80]!r}")
