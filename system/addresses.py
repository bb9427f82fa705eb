"""Addresses and ports: those of a host, free ones to listen on, and those from which clients connect.

A name may have several addresses, and a server may listen on only some of them: it is resolved once, and all
connections and listening sockets use the numeric address that works.

One source address has only a limited number of ports to one destination. On Linux all of 127.0.0.0/8 is this machine,
so that on loopback clients take turns with as many source addresses as their ports need. The system's own choice would
be exhausted at about 28,000 connections, or at far fewer that are opened anew all the time: a port that was closed
first on this side rests for a minute (TIME_WAIT).
"""

from __future__ import annotations

import ipaddress
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from contract.errors import UserError

_CONNECT_TIMEOUT_S = 3.0
_RETRY_S = 0.2


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A numeric IP address and a port."""

    host: str
    port: int

    @property
    def host_in_url(self) -> str:
        """The address as written in a URL: in brackets if it is an IPv6 address."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def ip_version(self) -> int:
        """IP version of the packets sent to this address: 4 or 6."""
        address = ipaddress.ip_address(self.host)
        return 4 if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped else address.version

    def __str__(self) -> str:
        return f"{self.host_in_url}:{self.port}"

    @property
    def url(self) -> str:
        """The HTTP URL of a server that listens there."""
        return f"http://{self}"

    @classmethod
    def of_url(cls, url: str) -> Endpoint:
        """Return the endpoint of a URL with a numeric address and a port, the inverse of `url`."""
        parts = urlsplit(url)
        assert parts.hostname is not None and parts.port is not None
        return cls(parts.hostname, parts.port)


@dataclass(frozen=True, slots=True)
class Target:
    """A server that the harness did not start."""

    url: str
    """The URL as the user gave it."""
    endpoint: Endpoint
    """The address at which it accepted a connection."""

    def __str__(self) -> str:
        return f"{self.url}, at {self.endpoint}"

    @property
    def host(self) -> str:
        """The Host header of requests: the host name as the user gave it, with its port."""
        return urlsplit(self.url).netloc

    @classmethod
    def find(cls, url: str, given: str = "TARGET=") -> Target:
        """Return the target at the first address of its host that accepts a connection.

        UserError if none does; it begins with the setting that gives the URL.
        """
        parts = urlsplit(url)
        return cls(url, first_accepting(parts.hostname or "", parts.port or 80, f"{given}{url}"))


def checked_url(name: str, url: str) -> str:
    """Return the URL that a setting gives, `http://host:port`; raise UserError if it is anything else."""
    try:
        parts = urlsplit(url)
        plain = f"http://{parts.netloc}" if parts.hostname and parts.port and "@" not in parts.netloc else None
    except ValueError:
        plain = None
    if plain is None or url.lower() not in (plain.lower(), f"{plain}/".lower()):
        raise UserError(f"{name}={url}: not the address of a server (expected http://host:port)")
    return plain


def numeric_addresses(host: str, port: int) -> list[str]:
    """Return all addresses of a host in the system's order of preference; OSError if it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError("not a valid host name") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def first_accepting(host: str, port: int, given: str, patience_s: float = 0.0) -> Endpoint:
    """Return the first address of a host that accepts a connection; try again for up to `patience_s` seconds.

    UserError if none does; it begins with the setting that names the host, as it was given.
    """
    deadline_s = time.monotonic() + patience_s
    while True:
        refusals = []
        try:
            addresses = numeric_addresses(host, port)
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"{given}: no such host: {reason} (expected a name or an address)") from error
        for address in addresses:
            try:
                socket.create_connection((address, port), timeout=_CONNECT_TIMEOUT_S).close()
            except OSError as error:
                where = "" if address == host else f"at {address} "
                refusals.append(f"{where}({error.strerror or error})")
            else:
                return Endpoint(address, port)
        if time.monotonic() >= deadline_s:
            raise UserError(
                f"{given}: cannot connect to port {port} {' or '.join(refusals)} (expected a running server)"
            )
        time.sleep(_RETRY_S)


def first_to_listen_on(host: str) -> str:
    """Return the first address of a host on which this machine can listen; OSError if there is none."""
    refusal: OSError | None = None
    for address in numeric_addresses(host, 0):
        try:
            bound_socket(address).close()
        except OSError as error:
            refusal = refusal or error
        else:
            return address
    assert refusal is not None
    raise refusal


def bound_socket(address: str) -> socket.socket:
    """Return a TCP socket bound to a free port of a numeric address; it does not listen."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    probe = socket.socket(family, socket.SOCK_STREAM)
    try:
        probe.bind((address, 0))
        # Only after bind: with it, bind may choose a port that another such socket already holds for its server.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError:
        probe.close()
        raise
    return probe


def free_port(address: str = "127.0.0.1") -> int:
    """Return a port of this address that is free now."""
    with bound_socket(address) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def reserved_port(address: str = "127.0.0.1") -> Iterator[int]:
    """Reserve a free port, which the system then assigns to no other process that asks for any port.

    Linux lets a server listen where a socket that does not listen is bound, if both have SO_REUSEADDR, as servers have.
    On other systems the port is free now, but not reserved, as with `free_port`.
    """
    with bound_socket(address) as holder:
        port = int(holder.getsockname()[1])
        if not sys.platform.startswith("linux"):
            holder.close()
        yield port


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
