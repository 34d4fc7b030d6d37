"""The application behind the page: all routes, and what every request must pass."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from greycard.deploy.serve.metrics import Metrics
from greycard.deploy.serve.middleware import AccessRules, LimitsMiddleware
from greycard.studio.check_routes import check_routes
from greycard.studio.context import Context
from greycard.studio.images.archive_routes import PATH, archive_limits, archive_routes
from greycard.studio.images.image_routes import image_routes
from greycard.studio.images.label_file_routes import label_file_routes
from greycard.studio.images.phone_routes import phone_routes
from greycard.studio.lessons.lesson_routes import lesson_routes
from greycard.studio.page_routes import page_routes
from greycard.studio.results.download_routes import download_routes
from greycard.studio.results.map_routes import map_routes
from greycard.studio.results.outputs import KINDS, Output
from greycard.studio.results.result_routes import result_routes
from greycard.studio.results.trial_routes import trial_routes
from greycard.studio.teaching.teach_routes import teach_routes
from greycard.studio.training.job_queue import Queue
from greycard.studio.training.training_routes import training_routes


def make_app(
    context: Context, *, token: str | None = None, hosts: Collection[str] = (), phone: str | None = None
) -> Starlette:
    """The ASGI application.

    Args:
        context: the user's folders.
        token: required by the API; None for no token.
        hosts: the host names that it accepts; empty for all.
        phone: the address that phones use; None for none.
    """
    queue = Queue(context.images.root, context.state, context.runs, context.author)
    routes = [*page_routes(), *image_routes(context), *check_routes(context), *training_routes(context, queue)]
    routes += [*teach_routes(context), *archive_routes(context), *label_file_routes(context)]
    routes += [*phone_routes(context, phone, token), *lesson_routes(context)]
    outputs = {kind: Output(context.state, kind) for kind in KINDS}
    routes += [*result_routes(context, outputs), *download_routes(context, outputs), *trial_routes(context)]
    routes += map_routes(context)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with context.closing:
            async with queue.lifespan(app):
                yield

    access = AccessRules({route.path for route in routes}, token, hosts)
    bodies = {PATH: archive_limits(context.limits)}
    limits = Middleware(LimitsMiddleware, limits=context.limits, metrics=Metrics(), access=access, bodies=bodies)
    return Starlette(routes=routes, middleware=[limits], lifespan=lifespan)
