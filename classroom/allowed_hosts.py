"""The names under which the classroom may be reached, and the origins of its own pages. Pure.

A foreign site can make a browser send requests to the classroom, and by DNS rebinding even under the site's own name.
So the Host header must be one of the classroom's names, and an Origin header the page's: the same host name, and the
page's port.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from classroom.refusals import RefusedError

_LOOPBACK = frozenset({"127.0.0.1", "localhost"})


@dataclass(frozen=True)
class Addresses:
    """The addresses on which the classroom listens."""

    host: str
    """The host that was given at the start."""
    page_port: int
    lane_ports: tuple[int, ...]
    lesson_port: int
    own_names: frozenset[str] = frozenset()
    """Names of this machine, in lower case."""

    @property
    def solo(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    def host_of(self, headers: Sequence[tuple[bytes, bytes]], port: int) -> str:
        """Return the host name in a request to this port; raise RefusedError if it does not name this classroom."""
        name, _, given_port = (_only(headers, b"host") or "").lower().partition(":")
        if (given_port or "80") != str(port) or not self._is_own_name(name):
            raise RefusedError(403, "the Host header does not name this classroom")
        return name

    def origin_of(self, headers: Sequence[tuple[bytes, bytes]], host: str) -> str:
        """Return the Origin of a request to `host`; raise RefusedError if it is not this classroom's own page."""
        origin = self.origin(host)
        if _only(headers, b"origin") != origin:
            raise RefusedError(403, f"the Origin must be the classroom's own page, {origin}")
        return origin

    def origin(self, host: str) -> str:
        """Return the page's origin under this name; browsers omit the default port."""
        return f"http://{host}" + (f":{self.page_port}" if self.page_port != 80 else "")

    def _is_own_name(self, name: str) -> bool:
        if name in _LOOPBACK or name == self.host.lower():
            return True
        if self.solo:
            return False
        # A DNS name can be pointed here, an address cannot: the page was then loaded from this very address.
        return name in self.own_names or _is_address(name)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server that listens on this host."""
    if host.lower() == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def _only(headers: Sequence[tuple[bytes, bytes]], wanted: bytes) -> str | None:
    values = [value for name, value in headers if name == wanted]
    return values[0].decode("latin-1") if len(values) == 1 else None
