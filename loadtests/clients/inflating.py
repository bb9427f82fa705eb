"""Between an HTTP parser and its client: undoes `Content-Encoding: deflate`, zlib's format (RFC 9110, 8.4.1.2)."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Protocol


class HearsHttp(Protocol):
    """What httptools tells a client of an answer."""

    def on_body(self, body: bytes) -> None:
        """A piece of its body."""

    def on_message_complete(self) -> None:
        """Its end."""


class Inflating:
    """Passes on what the parser tells, bodies as they were before the server compressed them.

    An answer that says nothing of an encoding is passed on as it is. What cannot be inflated raises zlib.error, which
    the parser reports as it reports every other malformed answer.
    """

    def __init__(self, client: HearsHttp) -> None:
        self._client = client
        self._headers_complete: Callable[[], None] | None = getattr(client, "on_headers_complete", None)
        self._inflater: zlib._Decompress | None = None

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header of the answer."""
        if name.lower() == b"content-encoding" and value.strip().lower() == b"deflate":
            self._inflater = zlib.decompressobj()

    def on_headers_complete(self) -> None:
        """The answer's body begins."""
        if self._headers_complete is not None:
            self._headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body as it travelled."""
        self._client.on_body(body if self._inflater is None else self._inflater.decompress(body))

    def on_message_complete(self) -> None:
        """The answer is whole."""
        self._inflater = None
        self._client.on_message_complete()
