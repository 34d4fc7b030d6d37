"""The application behind the page: all routes, and what every request must pass."""

from __future__ import annotations

from collections.abc import Collection

from starlette.applications import Starlette
from starlette.middleware import Middleware

from greycard.deploy.serve.metrics import Metrics
from greycard.deploy.serve.middleware import AccessRules, LimitsMiddleware
from greycard.studio.context import Context
from greycard.studio.image_routes import image_routes
from greycard.studio.job_routes import job_routes
from greycard.studio.lesson_routes import lesson_routes
from greycard.studio.page_routes import page_routes


def make_app(context: Context, *, token: str | None = None, hosts: Collection[str] = ()) -> Starlette:
    """The ASGI application.

    Args:
        context: the user's folders.
        token: required by the API; None for no token.
        hosts: the host names that it accepts; empty for all.
    """
    routes = [*page_routes(), *image_routes(context), *job_routes(context), *lesson_routes(context)]
    access = AccessRules({route.path for route in routes}, token, hosts)
    limits = Middleware(LimitsMiddleware, limits=context.limits, metrics=Metrics(), access=access)
    return Starlette(routes=routes, middleware=[limits])
