"""The exchange of a group over sockets, with threads in place of processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Client
from typing import Any

import numpy as np
import pytest

from greycard.backend.exchange import from_first
from greycard.backend.tree import tree_sum
from greycard.cluster.hub import SAID, Hub, Link, LostWorkerError

TERMS = np.random.default_rng(0).standard_normal((4, 50_000)).astype(np.float32)


def _in_group(work: Callable[[Link], Any], workers: int = 4) -> list[Any]:
    """The results, or the errors, of all workers of a group; and at the end the lines that they said."""
    lines: list[str] = []
    hub = Hub(workers, "127.0.0.1", lambda _, line: lines.append(line))

    def joined(rank: int) -> Any:
        try:
            with Link(hub.address, hub.key, rank, workers) as link:
                return work(link)
        except Exception as error:
            return error

    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(joined, range(workers)))
    hub.close()
    return [*found, lines]


def test_all_workers_get_the_sum_of_the_tree() -> None:
    *found, _ = _in_group(lambda link: [link.total(TERMS[link.rank] * step) for step in (1, 2)])
    for step in (1, 2):
        expected = tree_sum((TERMS * step).__getitem__, 0, 4)
        assert all(np.array_equal(each[step - 1], expected) for each in found)


def test_contents_come_by_rank() -> None:
    *found, _ = _in_group(lambda link: link.gather(f"from {link.rank}".encode()))
    assert found == [[b"from 0", b"from 1", b"from 2", b"from 3"]] * 4
    *found, _ = _in_group(lambda link: from_first(link, b"state" * link.rank + b"0"))
    assert found == [b"0"] * 4


def test_lines_arrive_between_sums() -> None:
    def work(link: Link) -> None:
        link.total(TERMS[link.rank])
        if link.rank == 0:
            link.send(SAID, "epoch 1/2 – 90 %".encode())
        link.total(TERMS[link.rank])

    assert _in_group(work)[-1] == ["epoch 1/2 – 90 %"]


def test_a_worker_that_ends_by_an_error_ends_the_others() -> None:
    def work(link: Link) -> None:
        link.total(TERMS[link.rank])
        if link.rank == 2:
            raise ValueError("mine")
        link.total(TERMS[link.rank])

    *found, _ = _in_group(work)
    assert isinstance(found.pop(2), ValueError)
    assert all(isinstance(each, LostWorkerError) for each in found)


def test_a_worker_that_is_done_ends_nobody() -> None:
    def work(link: Link) -> str:
        link.total(TERMS[link.rank])
        if link.rank == 0:
            time.sleep(0.1)
            link.send(SAID, b"the last one writes")
        return "done"

    assert _in_group(work) == ["done"] * 4 + [["the last one writes"]]


def test_a_closed_hub_ends_workers_that_wait() -> None:
    hub = Hub(2, "127.0.0.1", print)
    with ThreadPoolExecutor(1) as pool, Link(hub.address, hub.key, 0, 2) as link:
        waiting = pool.submit(link.gather, b"")
        hub.close()
        with pytest.raises(LostWorkerError):
            waiting.result(timeout=5)
        link.send = lambda *_: None  # type: ignore[method-assign]  # nothing to say good-bye to


def test_nobody_without_the_key_gets_in() -> None:
    hub = Hub(1, "127.0.0.1", print)
    with pytest.raises(LostWorkerError):
        Link(hub.address, b"another key", 0, 1)
    with pytest.raises((OSError, EOFError, ValueError)):
        Client(hub.address).recv_bytes(4)  # it is a challenge, longer than that
    with Link(hub.address, hub.key, 0, 1) as link:
        assert link.gather(b"still open") == [b"still open"]
    hub.close()
