"""Tickets: addresses that need no token, because a link cannot send one. Each is valid once, and for a minute."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from threading import Lock

from starlette.responses import Response

from greycard.deploy.serve.limits import RefusedError

_SECONDS, _MOST = 60.0, 100

Answer = Callable[[], Response]
"""Makes the answer when the ticket is used."""


class Tickets:
    """The open tickets of one server.

    Args:
        now: the time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, Lock()
        self._open: dict[str, tuple[float, Answer]] = {}

    def issue(self, answer: Answer) -> str:
        """A new ticket; the oldest is no longer valid if there are too many."""
        ticket = secrets.token_urlsafe(24)
        with self._lock:
            self._open[ticket] = self._now() + _SECONDS, answer
            while len(self._open) > _MOST:
                del self._open[next(iter(self._open))]
        return ticket

    def redeem(self, ticket: str) -> Response:
        """The answer that the ticket is for.

        Raises:
            RefusedError: it was never valid, has been used, or is too old.
        """
        with self._lock:
            until, answer = self._open.pop(ticket, (0.0, None))
        if answer is None or self._now() > until:
            raise RefusedError(404, "this address was valid once, for a minute; ask for it again on the page")
        return answer()
