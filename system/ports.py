"""Free ports of this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from system.host_addresses import bound_socket


def free_port(address: str = "127.0.0.1") -> int:
    """Return a port of this address that is free now."""
    with bound_socket(address) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def reserved_port(address: str = "127.0.0.1") -> Iterator[int]:
    """Reserve a free port, which the system then assigns to no other process that asks for any port.

    Linux lets a server listen where a socket that does not listen is bound, if both have SO_REUSEADDR, as servers have.
    Elsewhere the port is only as good as `free_port`.
    """
    with bound_socket(address) as holder:
        port = int(holder.getsockname()[1])
        if not sys.platform.startswith("linux"):
            holder.close()
        yield port
