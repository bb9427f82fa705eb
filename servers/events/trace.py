"""The server's own trace: when each event was written to each client's connection.

It is off by default, since it costs a microsecond and 24 bytes for each delivery. Clients are identified by the number
in their query (`client=N`); those without one are not traced. "Written" is when the send returned: under uvloop the
bytes of one turn of the event loop go to the kernel together at its end, so that wait counts as network time, not as
server time.
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
            "description": "this client's number in the server's trace; of no effect if no trace is kept",
        }
    ]
}
"""The OpenAPI description of the parameter. The handlers do not declare it, since validating it would cost every poll.
"""


class Trace:
    """Rows of client, seq and written_ns since the stream was posted, in the order of writing."""

    def __init__(self) -> None:
        self._rows = array("q")

    def clear(self) -> None:
        """Delete all rows."""
        self._rows = array("q")

    def record(self, client: int, seqs: Iterable[int]) -> None:
        """Record that these events were just written to that client's connection."""
        now_ns = time.monotonic_ns()
        for seq in seqs:
            self._rows.extend((client, seq, now_ns))

    def encoded(self) -> bytes:
        """Return all rows, three little-endian 64-bit integers each."""
        if sys.byteorder == "little":
            return self._rows.tobytes()
        swapped = self._rows[:]
        swapped.byteswap()
        return swapped.tobytes()


class TracedReply(Response):
    """A poll's answer that records when it was written."""

    media_type = "application/json"

    def __init__(self, body: bytes, trace: Trace, client: int, seqs: list[int]) -> None:
        super().__init__(body)
        self._trace = trace
        self._client = client
        self._seqs = seqs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve this response as an ASGI application."""
        await super().__call__(scope, receive, send)
        self._trace.record(self._client, self._seqs)


def delivery_recorder(trace: Trace | None, connection: HTTPConnection) -> Callable[[EncodedEvent], None] | None:
    """Return a function that records an event written to this connection; None without a trace or a client number."""
    client = client_of(connection)
    if trace is None or client is None:
        return None
    return lambda event: trace.record(client, (event.seq,))


def client_of(connection: HTTPConnection) -> int | None:
    """Return the number that a client sends in its query; None if it sends none, or not a number."""
    name = connection.query_params.get(wire.CLIENT_PARAMETER, "")
    return int(name) if name.isdecimal() and name.isascii() and len(name) <= _MOST_DIGITS else None
