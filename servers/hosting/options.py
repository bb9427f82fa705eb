"""The options of a server except its address, as data for each of its processes."""

from __future__ import annotations

from dataclasses import dataclass

from contract.parameters import Compression, Headers, Stack


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """The options of a server; `contract.parameters` states the meaning of those that are parameters of scenarios."""

    adapters: tuple[str, ...]
    """Modules of servers/transports/ that hold an ADAPTER."""
    stack: Stack
    server_processes: int
    compression: Compression
    headers: Headers
    history: int
    """Number of events that are kept for cursors."""
    faults: tuple[str, ...]
    """Fault specifications in their shortest form."""
    trace: bool

    @property
    def deflates(self) -> bool:
        """Whether frames and answers are compressed for clients that accept it."""
        return self.compression == "deflate"
