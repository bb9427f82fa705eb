"""Numbers of clients for the faults: counted from 1 in the order in which clients first ask for events.

A client is identified by its TCP connection, so its polls must keep their connection. Its number is free
again once it is closed, and the next new client takes the lowest free one, so that a client that reconnects keeps its
number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract import wire
from servers.events.asgi_extensions import without_direct_writing

Address = tuple[str, int]

_EVENT_PATHS = frozenset({wire.WEBSOCKET_PATH, wire.SSE_PATH, wire.SHORT_POLL_PATH, wire.LONG_POLL_PATH})


@dataclass(slots=True)
class Visit:
    """One request for events by one client."""

    client: int
    closes: bool = False
    """Whether the connection is closed after the answer; set before the request is answered."""


NO_CLIENT = 0
"""The number of a client that disconnected before the server could read its address; no fault names it."""

current_visit: ContextVar[Visit] = ContextVar("current_visit")


class ClientNumbers:
    """Numbers of clients by the address of their end of the connection."""

    def __init__(self) -> None:
        self._numbers: dict[Address, int] = {}

    def of(self, address: Address, connected: Callable[[], Iterable[Address]]) -> int:
        """Return the number of the client at `address`; `connected` returns all addresses with an open connection."""
        if address not in self._numbers:
            still = set(connected())
            self._numbers = {known: number for known, number in self._numbers.items() if known in still}
            taken = set(self._numbers.values())
            self._numbers[address] = next(n for n in range(1, len(taken) + 2) if n not in taken)
        return self._numbers[address]


class IdentifyClients:
    """ASGI middleware of a server with faults: sets `current_visit`, and closes the connection if that `closes`."""

    def __init__(self, app: ASGIApp, connected: Callable[[], Iterable[Address]]) -> None:
        self._app = app
        self._connected = connected
        self._numbers = ClientNumbers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app, with every request for events marked with its client."""
        if scope["type"] not in ("http", "websocket") or scope["path"] not in _EVENT_PATHS:
            await self._app(scope, receive, send)
            return
        address = scope["client"]
        visit = Visit(NO_CLIENT if address is None else self._numbers.of(tuple(address), self._connected))
        current_visit.set(visit)

        async def send_closing(message: Message) -> None:
            if visit.closes and message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        await self._app(without_direct_writing(scope), receive, send_closing)
