"""The choice of a host's address: a name may have several, and a server may listen on only some of them.

A name is resolved once; all connections and listening sockets use the numeric address that works.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from dataclasses import dataclass
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
        """Return the endpoint of such a URL, the inverse of `url`."""
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
