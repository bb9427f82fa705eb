"""Which address of a host is used: a name may have several, and a server listens on some of them only.

A name is looked up once; whoever connects or listens is given the numeric address that was found to work.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from loadtests.records import UserError

_CONNECT_TIMEOUT_S = 3.0
_RETRY_S = 0.2


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A numeric address and a port of it."""

    host: str
    port: int

    @property
    def host_in_url(self) -> str:
        """The address as URLs have it: in brackets where it is one of IPv6."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def ip_version(self) -> int:
        """4 or 6: of the packets that go there."""
        address = ipaddress.ip_address(self.host)
        return 4 if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped else address.version

    def __str__(self) -> str:
        return f"{self.host_in_url}:{self.port}"

    @property
    def url(self) -> str:
        """Of a server that listens there."""
        return f"http://{self}"

    @classmethod
    def of_url(cls, url: str) -> Endpoint:
        """Inverse of `url`."""
        parts = urlsplit(url)
        assert parts.hostname is not None and parts.port is not None
        return cls(parts.hostname, parts.port)


@dataclass(frozen=True, slots=True)
class Target:
    """A server that somebody else has started."""

    url: str
    """As it was given."""
    endpoint: Endpoint
    """Where it was found to accept connections."""

    def __str__(self) -> str:
        return f"{self.url}, at {self.endpoint}"

    @property
    def host(self) -> str:
        """What requests say in their Host header: the name that the user has written, and its port."""
        return urlsplit(self.url).netloc

    @classmethod
    def find(cls, url: str) -> Target:
        """Look for the first address of the URL's host that accepts a connection; UserError where none does."""
        parts = urlsplit(url)
        return cls(url, first_accepting(parts.hostname or "", parts.port or 80))


def numeric_addresses(host: str, port: int) -> list[str]:
    """All addresses of a host, in the order in which the system prefers them; OSError where it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"no name that could be looked up: {error}") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def first_accepting(host: str, port: int, patience_s: float = 0.0) -> Endpoint:
    """Return the first address of a host that accepts a connection, asked again until `patience_s` is over."""
    deadline_s = time.monotonic() + patience_s
    while True:
        refusals = []
        try:
            addresses = numeric_addresses(host, port)
        except OSError as error:
            raise UserError(f"{host}: no such host: {error} (expected a name or an address)") from error
        for address in addresses:
            try:
                socket.create_connection((address, port), timeout=_CONNECT_TIMEOUT_S).close()
            except OSError as error:
                refusals.append(f"{address} ({error.strerror or error})")
            else:
                return Endpoint(address, port)
        if time.monotonic() >= deadline_s:
            raise UserError(
                f"{host}: no connection to port {port} of {' nor of '.join(refusals)} (expected a running server)"
            )
        time.sleep(_RETRY_S)


def first_to_listen_on(host: str) -> str:
    """Return the first address of a host on which this machine can listen; OSError where there is none."""
    refusal: OSError | None = None
    for address in numeric_addresses(host, 0):
        try:
            listener_of(address).close()
        except OSError as error:
            refusal = refusal or error
        else:
            return address
    assert refusal is not None
    raise refusal


def listener_of(address: str) -> socket.socket:
    """A socket bound to any free port of a numeric address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    probe = socket.socket(family, socket.SOCK_STREAM)
    try:
        probe.bind((address, 0))
        # Not before: with it, bind may choose a port on which another server is about to listen.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError:
        probe.close()
        raise
    return probe
