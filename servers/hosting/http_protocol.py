"""uvicorn's HTTP protocol with bounds on requests, counts of client errors, and the ASGI extensions of transports."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from servers.api.control import MAX_STREAM_BODY_BYTES
from servers.events.asgi_extensions import CUT_OFF_EXTENSION, ON_DISCONNECT_EXTENSION, WRITE_FRAMED_EXTENSION
from servers.events.client_errors import ClientErrors

MAX_HEAD_BYTES = 64 * 1024
"""Limit of a request line and its headers, which are held in memory until they end: far more than a browser sends."""
MAX_REQUEST_BYTES = 2 * MAX_STREAM_BODY_BYTES
"""Limit of a whole request as transferred, trailers and the framing of chunks included."""
MAX_PIPELINED = 100
"""Limit of the requests on one connection that wait for an answer."""


class ServerState(uvicorn.server.ServerState):
    """State shared by all connections of a server."""

    def __init__(self, client_errors: ClientErrors) -> None:
        super().__init__()
        self.client_errors = client_errors


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with client errors counted and requests bounded.

    An app can write whole chunks to a connection, cut it off while the client reads nothing, and be called back when it
    ends.
    """

    # Class attributes as defaults, so that connections which do not need them cost nothing more to create.
    server_state: ServerState
    _refused = False
    _request_bytes = 0
    """Bytes of the request being received, without those of the read in which it began."""
    _disconnected = False
    _on_disconnect: Callable[[], None] | None = None
    """Called when the connection ends, for a handler that does not wait for messages of its client."""
    _pipelined: deque[RequestResponseCycle] | None = None
    """Requests that were not answered yet when the next one arrived, in order; uvicorn keeps no reference to them."""

    def data_received(self, data: bytes) -> None:
        self._request_bytes += len(data)
        super().data_received(data)
        if self._request_bytes > MAX_HEAD_BYTES or self._pipelined or self.flow.read_paused:
            self._check_bounds()

    def on_message_begin(self) -> None:
        self._request_bytes = 0
        if self.cycle is not None and not self.cycle.response_complete:
            self._keep_pipelined(self.cycle)
        super().on_message_begin()
        self.scope["extensions"] = {
            CUT_OFF_EXTENSION: self._cut_off,  # type: ignore[dict-item]  # ours, not ASGI's
            WRITE_FRAMED_EXTENSION: self._write_framed,  # type: ignore[dict-item]  # ours, not ASGI's
            ON_DISCONNECT_EXTENSION: self._set_on_disconnect,  # type: ignore[dict-item]  # ours, not ASGI's
        }

    def handle_websocket_upgrade(self) -> None:
        if self._unanswered:
            # As a WebSocket, the connection would never report its end to the handler of the earlier request.
            self._refuse()
            self.transport.abort()
            return
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        self._refuse()
        if any(cycle.response_started for cycle in self._unanswered):
            self.transport.close()  # within an answer, a second one would be read as a part of it
        else:
            super().send_400_response(msg)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.scope is not None and not self._request_complete and not self._refused:
            self.server_state.client_errors.add("abandoned_requests")
        super().connection_lost(exc)
        # uvicorn leaves the timer set if the client resets the connection, which then stays in memory for as long.
        self._unset_keepalive_if_required()
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()
        self._disconnected = True
        if self._on_disconnect is not None:
            self._on_disconnect()

    @property
    def _in_head(self) -> bool:
        """Whether the headers of a request are incomplete."""
        return self.scope is not None and "method" not in self.scope

    @property
    def _request_complete(self) -> bool:
        return not self._in_head and (self.cycle is None or not self.cycle.more_body)

    def _keep_pipelined(self, cycle: RequestResponseCycle) -> None:
        self._pipelined = self._pipelined or deque()
        while self._pipelined and self._pipelined[0].response_complete:
            self._pipelined.popleft()
        self._pipelined.append(cycle)

    @property
    def _unanswered(self) -> list[RequestResponseCycle]:
        cycles = [*(self._pipelined or ()), *([] if self.cycle is None else [self.cycle])]
        return [cycle for cycle in cycles if not cycle.response_complete]

    def _refuse(self) -> None:
        self._refused = True
        self.server_state.client_errors.add("malformed_requests")

    def _check_bounds(self) -> None:
        if self.transport.is_closing():
            return
        unanswered = self._unanswered
        if self._in_head and self._request_bytes > MAX_HEAD_BYTES:
            self.send_400_response(f"Request line and headers of more than {MAX_HEAD_BYTES} bytes.")
        elif not self._request_complete and self._request_bytes > MAX_REQUEST_BYTES:
            self.send_400_response(f"Request of more than {MAX_REQUEST_BYTES} bytes.")
        elif len(unanswered) > MAX_PIPELINED:
            self.send_400_response(f"More than {MAX_PIPELINED} requests wait for an answer.")
        elif sum(len(cycle.body) for cycle in unanswered) > MAX_REQUEST_BYTES:
            self.send_400_response(f"Requests of more than {MAX_REQUEST_BYTES} bytes together wait for an answer.")
        elif self._pipelined or self._on_disconnect is not None:
            # uvicorn stops reading until it has answered, or until the app reads the body, and so would not notice
            # that the client has left.
            self.flow.resume_reading()

    def timeout_keep_alive_handler(self) -> None:
        # An answer that was not read in all that time never will be, and close() would wait for it for ever.
        self.transport.abort()

    def _write_framed(self, chunk: bytes) -> bool:
        if self.flow.write_paused or self.transport.is_closing():
            return False
        self.transport.write(chunk)
        return True

    def _set_on_disconnect(self, callback: Callable[[], None] | None) -> None:
        self._on_disconnect = callback
        if callback is None:
            return
        if self._disconnected:
            callback()
        elif not self.transport.is_closing():
            self.flow.resume_reading()  # a body that the app does not read may have stopped it

    def _cut_off(self, _reason: str) -> None:
        self.transport.abort()
