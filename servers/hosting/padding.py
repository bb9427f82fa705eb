"""Answers whose headers are as long as those of an earlier comparison: an option, off by default.

`wire.PADDED_REQUEST_CHARACTERS` has the source of the length; the client pads the requests.
"""

from __future__ import annotations

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract import wire

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
