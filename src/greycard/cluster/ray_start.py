"""Connect to a Ray cluster, or start a private Ray on this machine, without Ray's messages."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from greycard.cluster.where import PROCESSES, Where
from greycard.core.errors import GreycardError

_SECONDS_TO_CONNECT = 10.0
_OBJECT_STORE_BYTES = 1_000_000_000
"""The most that a private Ray keeps in memory: the images of a group's run if they are arrays; else almost nothing."""

_LOOPBACK = "127.0.0.2"
"""Ray replaces 127.0.0.1 by the machine's address in its network; other systems than Linux have only that one."""


def prepare(where: Where) -> None:
    """Set what Ray reads when it is imported: nothing is sent anywhere, and a private Ray has a secret of this process.

    Args:
        where: processes of this machine, or the address of a cluster.

    Raises:
        GreycardError: nothing listens at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else Ray warns
    if where.kind != PROCESSES:
        _expect_answer(where.address)
    elif "RAY_AUTH_MODE" not in os.environ and "ray" not in sys.modules:  # later Ray makes a token by itself
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


@contextmanager
def connected(where: Where, cores: int) -> Iterator[None]:
    """Within the block this process is connected to Ray.

    Args:
        where: processes of this machine, or the address of a cluster.
        cores: of the private Ray.

    Raises:
        GreycardError: no Ray answers at the address, or Ray cannot start.
    """
    import ray

    if ray.is_initialized():
        raise GreycardError(
            "this process uses Ray already, and Greycard would end that", hint="call ray.shutdown() before"
        )
    private = where.kind == PROCESSES
    folder = _folder() if private else None
    try:
        with _handlers_kept():
            _init(where, _private(cores, str(folder)) if private else {"address": where.address})
        with _no_messages():
            yield
    finally:
        with _handlers_kept():
            ray.shutdown()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _init(where: Where, options: dict[str, Any]) -> None:
    import ray
    from ray.exceptions import RayError

    try:
        ray.init(log_to_driver=False, logging_level=logging.CRITICAL, **options)
    except (RayError, RuntimeError, ConnectionError, OSError, ValueError) as error:
        if where.kind == PROCESSES:
            raise GreycardError(
                f"Ray cannot start: {_first_line(error)}", hint="leave out --on and --workers: then no Ray is needed"
            ) from error
        raise GreycardError(
            f"the Ray cluster at {where.address} cannot be used from here: {_first_line(error)}",
            hint="run the command on a machine of the cluster, with the cluster's token (RAY_AUTH_MODE=token)",
        ) from error


def _private(cores: int, folder: str) -> dict[str, Any]:
    """Options of a Ray for this process only, which others cannot find, reach or use."""
    local = {"_node_ip_address": _LOOPBACK} if sys.platform == "linux" else {}
    return local | {
        "address": "local",
        "num_cpus": cores,
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
        "_temp_dir": folder,
    }


def _folder() -> Path:
    """A new folder with a short path: the names of sockets may have about 100 characters."""
    short = "/tmp" if Path("/tmp").is_dir() else None
    return Path(tempfile.mkdtemp(prefix="greycard-", dir=short))


def _expect_answer(address: str) -> None:
    """Raise a GreycardError if no server listens at the address; Ray itself would try for a minute."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS_TO_CONNECT).close()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise GreycardError(
            f"no Ray cluster answers at {address}: {why}",
            hint="`ray start --head` starts one; --on processes:2 needs none",
        ) from error


@contextmanager
def _no_messages() -> Iterator[None]:
    """Within the block Ray does not print on stdout that a worker has died; it has no option for that."""
    from ray._private import worker

    printing = worker.print_to_stdstream
    worker.print_to_stdstream = lambda *_, **__: None
    try:
        yield
    finally:
        worker.print_to_stdstream = printing


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Restore the handlers of signals, which Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
