"""WebSocket: `websockets`' own Sans-I/O protocol, and a short cut past it for plain data frames (RFC 6455)."""

from __future__ import annotations

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import Protocol, Side, State
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
    """Opens the channel once and then only listens.

    On an open channel without extensions it reads plain data frames itself and hands everything else to the library,
    which keeps the channel until it has been through with whole frames and messages. Between them a protocol object is
    in no state but open, so that it may be let go (it is larger than all the rest of a client) and made again.
    """

    __slots__ = (
        "_fragments", "_handshake_down_bytes", "_handshake_start_ns", "_handshake_up_bytes", "_in_message", "_plain",
        "_protocol", "_unparsed_bytes",
    )  # fmt: skip
    _handshake_start_ns: int
    """Of the latest handshake; unset before the first."""
    only_listens = True

    def __init__(self, setup: ClientSetup, recorder: Recorder) -> None:
        super().__init__(setup, recorder)
        self._protocol: Protocol | None = None
        self._plain = False
        """The channel is open, without extensions, and the next byte begins a frame that begins a message."""
        self._unparsed_bytes = 0
        """What the library was given since the channel was plain, less the frames that it made of that."""
        self._in_message = False
        self._fragments: list[bytes] | None = None
        self._handshake_up_bytes = 0
        self._handshake_down_bytes = 0

    @property
    def target(self) -> str:
        """Path and query of the channel."""
        return f"{wire.WEBSOCKET_PATH}?after={self.cursor}{self.own_name}"

    def send_text(self, text: str) -> None:
        """Send one message up the channel."""
        protocol = self._library()
        protocol.send_text(text.encode())
        self._flush(protocol)

    # What the driver tells.

    def opened(self, now_ns: int) -> None:
        self._forget_channel()
        # Compression is a factor of its own and off by default on both sides.
        extensions = [_DEFLATE] if compresses(self.setup) else None
        uri = parse_uri(f"ws://{self.setup.host}{self.target}")
        protocol = ClientProtocol(uri, extensions=extensions, max_size=None)
        protocol.send_request(protocol.connect())
        self._protocol = protocol
        self._flush(protocol)
        self._handshake_start_ns = now_ns
        self._handshake_up_bytes = len(self.output)
        self._handshake_down_bytes = 0
        self.timer_ns = now_ns + ANSWER_TIMEOUT_NS

    def received(self, data: bytes, user_ns: int, kernel_ns: int) -> bool:
        if self._plain:
            arrivals, end = self.reader.frames(data)
            for arrival in arrivals:
                self.deliver(arrival, user_ns, kernel_ns)
            if end == len(data):
                return False
            self._parse(data[end:], user_ns, kernel_ns)
        elif self._opening:
            self._shake_hands(data, user_ns, kernel_ns)
        else:
            self._parse(data, user_ns, kernel_ns)
        return True

    def disconnected(self, now_ns: int) -> None:
        if self._opening:
            self._record_handshake(Outcome.LOST, now_ns)
        protocol = self._protocol
        self._forget_channel()
        if protocol is not None:
            protocol.receive_eof()
        if protocol is not None and protocol.close_code == wire.CURSOR_TOO_OLD_CLOSE_CODE:
            self.give_up()
        else:
            self.retry_later(now_ns)

    def due(self, now_ns: int) -> None:
        if self._opening:
            self._record_handshake(Outcome.TIMEOUT, now_ns)
            self.retry_later(now_ns)

    def finish(self, now_ns: int) -> None:
        if self._plain or (self._protocol is not None and self._protocol.state is State.OPEN):
            protocol = self._library()
            protocol.send_close(1000)
            self._flush(protocol)
        self.wants_connection = False
        self.timer_ns = None

    # The opening handshake.

    @property
    def _opening(self) -> bool:
        return self._protocol is not None and self._protocol.state is State.CONNECTING

    def _shake_hands(self, data: bytes, user_ns: int, kernel_ns: int) -> None:
        """Line by line, so that the library has the handshake and not a byte of the frames that may follow it."""
        protocol = self._library()
        lines = data.splitlines(keepends=True)
        while lines and protocol.state is State.CONNECTING:
            line = lines.pop(0)
            self._handshake_down_bytes += len(line)
            protocol.receive_data(line)
        for event in protocol.events_received():
            if isinstance(event, Response):
                self._answered(event, user_ns)
        if protocol.handshake_exc is not None and self.wants_connection:
            self._refused(protocol.handshake_exc, user_ns)
        self._flush(protocol)
        if lines and self.ready:
            self.received(b"".join(lines), user_ns, kernel_ns)

    def _answered(self, response: Response, now_ns: int) -> None:
        protocol = self._library()
        if response.status_code == 101 and protocol.handshake_exc is None:
            self._record_handshake(Outcome.ANSWERED, now_ns, 101)
            self.ready = True
            self.timer_ns = None
            if not protocol.extensions:
                self._be_plain()

    def _refused(self, reason: Exception, now_ns: int) -> None:
        status = reason.response.status_code if isinstance(reason, InvalidStatus) else 0
        self._record_handshake(Outcome.BAD_STATUS if status else Outcome.GARBLED, now_ns, status)
        if status == wire.CURSOR_TOO_OLD_STATUS:
            self.give_up()
        else:
            self.retry_later(now_ns)

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

    # The open channel, where it is not plain.

    def _library(self) -> Protocol:
        """The library's view of this channel; without one it is open, and between two messages."""
        if self._protocol is None:
            self._protocol = Protocol(Side.CLIENT, max_size=None)
        return self._protocol

    def _be_plain(self) -> None:
        self._plain = True
        self._protocol = None
        self._unparsed_bytes = 0

    def _forget_channel(self) -> None:
        self._plain = False
        self._protocol = None
        self._unparsed_bytes = 0
        self._in_message = False
        self._fragments = None

    def _parse(self, data: bytes, user_ns: int, kernel_ns: int) -> None:
        self._plain = False
        protocol = self._library()
        protocol.receive_data(data)
        self._unparsed_bytes += len(data)
        for frame in protocol.events_received():
            assert isinstance(frame, Frame)
            self._unparsed_bytes -= _shortest_bytes(frame)
            self._frame(frame, user_ns, kernel_ns)
        self._flush(protocol)
        between = not self._unparsed_bytes and not self._in_message
        if between and protocol.state is State.OPEN and not protocol.extensions:
            self._be_plain()

    def _flush(self, protocol: Protocol) -> None:
        for piece in protocol.data_to_send():
            self.output += piece

    def _frame(self, frame: Frame, user_ns: int, kernel_ns: int) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._in_message = not frame.fin
        if frame.opcode is Opcode.TEXT and frame.fin:
            self.deliver(self.reader.event(bytes(frame.data)), user_ns, kernel_ns)
        elif frame.opcode is Opcode.TEXT:
            self._fragments = [bytes(frame.data)]
        elif frame.opcode is Opcode.CONT and self._fragments is not None:
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                whole = b"".join(self._fragments)
                self._fragments = None
                self.deliver(self.reader.event(whole), user_ns, kernel_ns)
        elif frame.opcode is Opcode.BINARY:
            self.record_garbled(user_ns, kernel_ns)


def _shortest_bytes(frame: Frame) -> int:
    """As long as this frame was on the wire, at the least: its length may have been written longer than it need be.

    Then more bytes count as unparsed than are, and the channel stays with the library: slower, and right.
    """
    payload_bytes = len(frame.data)
    return payload_bytes + (2 if payload_bytes < 126 else 4 if payload_bytes < 65536 else 10)
