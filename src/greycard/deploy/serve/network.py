"""This machine's addresses, and those of its local network, found without sending a packet."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, ip_address

_ELSEWHERE = ("192.0.2.1", 9)
"""An address reserved for documentation; it is only used to ask for the route to it."""


def reachable_addresses() -> list[str]:
    """IPv4 addresses that other machines may reach; the address of the default route comes first."""
    return list(dict.fromkeys([*_of_default_route(), *_of_interfaces()]))


def is_local(host: str) -> bool:
    """True if only this machine can reach the address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _of_default_route() -> list[str]:
    """Connecting a UDP socket sends no packet; the system only chooses the local address it would use."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
        except OSError:  # no network, or no route
            return []
        return [name for name in [probe.getsockname()[0]] if _is_outward(name)]


def _of_interfaces() -> list[str]:
    import psutil

    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    found = [each for name, addresses in psutil.net_if_addrs().items() if name in up for each in addresses]
    return [each.address for each in found if each.family == socket.AF_INET and _is_outward(each.address)]


def _is_outward(address: str) -> bool:
    place = IPv4Address(address)
    return not (place.is_loopback or place.is_link_local or place.is_unspecified)
