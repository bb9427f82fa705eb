"""uvicorn's WebSocket protocol with counts of client errors, and the ASGI extensions of transports."""

from __future__ import annotations

from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

from contract import wire
from servers.events.asgi_extensions import CUT_OFF_EXTENSION, WRITE_FRAMED_EXTENSION
from servers.hosting.http_protocol import ServerState

CUT_OFF_GRACE_S = 2.0
"""Time for a client that is cut off to read what was sent to it and the close code that follows."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol with client errors counted.

    An app can write whole frames to a connection, and cut it off even if the client reads nothing.
    """

    def __init__(self, config: uvicorn.Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        super().__init__(config, server_state, app_state)
        self._client_errors = server_state.client_errors

    async def run_asgi(self) -> None:
        if self.transport.is_closing():
            return  # the client left before its handshake was answered; uvicorn would run the app all the same
        await super().run_asgi()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated:
            self._refuse_handshake()

    def handle_parser_exception(self) -> None:
        self._client_errors.add("malformed_frames")
        super().handle_parser_exception()
        self.disconnected = True  # so that the app's next send does not raise an error of the app

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"][CUT_OFF_EXTENSION] = self._cut_off  # type: ignore[assignment]  # ours, not ASGI's
            if not self.conn.extensions:  # an extension such as compression has a frame of its own for each client
                self.scope["extensions"][WRITE_FRAMED_EXTENSION] = self._write_framed  # type: ignore[assignment]  # ours, not ASGI's

    def _refuse_handshake(self) -> None:
        """Answer a handshake that `websockets` could not parse; uvicorn would leave it without an answer."""
        self._client_errors.add("malformed_requests")
        self.handshake_complete = self.close_sent = True
        refusal = b"".join(self.conn.data_to_send())  # empty if it was not a request at all
        self.transport.write(refusal or self.conn.reject(400, f"{self.conn.handshake_exc}.\n").serialize())
        self.transport.close()

    def _write_framed(self, frame: bytes) -> bool:
        if not self.writable.is_set() or self.close_sent or self.disconnected or self.transport.is_closing():
            return False
        self.transport.write(frame)
        return True

    def shutdown(self) -> None:
        if self.handshake_complete and not self.close_sent and self.conn.state is not State.OPEN:
            # The client has begun to close: uvicorn's shutdown would send another close frame, which is an error.
            self.stop_keepalive()
            self.transport.close()
        else:
            super().shutdown()

    def _cut_off(self, reason: str) -> None:
        """Send a close frame with the reason after all pending data, and abort the connection after a grace period."""
        if self.close_sent or self.transport.is_closing():
            return
        self.conn.send_close(wire.CURSOR_TOO_OLD_CLOSE_CODE, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.disconnected = True  # so that a send of the app, blocked until now, writes nothing after the close frame
        self.close_timer = self.loop.call_later(CUT_OFF_GRACE_S, self.transport.abort)
