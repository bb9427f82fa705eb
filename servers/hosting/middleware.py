"""Optional middleware: deflated answers, and status lines and headers of a fixed length.

The settings of `Deflated` are those with which uvicorn compresses WebSocket frames, so that no transport has a better
compressor. An answer of known length is compressed as a whole; an endless one, such as SSE, is flushed after every
piece, so that no event waits in the compressor for the next one. `wire.PADDED_REQUEST_CHARACTERS` has the source of the
length of `Padded` heads; the client pads the requests.
"""

from __future__ import annotations

import zlib
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract import wire
from servers.events.asgi_extensions import without_direct_writing

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


_ADDED_BY_SERVER = len("date: Thu, 01 Jan 1970 00:00:00 GMT") + len("server: uvicorn")
"""Headers that uvicorn adds to the app's; the date's length never changes."""
_NAME = b"x-padding"


class Padded:
    """An ASGI app whose HTTP answers have status line and headers of a fixed length."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app, with the answer of an HTTP request padded."""

        async def send_padded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *_padding(message)]}
            await send(message)

        await self._app(scope, receive, send_padded if scope["type"] == "http" else send)


def _padding(start: Message) -> list[tuple[bytes, bytes]]:
    """Return the header that pads an answer's head; none if it is long enough already."""
    written = len(f"HTTP/1.1 {start['status']} {HTTPStatus(start['status']).phrase}") + _ADDED_BY_SERVER
    written += sum(len(name) + 2 + len(value) for name, value in start["headers"])
    room = wire.PADDED_RESPONSE_CHARACTERS - written - len(_NAME) - 2
    return [(_NAME, b"x" * room)] if room > 0 else []
