"""The names under which the classroom may be reached, and the origins of its own pages. Pure.

A foreign site can make a browser send requests here, and by DNS rebinding even under a name of its own. So the Host
header must be one of ours, and an Origin must be the page's: the same host name, and the page's port.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

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

    def host_of(self, headers: Sequence[tuple[bytes, bytes]], port: int) -> str | None:
        """Return the name under which a request reached this port; None if it is not ours, or not given once."""
        value = _only(headers, b"host")
        if value is None:
            return None
        name, _, given = value.lower().partition(":")
        if (given or "80") != str(port):
            return None
        return name if self._is_ours(name) else None

    def origin_of(self, headers: Sequence[tuple[bytes, bytes]], host: str) -> str | None:
        """Return the Origin of a request to `host` if it is this classroom's own page; otherwise None."""
        value = _only(headers, b"origin")
        return value if value is not None and value == self.origin(host) else None

    def origin(self, host: str) -> str:
        """Return the page's origin under this name; browsers omit the default port."""
        return f"http://{host}" + (f":{self.page_port}" if self.page_port != 80 else "")

    def _is_ours(self, name: str) -> bool:
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
