"""Answers with `Content-Encoding: deflate` for clients that accept it: an option, off by default.

The settings are those with which uvicorn compresses WebSocket frames, so that no transport has a better compressor. An
answer of known length is compressed as a whole; an endless one, such as SSE, is flushed after every piece, so that no
event waits in the compressor for the next one.
"""

from __future__ import annotations

import zlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servers.events.fan_out import without_direct_writing

WINDOW_BITS = 12
MEMORY_LEVEL = 5


class Deflated:
    """An ASGI app whose HTTP answers are compressed where the request accepts it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app for one request; WebSockets are compressed by their own protocol, frame by frame."""
        if scope["type"] == "http" and _accepted(scope):
            scope, send = without_direct_writing(scope), _Answer(send).send
        await self._app(scope, receive, send)


class _Answer:
    """One answer that is being sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        """The start of the answer, held back until its body, and with it the length, is known."""
        self._compressor: zlib._Compress | None = None

    async def send(self, message: Message) -> None:
        """Pass on a message of the app."""
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._start is not None:
            await self._send_whole(self._start, message)
        elif self._compressor is not None:
            await self._send_piece(self._compressor, message)
        else:
            await self._send(message)

    async def _begin(self, message: Message) -> None:
        length = next((value for name, value in message["headers"] if name == b"content-length"), None)
        if message["status"] in (204, 304) or length == b"0":
            await self._send(message)
        elif length is not None:
            self._start = message
        else:
            self._compressor = _new_compressor()
            await self._send({**message, "headers": [*message["headers"], *_ENCODED]})

    async def _send_whole(self, start: Message, message: Message) -> None:
        """Send an answer of known length, which the app's routes pass on in one piece."""
        assert not message.get("more_body", False)
        compressor = _new_compressor()
        body = compressor.compress(message["body"]) + compressor.flush()
        kept = [header for header in start["headers"] if header[0] != b"content-length"]
        headers = [(b"content-length", b"%d" % len(body)), *kept, *_ENCODED]
        self._start = None
        await self._send({**start, "headers": headers})
        await self._send({**message, "body": body})

    async def _send_piece(self, compressor: zlib._Compress, message: Message) -> None:
        more = message.get("more_body", False)
        body = compressor.compress(message.get("body", b""))
        body += compressor.flush(zlib.Z_SYNC_FLUSH if more else zlib.Z_FINISH)
        await self._send({**message, "body": body})


_ENCODED = ((b"content-encoding", b"deflate"),)


def _accepted(scope: Scope) -> bool:
    return any(name == b"accept-encoding" and b"deflate" in value.lower() for name, value in scope["headers"])


def _new_compressor() -> zlib._Compress:
    return zlib.compressobj(wbits=WINDOW_BITS, memLevel=MEMORY_LEVEL)
