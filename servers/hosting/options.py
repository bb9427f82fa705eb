"""The options of a server: all that was asked of it but its address, as data for each of its processes."""

from __future__ import annotations

from dataclasses import dataclass

from contract.parameters import Compression, Headers, Stack


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What a server is to be; `contract.parameters` says what stack, workers, compression and headers mean."""

    adapters: tuple[str, ...]
    """Modules of servers/transports/ that hold an ADAPTER."""
    stack: Stack
    workers: int
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
