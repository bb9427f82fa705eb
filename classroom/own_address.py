"""Under which address others on the network reach this machine."""

from __future__ import annotations

import ipaddress
import socket

_ANYWHERE = ("192.0.2.1", 9)
"""An address that is nobody's (RFC 5737). Nothing is sent to it: connecting a datagram socket only picks a route."""


def own_address(host: str) -> str:
    """`host` itself, or, where that stands for all addresses, the one that the machine has on its usual network."""
    try:
        if not ipaddress.ip_address(host).is_unspecified:
            return host
    except ValueError:
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ANYWHERE)
        except OSError:
            return socket.gethostname()
        address: str = probe.getsockname()[0]
        return address
