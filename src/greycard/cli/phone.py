"""A phone in the same network: which address it opens, and the QR code in the terminal."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click

from greycard.core.errors import GreycardError
from greycard.deploy.serve.network import is_local, reachable_addresses

_EVERY = ("0.0.0.0", "::")


@dataclass(frozen=True)
class Network:
    """This machine's address in one network, and those in others."""

    host: str
    others: Sequence[str]


def choose_network(host: str) -> Network:
    """The network of a phone.

    Args:
        host: the address that the user has chosen; one that only this machine has is no choice.

    Raises:
        GreycardError: the address means all networks, or this machine has none.
    """
    if host in _EVERY:
        raise GreycardError(
            f"--phone opens the page to one network; --host {host} means all of them",
            hint="leave out --host, or leave out --phone",
        )
    if not is_local(host):
        return Network(host, ())
    found = reachable_addresses()
    if not found:
        raise GreycardError(
            "this machine has no address that a phone could reach",
            hint="connect it to the phone's network, or leave out --phone",
        )
    return Network(found[0], found[1:])


def print_phone(network: Network, port: int, token: str) -> None:
    """Print what a phone opens, as an address and, if the terminal has the characters, as a QR code."""
    import segno

    from greycard.studio.images.phone_routes import phone_address

    address, drawn = phone_address(network.host, port, token), io.StringIO()
    segno.make_qr(address).terminal(drawn, border=2, compact=True)
    click.echo(f"a phone in the same network opens {address}")
    if network.others:
        click.echo(f"this machine is in other networks, too: --host {' or --host '.join(network.others)}")
    if _can_print(drawn.getvalue()):
        click.echo(drawn.getvalue())
    click.echo("who is in this network can read what the phone sends, as the page has no encryption", err=True)


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
