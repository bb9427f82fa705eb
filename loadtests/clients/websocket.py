"""WebSocket: `websockets`' own Sans-I/O protocol, one text frame per event (RFC 6455)."""

from __future__ import annotations

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from loadtests.clients.base import ANSWER_TIMEOUT_NS, Client, ClientSetup, compresses
from loadtests.recorder import Recorder
from loadtests.records import Outcome, RequestKind
from servers import wire

_DEFLATE = ClientPerMessageDeflateFactory(
    server_max_window_bits=12, client_max_window_bits=12, compress_settings={"memLevel": 5}
)
"""RFC 7692, with the settings of uvicorn's side."""


class WebSocketClient(Client):
    """Opens the channel once and then only listens."""

    def __init__(self, setup: ClientSetup, recorder: Recorder) -> None:
        super().__init__(setup, recorder)
        self._protocol = self._new_protocol()
        self._handshake_start_ns = 0
        self._handshake_up_bytes = 0
        self._handshake_down_bytes = 0
        self._fragments: list[bytes] = []

    @property
    def target(self) -> str:
        """Path and query of the channel."""
        return f"{wire.WEBSOCKET_PATH}?after={self.cursor}{self.own_name}"

    def message(self, text: bytes, user_ns: int, kernel_ns: int) -> None:
        """One whole text message arrived."""
        self.deliver_encoded(text, user_ns, kernel_ns)

    def send_text(self, text: str) -> None:
        """Send one message up the channel."""
        self._protocol.send_text(text.encode())
        self._flush()

    # What the driver tells.

    def opened(self, now_ns: int) -> None:
        self._protocol = self._new_protocol()
        self._fragments.clear()
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        self._handshake_start_ns = now_ns
        self._handshake_up_bytes = len(self.output)
        self._handshake_down_bytes = 0
        self.timer_ns = now_ns + ANSWER_TIMEOUT_NS

    def received(self, data: bytes, user_ns: int, kernel_ns: int) -> None:
        opening = self._protocol.state is State.CONNECTING
        if opening:
            self._handshake_down_bytes += len(data)
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._frame(event, user_ns, kernel_ns)
            elif isinstance(event, Response):
                self._answered(event, user_ns)
        if opening and self._protocol.handshake_exc is not None and not self.ready:
            self._refused(user_ns)
        self._flush()

    def disconnected(self, now_ns: int) -> None:
        if self._protocol.state is State.CONNECTING:
            self._record_handshake(Outcome.LOST, now_ns)
        self._protocol.receive_eof()
        if self._protocol.close_code == wire.CURSOR_TOO_OLD_CLOSE_CODE:
            self.give_up()
        else:
            self.retry_later(now_ns)

    def timer(self, now_ns: int) -> None:
        if not self.wants_connection:
            self.wants_connection = not self.cut_off
        elif self._protocol.state is State.CONNECTING:
            self._record_handshake(Outcome.TIMEOUT, now_ns)
            self.retry_later(now_ns)

    def finish(self, now_ns: int) -> None:
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(1000)
            self._flush()
        self.wants_connection = False
        self.timer_ns = 0

    def _new_protocol(self) -> ClientProtocol:
        # Compression is a factor of its own and off by default on both sides.
        extensions = [_DEFLATE] if compresses(self.setup) else None
        return ClientProtocol(parse_uri(f"ws://{self.setup.host}{self.target}"), extensions=extensions, max_size=None)

    def _flush(self) -> None:
        for piece in self._protocol.data_to_send():
            self.output += piece

    def _answered(self, response: Response, now_ns: int) -> None:
        if response.status_code == 101 and self._protocol.handshake_exc is None:
            self._record_handshake(Outcome.ANSWERED, now_ns, 101)
            self.ready = True
            self.timer_ns = 0

    def _refused(self, now_ns: int) -> None:
        reason = self._protocol.handshake_exc
        status = reason.response.status_code if isinstance(reason, InvalidStatus) else 0
        self._record_handshake(Outcome.BAD_STATUS if status else Outcome.GARBLED, now_ns, status)
        if status == wire.CURSOR_TOO_OLD_STATUS:
            self.give_up()
        else:
            self.retry_later(now_ns)

    def _frame(self, frame: Frame, user_ns: int, kernel_ns: int) -> None:
        if frame.opcode is Opcode.TEXT and frame.fin:
            self.message(bytes(frame.data), user_ns, kernel_ns)
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                whole = b"".join(self._fragments)
                self._fragments.clear()
                self.message(whole, user_ns, kernel_ns)
        elif frame.opcode is Opcode.BINARY:
            self.record_garbled(user_ns, kernel_ns)

    def _record_handshake(self, outcome: Outcome, now_ns: int, status: int = 0) -> None:
        self.record_request(
            RequestKind.HANDSHAKE,
            self._handshake_start_ns,
            now_ns,
            outcome,
            status=status,
            up_bytes=self._handshake_up_bytes,
            down_bytes=self._handshake_down_bytes,
        )
