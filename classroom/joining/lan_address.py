"""The address at which phones in the room reach this machine: a guess from its network interfaces, best first.

No packet is sent and no name is looked up, so it works in a room without an internet connection.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

import psutil

_VIRTUAL = (
    "docker",
    "br-",
    "veth",
    "virbr",
    "vmnet",
    "vbox",
    "vethernet",
    "tun",
    "tap",
    "utun",
    "wg",
    "zt",
    "lxc",
    "podman",
)
"""Beginnings of interface names that lead to containers, virtual machines and tunnels, not to the room."""

EVERY_INTERFACE = "0.0.0.0"


def rank_addresses(interfaces: Iterable[tuple[str, str]]) -> list[str]:
    """Return the IPv4 addresses of (interface, address) pairs that a class could use, the likeliest first.

    A home's or a hot spot's network (192.168…) comes before a campus (10…) and those of virtual machines (172.16…); an
    interface of a container or tunnel comes last; loopback and link-local addresses are left out.
    """
    ranked = []
    for place, (name, text) in enumerate(interfaces):
        address = ipaddress.IPv4Address(text)
        if address.is_loopback or address.is_link_local or address.is_unspecified:
            continue
        ranked.append((name.lower().startswith(_VIRTUAL), _rank(address), place, text))
    return [text for *_, text in sorted(ranked)]


def _rank(address: ipaddress.IPv4Address) -> int:
    for rank, network in enumerate(("192.168.0.0/16", "10.0.0.0/8", "172.16.0.0/12")):
        if address in ipaddress.IPv4Network(network):
            return rank
    return 3


def machine_addresses() -> list[str]:
    """Return this machine's IPv4 addresses in the order of `rank_addresses`."""
    up = {name for name, status in psutil.net_if_stats().items() if status.isup}
    return rank_addresses(
        (name, entry.address)
        for name, entries in psutil.net_if_addrs().items()
        if name in up
        for entry in entries
        if entry.family == socket.AF_INET
    )


def own_hosts(host: str) -> list[str]:
    """Return the hosts by which others reach a server that listens on `host`; the likeliest first, never empty."""
    if host != EVERY_INTERFACE:
        return [host]
    return machine_addresses() or [socket.gethostname()]
