"""The guard of a lane's app: admits only this classroom's pages, and keeps the accounts of clients' requests.

Only the lane's path can be reached, by GET or WebSocket handshakes. Refusals are JSON with a sentence.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from classroom.allowed_hosts import Addresses
from classroom.lanes.accounts import Accounts, Address, Request
from classroom.lanes.clients import Clients
from classroom.lanes.definitions import LANES, client_and_lane
from classroom.limits import MAX_CONNECTIONS_PER_LANE
from classroom.published_events import RecordingLog
from classroom.refusals import RefusedError
from contract import wire
from servers.events.trace import Trace

_MAX_QUERY_BYTES = 512
_MOST_DIGITS = 15
_request: ContextVar[Request | None] = ContextVar("request", default=None)
"""The poll that is being answered."""


class AccountedTrace(Trace):
    """A server's trace that records the deliveries of a log's events in the clients' accounts."""

    def __init__(self, log: RecordingLog, accounts: Accounts) -> None:
        super().__init__()
        self._log = log
        self._accounts = accounts

    def record(self, client: int, seqs: Iterable[int]) -> None:
        """Record that these events were written to the connection of the client with that number on the wire."""
        now_ns = time.monotonic_ns()
        number, lane = client_and_lane(client)
        rows = self._log.rows
        request = _request.get()
        for seq in seqs:
            if seq > len(rows):
                continue  # an event of the previous stream, whose send had to wait for a slow client
            counts = self._accounts.wrote(number, lane, seq, rows[seq - 1][3], now_ns)
            if counts and request is not None:
                request.seqs.append(seq)


@dataclass
class _Admitted:
    client: int
    origin: str
    request: Request
    is_answered: bool = False
    """Whether its answer has been sent, within its run or after it."""


class LaneGuard:
    """The ASGI app of a lane's port."""

    def __init__(self, app: ASGIApp, index: int, addresses: Addresses, clients: Clients, accounts: Accounts) -> None:
        self._app = app
        self._index = index
        self._lane = LANES[index]
        self._addresses = addresses
        self._clients = clients
        self._accounts = accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request or WebSocket, and pass it on or refuse it."""
        origin = None
        try:
            origin = self._origin(scope)
            admitted = self._admit(scope, origin)
        except RefusedError as refusal:
            self._accounts.assign(self._index, _address(scope), None)
            response = refusal.response()
            if origin is not None:
                response.raw_headers += _headers(origin, polls=True)
            await response(scope, receive, send)
            return
        _request.set(admitted.request if self._lane.polls else None)
        noting = self._noting(admitted, send)
        if self._lane.polls:
            await _answer_while_wanted(self._app(scope, receive, noting), receive, admitted)
        else:
            await self._app(scope, receive, noting)

    def _origin(self, scope: Scope) -> str:
        host = self._addresses.host_of(scope["headers"], self._addresses.lane_ports[self._index])
        return self._addresses.origin_of(scope["headers"], host)

    def _admit(self, scope: Scope, origin: str) -> _Admitted:
        is_websocket = scope["type"] == "websocket"
        if scope["path"] != self._lane.path or is_websocket != (self._lane.path == wire.WEBSOCKET_PATH):
            raise RefusedError(404, f"this port has only {self._lane.path}, for {self._lane.label}")
        if not is_websocket and scope["method"] != "GET":
            raise RefusedError(405, f"{self._lane.path} takes GET, not {scope['method'][:20]}")
        if len(scope["query_string"]) > _MAX_QUERY_BYTES:
            raise RefusedError(414, f"the query is longer than {_MAX_QUERY_BYTES} bytes")
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        client = self._client(query)
        accounts = self._accounts
        if "run" in query and query["run"] != str(accounts.run):
            raise RefusedError(409, f"run {query['run'][:20]} is not on")
        n = query.get("n", "0")
        if not _is_number(n):
            raise RefusedError(422, f"n must be a whole number, not {ascii(n)[:20]}")
        accounts.assign(self._index, _address(scope), client)
        if accounts.connections(client, self._index) > MAX_CONNECTIONS_PER_LANE:
            raise RefusedError(429, f"a client may have {MAX_CONNECTIONS_PER_LANE} connections to a lane")
        request = Request(int(n), accounts.run, time.monotonic_ns())
        accounts.arrived(client, self._index, request)
        return _Admitted(client, origin, request)

    def _client(self, query: dict[str, str]) -> int:
        given = query.get(wire.CLIENT_PARAMETER, "")
        number, lane = client_and_lane(int(given)) if _is_number(given) else (-1, -1)
        client = self._clients.get(number)
        if client is None or lane != self._index:
            raise RefusedError(403, "no such client is in this classroom: open the page again")
        if self._lane.transport not in client.transports:
            raise RefusedError(403, f"this client was not given {self._lane.label}")
        if not client.may_ask(self._index):
            raise RefusedError(429, "too many requests on this lane")
        return number

    def _noting(self, admitted: _Admitted, send: Send) -> Send:
        """Return `send` extended by the headers for a page of another port, and by recording the answer."""
        status = 0

        def answered(status: int) -> None:
            admitted.is_answered = True
            self._accounts.answered(admitted.client, self._index, admitted.request, status, time.monotonic_ns())

        async def noting(message: Message) -> None:
            nonlocal status
            kind = message["type"]
            if kind == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_headers(admitted.origin, self._lane.polls)]
                status = message["status"]
            await send(message)
            if kind == "websocket.accept":
                answered(101)
            elif kind == "websocket.http.response.start":
                answered(message["status"])
            elif kind == ("http.response.body" if self._lane.polls else "http.response.start"):
                answered(status)

        return noting


def _headers(origin: str, polls: bool) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"timing-allow-origin", origin.encode("latin-1")),
    ]
    return [*headers, (b"cache-control", b"no-store")] if polls else headers


async def _answer_while_wanted(answering: Awaitable[None], receive: Receive, admitted: _Admitted) -> None:
    """Answer a poll; drop a held one if its client disconnects."""
    task = asyncio.ensure_future(answering)

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        if not admitted.is_answered:  # otherwise the answer has ended the request
            task.cancel()

    watching = asyncio.ensure_future(watch())
    try:
        await asyncio.wait((task,))
    finally:
        watching.cancel()
        task.cancel()
    if not task.cancelled():
        task.result()


def _address(scope: Scope) -> Address:
    host, port = scope["client"]
    return host, port


def _is_number(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) <= _MOST_DIGITS
