"""The measured paths as plain ASGI, without the cost of FastAPI's routing and validation per request.

Every request that is not of the usual form - another query, a cursor that is too old, the control routes - goes to the
FastAPI app over the same hub. So the contract is implemented in one place, and a handler here is only a shorter way to
it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import Receive, Scope, Send

from contract import wire
from servers.api.app import Adapter
from servers.events.asgi_extensions import on_disconnect_of
from servers.events.hub import EventHub
from servers.events.log import CursorTooOldError, EncodedEvent
from servers.events.trace import delivery_recorder
from servers.transports import framing
from servers.transports.polling import MAX_ECHO_BODY_BYTES, reply_body
from servers.transports.sse import EventStream
from servers.transports.websocket import UNSUPPORTED_DATA_CLOSE_CODE

_USUAL_QUERY = re.compile(rb"(?:after=(\d{1,15})|cursor=none)(?:&hold_ms=(\d{1,6}))?(?:&client=(\d{1,15}))?")
"""Fifteen digits are within every cursor's limit, and exact as a float."""

_Handler = Callable[[EventHub, Scope, Receive, Send], Awaitable[bool]]
"""Returns False, with nothing received and nothing sent, if the FastAPI app must answer."""


@dataclass(frozen=True, slots=True)
class _Query:
    after: int | None
    """The cursor; None for a poll without one."""
    hold_ms: int
    client: int | None
    """The client's number in the trace."""

    @classmethod
    def of(cls, scope: Scope) -> _Query | None:
        """Parse the query of a request; None if it is not of the usual form."""
        found = _USUAL_QUERY.fullmatch(scope["query_string"])
        if found is None:
            return None
        hold_ms = int(found[2] or 0)
        after = None if found[1] is None else int(found[1])
        client = None if found[3] is None else int(found[3])
        return cls(after, hold_ms, client) if hold_ms <= wire.MAX_HOLD_MS else None


class AsgiStack:
    """The ASGI app: handlers of the measured paths in front of the adapters' FastAPI app."""

    def __init__(self, app: FastAPI, adapters: Sequence[Adapter], hub: EventHub) -> None:
        paths = {route.path for a in adapters for router in a.routers for route in router.routes}  # type: ignore[attr-defined]  # ours are routes with a path
        self._app = app
        self._hub = hub
        self._handlers = {key: handler for key, handler in _HANDLERS.items() if key[1] in paths}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket, or the app's lifespan."""
        handler = self._handlers.get((scope.get("method", scope["type"]), scope.get("path", "")))
        if handler is None or not await handler(self._hub, scope, receive, send):
            await self._app(scope, receive, send)


async def _short_poll(hub: EventHub, scope: Scope, _receive: Receive, send: Send) -> bool:
    if (query := _Query.of(scope)) is None:
        return False
    try:
        events = hub.log.read_latest() if query.after is None else hub.log.read_after(query.after)
    except CursorTooOldError:
        return False
    await _reply(hub, query, events, send)
    return True


async def _long_poll(hub: EventHub, scope: Scope, _receive: Receive, send: Send) -> bool:
    if (query := _Query.of(scope)) is None or not query.hold_ms:
        return False
    log, hold_s, on_disconnect = hub.log, query.hold_ms / 1000, on_disconnect_of(scope)
    try:
        if query.after is None:
            events = await log.wait_next(hold_s, on_disconnect)
        else:
            events = await log.wait_after(query.after, hold_s, on_disconnect)
    except ClientDisconnect:
        return True
    except CursorTooOldError:
        return False
    await _reply(hub, query, events, send)
    return True


async def _sse(hub: EventHub, scope: Scope, receive: Receive, send: Send) -> bool:
    resumes = any(name == b"last-event-id" for name, _ in scope["headers"])
    if resumes or (query := _Query.of(scope)) is None or query.after is None:
        return False
    try:
        follower = hub.log.follow(query.after)
    except CursorTooOldError:
        return False
    await EventStream(hub, follower, framing.sse_chunk)(scope, receive, send)
    return True


async def _websocket(hub: EventHub, scope: Scope, receive: Receive, send: Send) -> bool:
    if (query := _Query.of(scope)) is None or query.after is None:
        return False
    try:
        follower = hub.log.follow(query.after)
    except CursorTooOldError:
        return False

    async def send_event(event: EncodedEvent) -> None:
        await send({"type": "websocket.send", "text": event.text})

    async def until_closed() -> None:
        while (await receive())["type"] != "websocket.disconnect":
            pass

    await _accept(receive, send)
    record = delivery_recorder(hub.trace, HTTPConnection(scope))
    await hub.channels.serve(follower, scope, send_event, until_closed, framing.websocket_frame, record)
    return True


async def _websocket_echo(_hub: EventHub, _scope: Scope, receive: Receive, send: Send) -> bool:
    await _accept(receive, send)
    try:
        while (message := await receive())["type"] == "websocket.receive":
            if (text := message.get("text")) is None:
                reason = "only text messages are echoed"
                await send({"type": "websocket.close", "code": UNSUPPORTED_DATA_CLOSE_CODE, "reason": reason})
                break
            await send({"type": "websocket.send", "text": text})
    except OSError:
        pass  # the client has disconnected before its message was sent back
    return True


async def _post_echo(_hub: EventHub, scope: Scope, receive: Receive, send: Send) -> bool:
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    # Numbers of seven digits are within the limit, or a little beyond it.
    if not length.isdigit() or len(length) > 7 or int(length) > MAX_ECHO_BODY_BYTES:
        return False
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return True
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await _respond(send, body, b"application/octet-stream")
    return True


async def _accept(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})


async def _reply(hub: EventHub, query: _Query, events: list[EncodedEvent], send: Send) -> None:
    if events:
        await _respond(send, reply_body(events), b"application/json")
        if hub.trace is not None and query.client is not None:
            hub.trace.record(query.client, [event.seq for event in events])
    else:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def _respond(send: Send, body: bytes, media_type: bytes) -> None:
    headers = [(b"content-length", b"%d" % len(body)), (b"content-type", media_type)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_HANDLERS: dict[tuple[str, str], _Handler] = {
    ("GET", wire.SHORT_POLL_PATH): _short_poll,
    ("GET", wire.LONG_POLL_PATH): _long_poll,
    ("GET", wire.SSE_PATH): _sse,
    ("websocket", wire.WEBSOCKET_PATH): _websocket,
    ("websocket", wire.WEBSOCKET_ECHO_PATH): _websocket_echo,
    ("POST", wire.POST_ECHO_PATH): _post_echo,
}
"""The handlers by method (for a WebSocket, which has none, by its type) and path."""
