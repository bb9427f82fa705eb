"""Events as complete WebSocket frames and HTTP chunks, made by the code of `websockets` and uvicorn.

These libraries frame for one connection at a time; here each frame is made once and written to all connections.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from websockets.frames import Frame, Opcode

from servers.events.log import EncodedEvent


def websocket_frame(event: EncodedEvent) -> bytes:
    """Return the event as one unmasked, uncompressed text frame (RFC 6455, 5.6)."""
    return Frame(Opcode.TEXT, event.text.encode()).serialize(mask=False)


def sse_chunk(event: EncodedEvent) -> bytes:
    """Return the server-sent event as one chunk of an endless answer (RFC 9112, 7.1)."""
    transport = _BufferTransport()
    answer = _answer_without_end(transport)
    _finish(answer.send({"type": "http.response.body", "body": event.sse, "more_body": True}))
    return transport.written


class _BufferTransport(asyncio.Transport):
    """A transport that only keeps the bytes written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        self.written += data


def _answer_without_end(transport: asyncio.Transport) -> RequestResponseCycle:
    """Return uvicorn's object for a GET whose chunked answer has started."""
    logger = logging.getLogger("uvicorn.error")
    answer = RequestResponseCycle(
        scope={"method": "GET"},  # type: ignore[typeddict-item]  # all of it that is read
        transport=transport,
        flow=FlowControl(transport),
        logger=logger,
        access_logger=logger,
        access_log=False,
        default_headers=[],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=True,
        on_response=lambda: None,
    )
    answer.response_started = True
    answer.chunked_encoding = True
    return answer


def _finish(call: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits."""
    try:
        call.send(None)
    except StopIteration:
        return
    raise RuntimeError("uvicorn waited for a connection that accepts everything at once")
