"""A phone in the same network: off unless asked for, with a token, at an address of this machine."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient

import greycard
from greycard.core.errors import GreycardError
from greycard.deploy.serve import server
from greycard.studio.app import make_app
from greycard.studio.context import Context
from greycard.studio.images.folder import ImageFolder
from qr import read_qr

_SERVE = """
import greycard
greycard.studio('pets', port=0, token='secret', phone='127.0.0.2', on_ready=lambda address: print(address, flush=True))
"""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The command without its server; which addresses it would listen on, and what it was called with."""
    found: dict[str, Any] = {}

    def run(self: Any, sockets: list[Any]) -> None:
        found["addresses"] = [each.getsockname() for each in sockets]

    monkeypatch.setattr(server.uvicorn.Server, "run", run)
    monkeypatch.setattr("greycard.cli.phone.reachable_addresses", lambda: ["127.0.0.2", "127.0.0.3"])
    monkeypatch.setattr("greycard.cli.phone.is_local", lambda host: host == "127.0.0.1")
    return found


def _decoded(drawn: str) -> str:
    """What a phone reads from the code in the terminal, light on dark."""
    halves = {" ": (0, 0), "\u2580": (1, 0), "\u2584": (0, 1), "\u2588": (1, 1)}
    rows = [[halves[letter][half] for letter in line] for line in drawn.splitlines() for half in (0, 1)]
    modules = np.kron(np.array(rows, np.uint8) * 255, np.ones((8, 8), np.uint8))
    return read_qr(cv2.copyMakeBorder(modules, *[32] * 4, cv2.BORDER_CONSTANT, value=255))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one loopback address only")
@pytest.mark.parametrize("host", [None, "127.0.0.3"])
def test_the_command_says_what_the_phone_opens_and_draws_its_code(
    started: dict[str, Any], cli: Any, host: str | None
) -> None:
    outcome = cli("studio", "pets", "--phone", "--port", "0", *(("--host", host) if host else ()))
    assert outcome.code == 0, outcome.err
    here, phone, *rest = outcome.out.splitlines()
    address = phone.rpartition(" ")[2]
    chosen = "127.0.0.3" if host == "127.0.0.3" else "127.0.0.2"
    assert re.fullmatch(rf"http://{chosen}:\d+/#token=[\w-]{{16}}", address)
    assert here.endswith(address.replace(chosen, "127.0.0.1"))
    others = rest.pop(0) if host != "127.0.0.3" else None
    assert others in (None, "this machine is in other networks, too: --host 127.0.0.3")
    assert _decoded("\n".join(filter(None, rest))) == address
    assert "has no encryption" in outcome.err
    port = int(address.split(":")[2].partition("/")[0])
    assert started["addresses"] == [("127.0.0.1", port), (chosen, port)]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one loopback address only")
def test_every_start_has_another_token_unless_one_is_given(started: dict[str, Any], cli: Any) -> None:
    tokens = {re.search("token=(.*)", cli("studio", "pets", "--phone", "--port", "0").out)[1] for _ in range(3)}
    assert len(tokens) == 3
    assert "#token=mine\n" in cli("studio", "pets", "--phone", "--port", "0", "--token", "mine").out


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_one_network_and_all_of_them_are_not_asked_for_together(started: dict[str, Any], cli: Any, host: str) -> None:
    outcome = cli("studio", "pets", "--phone", "--port", "0", "--host", host)
    assert (outcome.code, f"--host {host} means all of them" in outcome.err) == (2, True)
    assert "hint: leave out --host, or leave out --phone" in outcome.err
    assert (started, Path("pets").exists()) == ({}, False)


def test_without_a_network_the_error_says_so(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("greycard.cli.phone.reachable_addresses", list)
    outcome = cli("studio", "pets", "--phone", "--port", "0")
    assert (outcome.code, "has no address that a phone could reach" in outcome.err) == (2, True)
    assert "hint: connect it to the phone's network, or leave out --phone" in outcome.err
    assert not Path("pets").exists()


def test_the_option_is_off_unless_asked_for(started: dict[str, Any], cli: Any) -> None:
    outcome = cli("studio", "pets", "--port", "0")
    assert len(outcome.out.splitlines()) == 1
    assert [host for host, _ in started["addresses"]] == ["127.0.0.1"]
    with TestClient(make_app(Context(ImageFolder(Path("pets")), Path("runs")))) as client:
        assert client.get("/api/phone").json() == {"address": None, "code": None}


def test_a_phone_needs_a_token(tmp_path: Path) -> None:
    with pytest.raises(GreycardError, match=r"everyone who can reach 192\.0\.2\.2 could change these images"):
        greycard.studio(tmp_path, port=0, phone="192.0.2.2")


def test_another_page_learns_of_changes(tmp_path: Path) -> None:
    with TestClient(make_app(Context(ImageFolder(tmp_path / "pets"), tmp_path / "runs"), phone="192.0.2.2")) as client:
        before = client.get("/api/changes").json()["changes"]
        client.get("/api/images")
        assert client.get("/api/changes").json()["changes"] == before
        client.post("/api/classes/add", json={"name": "cat"})
        assert client.get("/api/changes").json()["changes"] > before


def _status(address: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=20) as answer:
            return answer.status
    except HTTPError as error:
        return error.code


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one loopback address only")
def test_both_addresses_answer_those_who_have_the_token_and_no_other_host_name(tmp_path: Path) -> None:
    words = [sys.executable, "-c", _SERVE]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        try:
            assert process.stdout
            here = process.stdout.readline().strip()
            for address in (here, here.replace("127.0.0.1", "127.0.0.2")):
                assert _status(address) == 200
                assert _status(f"{address}api/phone") == 401
                assert _status(f"{address}api/phone", Authorization="Bearer secret") == 200
                assert _status(f"{address}api/phone", Authorization="Bearer secret", Host="evil.example") == 400
        finally:
            process.kill()
