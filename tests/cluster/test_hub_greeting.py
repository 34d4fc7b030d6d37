"""Who connects to a group of workers without its key, or says nothing, keeps nobody waiting."""

from __future__ import annotations

import socket
import threading

import numpy as np
import pytest

from greycard.cluster import hub
from greycard.cluster.hub import Hub, Link


@pytest.mark.parametrize("first_words", [b"", b"GET / HTTP/1.1\r\n\r\n"])
def test_strangers_do_not_keep_the_workers_waiting(first_words: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_SECONDS_TO_GREET", 1)
    group = Hub(2, "127.0.0.1", lambda *_: None)
    with socket.create_connection(group.address) as stranger:  # comes first, and stays
        stranger.sendall(first_words)
        totals: list[np.ndarray] = []

        def work(rank: int) -> None:
            with Link(group.address, group.key, rank, 2) as link:
                totals.append(link.total(np.full(3, rank + 1, np.float32)))

        workers = [threading.Thread(target=work, args=(rank,), daemon=True) for rank in range(2)]
        for each in workers:
            each.start()
        for each in workers:
            each.join(timeout=30)
    group.close()
    assert [total.tolist() for total in totals] == [[3.0, 3.0, 3.0]] * 2
