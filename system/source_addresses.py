"""Source addresses of clients, since one address has only a limited number of ports to one destination.

On Linux all of 127.0.0.0/8 is this machine, so that on loopback clients take turns with as many source addresses as
their ports need. The system's own choice would be exhausted at about 28,000 connections, or at far fewer that are
opened anew all the time: a port that was closed first on this side rests for a minute (TIME_WAIT).
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from pathlib import Path

PORT_RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_IANA_DYNAMIC_PORTS = 65_535 - 49_152 + 1
"""RFC 6335: the ports of systems without such a file."""
_USED_RATIO = 0.8
"""Share of an address' ports that is used: beyond it, finding a free one takes the kernel long, and other programs need
some."""
_FIRST_SOURCE = ipaddress.IPv4Address("127.0.0.1")
_IP_BIND_ADDRESS_NO_PORT = 24
"""linux/in.h: connect() chooses the port; it knows the destination, and so may share ports between several."""


def source_addresses(host: str, ports_needed: int, ports: int) -> tuple[str, ...]:
    """Return addresses from which to connect to `host` in turn, for `ports_needed` at a time; `ports` per address.

    Empty if the system's own choice is enough, or if there are no other addresses.
    """
    count = -(-ports_needed // usable_ports(ports))
    if count <= 1 or not can_vary_sources(host):
        return ()
    return tuple(str(_FIRST_SOURCE + i) for i in range(count))


def can_vary_sources(host: str) -> bool:
    """Return whether connections to this host can come from other addresses of this machine without set-up."""
    try:
        return sys.platform.startswith("linux") and ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False


def usable_ports(ports: int) -> int:
    """Return how many of an address' ports are used; at least one."""
    return max(1, int(ports * _USED_RATIO))


def ephemeral_ports() -> int:
    """Return how many local ports the system assigns to outgoing connections."""
    try:
        low, high = map(int, PORT_RANGE_FILE.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return _IANA_DYNAMIC_PORTS
    return high - low + 1


def bind_source(sock: socket.socket, address: str) -> None:
    """Make a socket connect from this address, from any port that is free for its destination."""
    sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
    sock.bind((address, 0))
