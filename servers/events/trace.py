"""The server's own trace: when each event was handed to each client's connection.

Off by default: it costs a microsecond and 24 bytes a delivery. Clients are known by the number that they give in their
query (`client=N`); who gives none is not traced. "Written" is when the send returned: under uvloop the bytes of one
turn of the event loop go to the kernel together at its end, so that wait counts as on the way, not as in the server.
"""

from __future__ import annotations

import sys
import time
from array import array
from collections.abc import Callable, Iterable
from typing import Any

from fastapi import Response
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from contract import wire
from servers.events.log import EncodedEvent

_MOST_DIGITS = 15

NAMED_CLIENT: dict[str, Any] = {
    "parameters": [
        {
            "name": wire.CLIENT_PARAMETER,
            "in": "query",
            "required": False,
            "schema": {"type": "integer", "minimum": 0},
            "description": "a name for this client in the server's trace; of no effect where none is kept",
        }
    ]
}
"""What OpenAPI says of the parameter. It is no parameter of the handlers: checking it would cost every poll."""


class Trace:
    """Rows of client, seq and written_ns since the stream was posted, in the order of writing."""

    def __init__(self) -> None:
        self._rows = array("q")

    def clear(self) -> None:
        """Begin anew."""
        self._rows = array("q")

    def wrote(self, client: int, seqs: Iterable[int]) -> None:
        """These events were handed to that client's connection just now."""
        now_ns = time.monotonic_ns()
        for seq in seqs:
            self._rows.extend((client, seq, now_ns))

    def encoded(self) -> bytes:
        """All rows, three little-endian 64-bit integers each."""
        if sys.byteorder == "little":
            return self._rows.tobytes()
        swapped = self._rows[:]
        swapped.byteswap()
        return swapped.tobytes()


class TracedReply(Response):
    """A poll's answer that notes when it was written."""

    media_type = "application/json"

    def __init__(self, body: bytes, trace: Trace, client: int, seqs: list[int]) -> None:
        super().__init__(body)
        self._trace = trace
        self._client = client
        self._seqs = seqs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application of this response."""
        await super().__call__(scope, receive, send)
        self._trace.wrote(self._client, self._seqs)


def noting(trace: Trace | None, connection: HTTPConnection) -> Callable[[EncodedEvent], None] | None:
    """What a channel tells of each event when it is written; None where nothing is to be noted."""
    client = client_of(connection)
    if trace is None or client is None:
        return None
    return lambda event: trace.wrote(client, (event.seq,))


def client_of(connection: HTTPConnection) -> int | None:
    """The number by which a client names itself; None for who has no name, or one that is none."""
    name = connection.query_params.get(wire.CLIENT_PARAMETER, "")
    return int(name) if name.isdecimal() and name.isascii() and len(name) <= _MOST_DIGITS else None
