"""Requests about a label file in the folder: use its classes, or set it aside."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from greycard.core.errors import command
from greycard.deploy.serve.limits import RefusedError
from greycard.studio.changing import changed
from greycard.studio.context import Context
from greycard.studio.images.changes import Change
from greycard.studio.images.folder import ImageFolder
from greycard.studio.images.label_file import LabelFile
from greycard.studio.questions import read_fields


def label_file_routes(context: Context) -> list[Route]:
    folder = context.images

    async def show(request: Request) -> JSONResponse:
        """What the label file says, or null."""
        table = await run_in_threadpool(folder.label_file)
        if table is None:
            return JSONResponse({"label_file": None})
        facts = {"images": len(table.labels), "moves": table.moves, "missing": table.missing}
        kinds = {"has_split": table.has_split, "several": table.several, "numbers": table.numbers}
        train = command("train", table.place)
        return JSONResponse({"label_file": {"name": table.name, **facts, **kinds, "train": train}})

    async def decide(request: Request) -> JSONResponse:
        use = (await read_fields(request, ("use",)))["use"]
        if not isinstance(use, bool):
            raise RefusedError(400, "use must be true or false")
        return await changed(_use if use else _set_aside, folder)

    return [Route("/api/label-file", show), Route("/api/label-file", decide, methods=["POST"])]


def _use(folder: ImageFolder) -> Change:
    """Move the images into the classes of the label file, and the file into the trash."""
    table = _expect_one(folder)
    if table.problem:
        raise RefusedError(422, table.problem)
    return folder.sort(table.labels, table.name)


def _set_aside(folder: ImageFolder) -> Change:
    """Move only the label file into the trash."""
    return folder.sort({}, _expect_one(folder).name)


def _expect_one(folder: ImageFolder) -> LabelFile:
    table = folder.label_file()
    if table is None:
        raise RefusedError(409, "there is no label file that names images of this folder")
    return table
