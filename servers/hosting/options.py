"""All that was asked of a server but its address, as data that can be handed to the processes that make it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a server is made of; `servers.hosting.building` makes it."""

    adapters: tuple[str, ...]
    """Modules of servers/ that hold an ADAPTER."""
    stack: str
    compression: str
    headers: str
    history: int
    faults: tuple[str, ...]
    """Fault specifications in their shortest form."""
    trace: bool
    workers: int
