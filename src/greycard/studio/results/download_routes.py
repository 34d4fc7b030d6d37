"""What the user takes away: report, model card, exports, and the whole project as a zip archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from greycard.deploy.export.formats import NAMES, find_format
from greycard.deploy.serve.limits import RefusedError
from greycard.runs.record import RunRecord
from greycard.studio.context import Context
from greycard.studio.questions import read_fields
from greycard.studio.results.outputs import Output
from greycard.studio.results.project_zip import folder_entries, project_entries, zipped
from greycard.studio.results.tickets import Tickets
from greycard.studio.run_names import run_of

_REPORT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
"""A report has text of others, such as class names: it runs no script, and is no part of the page's origin."""


def download_routes(context: Context, outputs: dict[str, Output]) -> list[Route]:
    """The routes.

    Args:
        context: the user's folders.
        outputs: by kind.
    """
    downloads = _Downloads(context, outputs, Tickets())
    return [
        Route("/api/tickets", downloads.issue, methods=["POST"]),
        Route("/download/{ticket}", downloads.download, methods=["GET"]),
    ]


class _Downloads:
    def __init__(self, context: Context, outputs: dict[str, Output], tickets: Tickets) -> None:
        self._context, self._outputs, self._tickets = context, outputs, tickets

    async def issue(self, request: Request) -> JSONResponse:
        """A one-time address for a run's report, card, export (with its format) or project."""
        fields = await read_fields(request, ("run", "what", "format"))
        return JSONResponse({"address": f"/download/{await run_in_threadpool(self._ticket, fields)}"})

    async def download(self, request: Request) -> Response:
        return await run_in_threadpool(self._tickets.redeem, request.path_params["ticket"])

    def _ticket(self, fields: dict[str, Any]) -> str:
        run, what = run_of(self._context.runs, fields["run"]), fields["what"]
        if what == "report":
            self._outputs["report"].expect_finished(run)
            place = run.path / "report.html"
            return self._tickets.issue(lambda: _report(place))
        if what == "card":
            return self._card(run)
        if what == "export" and fields["format"] in NAMES:
            return self._export(run, fields["format"])
        if what == "project":
            name = f"{self._context.images.root.name}.zip"
            return self._tickets.issue(lambda: _zip(name, self._context, run))
        raise RefusedError(400, "expected report, card, export with a format, or project")

    def _card(self, run: RunRecord) -> str:
        self._outputs["card"].expect_finished(run)
        words = self._outputs["card"].printed()
        headers = _attached(f"{run.name}-card.md")
        return self._tickets.issue(lambda: Response(words, media_type="text/markdown", headers=headers))

    def _export(self, run: RunRecord, form: str) -> str:
        place = find_format(form).place_in(run.path)
        if place.is_symlink() or not place.resolve().is_relative_to(run.path.resolve()) or not place.exists():
            raise RefusedError(404, f"{run.name} has no {form} export; make it first")
        return self._tickets.issue(lambda: _exported(place))


def _report(place: Path) -> Response:
    return FileResponse(place, media_type="text/html", headers={"Content-Security-Policy": _REPORT_POLICY})


def _exported(place: Path) -> Response:
    """A file, or a SavedModel's folder as an archive."""
    if place.is_dir():
        return _stream(f"{place.name}.zip", folder_entries(place, place.name))
    return FileResponse(place, media_type="application/octet-stream", filename=place.name)


def _zip(name: str, context: Context, run: RunRecord) -> Response:
    return _stream(name, project_entries(context.images, run.path))


def _stream(name: str, entries: Any) -> Response:
    return StreamingResponse(zipped(entries), media_type="application/zip", headers=_attached(name))


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename*=utf-8''{quote(name, errors='replace')}"}
