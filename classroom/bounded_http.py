"""HTTP for strangers: a request's line and headers are held in memory until they end, so they must."""

from __future__ import annotations

from typing import Any

from servers.serving import HttpProtocol

MAX_HEAD_BYTES = 64 * 1024
"""Far beyond what a browser sends."""


class BoundedHttpProtocol(HttpProtocol):
    """Breaks the connection of who sends a head without an end."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._in_head = False
        self._head_bytes = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()
