"""The server: socket, timeouts for slow clients, graceful shutdown."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import threading
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from greycard.core.errors import GreycardError, GreycardWarning
from greycard.deploy.serve.limits import Limits
from greycard.deploy.serve.network import is_local

if TYPE_CHECKING:
    from greycard.deploy.serve.models import Served

_CONNECTIONS = 256
_GRACE_SECONDS = 10
_LOOK_SECONDS = 0.2
_TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    b'{"error": "the request took too long to arrive"}'
)


def serve(
    models: Mapping[str, Served], host: str, port: int, token: str | None, on_ready: Callable[[str], None]
) -> None:
    """Serve until SIGINT or SIGTERM, then finish the open requests. Also works in a notebook's event loop.

    Args:
        models: models by name.
        host: the address to listen on.
        port: 0 for any free one.
        token: required for the API; None for no token.
        on_ready: called with the address when the server listens.

    Raises:
        GreycardError: the address or port is not available.
    """
    from greycard.deploy.serve.app import make_app  # imports Keras, which other pages do not need

    limits = Limits()
    expect_address(host, port, token)
    if not is_local(host) and not token:
        note = f"everyone who can reach {host} can use these models; protect them with --token"
        warnings.warn(note, GreycardWarning, stacklevel=2)
    run_app(lambda hosts: make_app(models, limits=limits, token=token, hosts=hosts), host, port, on_ready, limits)


def expect_address(host: str, port: int, token: str | None) -> None:
    """Raise a GreycardError if a server cannot have this address or token."""
    if not isinstance(host, str) or not isinstance(port, int):
        raise GreycardError(
            f"host must be a string and port a whole number. Received: {host!r} and {port!r}",
            hint="for example host='127.0.0.1', port=0; port 0 chooses a free port",
        )
    if token is not None and not (isinstance(token, str) and token and token.isascii() and token.isprintable()):
        raise GreycardError("the token must be ASCII text and not empty", hint="use letters, digits and punctuation")


def run_app(
    make: Callable[[Collection[str]], Starlette],
    host: str,
    port: int,
    on_ready: Callable[[str], None],
    limits: Limits,
    also: str | None = None,
) -> None:
    """Run an application as `serve` does.

    Args:
        make: the application that accepts these host names; all, if there are none.
        host: the address to listen on.
        port: 0 for any free one.
        on_ready: called with the address when the server listens.
        limits: of the application.
        also: another address to listen on, at the same port.

    Raises:
        GreycardError: an address or the port is not available.
    """
    with ExitStack() as stack:
        listeners = [stack.enter_context(_listen(host, port))]
        if also is not None:
            listeners.append(stack.enter_context(_listen(also, listeners[0].getsockname()[1])))
        _run_on(listeners, make, [host] if also is None else [host, also], on_ready, limits)


def _run_on(
    listeners: list[socket.socket],
    make: Callable[[Collection[str]], Starlette],
    addresses: Sequence[str],
    on_ready: Callable[[str], None],
    limits: Limits,
) -> None:
    host, names = addresses[0], {_in_address(each) for each in addresses}
    hosts = {*names, "localhost", "127.0.0.1"} if is_local(host) else set()
    config = uvicorn.Config(
        make(hosts),
        http=_patient_for(limits.seconds),
        ws="none",
        log_config=None,  # do not change the caller's logging
        log_level="critical",  # it would log every disconnect; the middleware logs failures
        access_log=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    on_ready(f"http://{_in_address(host)}:{listeners[0].getsockname()[1]}/")
    server = uvicorn.Server(config)
    if _loop_is_running():
        _run_in_thread(server, listeners)
    else:
        with _signals_end_here():
            server.run(sockets=listeners)


def _loop_is_running() -> bool:
    """True if this thread has a running event loop, as in a notebook: it cannot run a second one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _run_in_thread(server: uvicorn.Server, listeners: list[socket.socket]) -> None:
    """Serve from another thread and wait for it; interrupting the notebook cell shuts it down gracefully."""
    thread = threading.Thread(target=server.run, kwargs={"sockets": listeners}, name="greycard serve", daemon=True)
    with _signals_end_here(server.handle_exit):
        thread.start()
        while thread.is_alive():
            thread.join(_LOOK_SECONDS)  # Python runs signal handlers between two joins


@contextmanager
def _signals_end_here(handler: Callable[[int, FrameType | None], None] = lambda *_: None) -> Iterator[None]:
    """Handle signals here: uvicorn shuts down gracefully on a signal, but then raises it again, which is not wanted.

    In other threads this does nothing, because signals do not reach them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {kind: signal.signal(kind, handler) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for kind, earlier in before.items():
            signal.signal(kind, earlier)


def _in_address(host: str) -> str:
    """A host as a URL needs it: IPv6 addresses get brackets."""
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    """A socket with TCP as its explicit protocol: otherwise asyncio delays small packets by 40 ms per response."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen(1024)
        except BaseException:
            listener.close()
            raise
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise GreycardError(f"cannot listen on {host}:{port}: {reason}", hint=_elsewhere(error)) from error
    listener.setblocking(False)
    return listener


def _elsewhere(error: Exception) -> str:
    """A hint for another address or port."""
    if isinstance(error, socket.gaierror) or getattr(error, "errno", None) == errno.EADDRNOTAVAIL:
        return "use --host 127.0.0.1 for this machine only, or --host 0.0.0.0 for all of its addresses"
    return "choose another port; --port 0 takes any free one"


def _patient_for(seconds: float) -> type[asyncio.Protocol]:
    """uvicorn's HTTP protocol with a timeout for a request's head; uvicorn has a timeout between requests only."""

    class Impatient(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._look_again()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._look_again()

        def _look_again(self) -> None:
            self.loop.call_later(seconds, self._expect_progress, self.cycle)

        def _expect_progress(self, before: Any) -> None:
            """No new request and none in progress: the head is too slow, or the client does not read the response."""
            if self.cycle is not before or (before is not None and not before.response_complete):
                return
            if self.transport.get_write_buffer_size():
                self.transport.abort()
            elif not self.transport.is_closing():
                self.transport.write(_TOO_SLOW)
                self.transport.close()

    return Impatient
