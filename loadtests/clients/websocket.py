"""The WebSocket client: the Sans-I/O protocol of `websockets`, and a faster path for plain data frames (RFC 6455)."""

from __future__ import annotations

from websockets.client import ClientProtocol
from websockets.extensions.base import Extension
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.protocol import Protocol, Side, State
from websockets.uri import parse_uri

from contract import wire
from contract.records import Outcome, RequestKind
from loadtests.clients.base import ANSWER_TIMEOUT_NS, Client, ClientSetup, compresses
from loadtests.clients.event_reader import EVENT_AS_JSON, GARBLED, holds_several
from loadtests.clients.http_answers import Head, MalformedAnswerError, final_head
from loadtests.clients.recorder import Recorder

_DEFLATE = ClientPerMessageDeflateFactory(
    server_max_window_bits=12, client_max_window_bits=12, compress_settings={"memLevel": 5}
)
"""permessage-deflate (RFC 7692) with uvicorn's settings."""
_SWITCHING_PROTOCOLS = 101
_RECONNECT_CODES = (CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RCVD, CloseCode.SERVICE_RESTART)
"""Codes with which a server closes a channel that may be opened again: the client reconnects, which is counted."""


class _WatchedExtension(Extension):
    """An extension that records whether the server has used it."""

    def __init__(self, inner: Extension) -> None:
        self._inner = inner
        self.name = inner.name
        self.used: bool | None = None
        """Whether a message was compressed; None before the first frame of a message."""

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Decode a frame with the extension itself; RSV1 marks the frames to decode (RFC 7692, section 6)."""
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self.used = self.used or frame.rsv1
        return self._inner.decode(frame, max_size=max_size)

    def encode(self, frame: Frame) -> Frame:
        """Encode a frame with the extension itself."""
        return self._inner.encode(frame)


class WebSocketClient(Client):
    """Opens the channel once and then only listens.

    On an open channel without extensions it reads plain data frames itself and passes everything else to the library,
    until the library has parsed whole frames and messages. Between messages a protocol object has no state but "open",
    so it can be dropped (it is larger than the rest of a client) and built again.
    """

    __slots__ = (
        "_answer",
        "_close_frame",
        "_deflate",
        "_fragments",
        "_handshake_start_ns",
        "_handshake_up_bytes",
        "_in_message",
        "_plain",
        "_protocol",
        "_unparsed_bytes",
    )
    _handshake_start_ns: int
    """When the latest handshake started; unset before the first."""
    only_listens = True

    def __init__(self, setup: ClientSetup, recorder: Recorder) -> None:
        super().__init__(setup, recorder)
        self._protocol: Protocol | None = None
        self._plain = False
        """Whether the channel is open, without extensions, and the next byte begins a frame that begins a message."""
        self._unparsed_bytes = 0
        """The bytes that the library has received and not yet returned as frames, since the channel was plain."""
        self._in_message = False
        self._fragments: list[bytes] | None = None
        self._handshake_up_bytes = 0
        self._answer = b""
        """The bytes of the handshake's answer so far."""
        self._deflate: _WatchedExtension | None = None
        """The compression of the channel, if it was negotiated."""
        self._close_frame: Close | None = None
        """The latest close frame of the server that allows a new connection."""

    @property
    def target(self) -> str:
        """Path and query of the channel."""
        return f"{wire.WEBSOCKET_PATH}?after={self.cursor}{self.own_name}"

    def send_text(self, text: str) -> None:
        """Send one message over the channel."""
        protocol = self._library()
        protocol.send_text(text.encode())
        self._flush(protocol)

    # Called by the driver.

    def opened(self, now_ns: int) -> None:
        self._reset_channel()
        # Compression is a factor of its own and off by default on both sides.
        extensions = [_DEFLATE] if compresses(self.setup) else None
        uri = parse_uri(f"ws://{self.setup.host}{self.target}")
        protocol = ClientProtocol(uri, extensions=extensions, max_size=None)
        protocol.send_request(protocol.connect())
        self._protocol = protocol
        self._flush(protocol)
        self._handshake_start_ns = now_ns
        self._handshake_up_bytes = len(self.output)
        self._answer = b""
        self.timer_ns = now_ns + ANSWER_TIMEOUT_NS

    def received(self, data: bytes, user_ns: int, kernel_ns: int) -> bool:
        if self._plain:
            arrivals, end, garbled = self.reader.frames(data)
            for arrival in arrivals:
                self.deliver(arrival, user_ns, kernel_ns)
            for text in garbled:
                self._report_no_event(text)
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
            part = "got part of an answer before its" if self._answer else "got no answer: its new"
            self._report(f"{part} connection was closed", self._answer)
            self._record_handshake(Outcome.LOST, now_ns)
        protocol = self._protocol
        self._reset_channel()
        if protocol is not None:
            protocol.receive_eof()
        if protocol is not None and protocol.close_code == wire.CURSOR_TOO_OLD_CLOSE_CODE:
            self.give_up()
        else:
            self.retry_later(now_ns)

    def due(self, now_ns: int) -> None:
        if self._opening:
            self._report(f"got no whole answer within {ANSWER_TIMEOUT_NS / 1e9:g} s", self._answer)
            self._record_handshake(Outcome.TIMEOUT, now_ns)
            self.retry_later(now_ns)

    def finish(self, now_ns: int) -> None:
        self._record_compression()
        if self._close_frame is not None and not self.settled:
            problem = f"was closed by the server with code {self._close_frame.code}, and events are missing"
            self._report(problem, self._close_frame.reason.encode())
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
        self._answer += data
        try:
            found = final_head(self._answer)
        except MalformedAnswerError as error:
            self._report(f"got no usable answer: {error}", self._answer)
            self._refuse(Outcome.GARBLED, user_ns)
            return
        if found is None:
            return
        head, head_bytes, rest = found
        if head.status != _SWITCHING_PROTOCOLS:
            self._report_status(head, rest)
            self._refuse(Outcome.BAD_STATUS, user_ns, head.status)
            return
        protocol = self._library()
        protocol.receive_data(head_bytes)
        protocol.events_received()
        if protocol.handshake_exc is not None:
            self._report_handshake(head, protocol.handshake_exc)
            self._refuse(Outcome.GARBLED, user_ns, head.status)
            return
        self._answer = self._answer[: len(self._answer) - len(rest)]
        self._channel_opened(user_ns)
        if rest:
            self.received(rest, user_ns, kernel_ns)

    def _channel_opened(self, now_ns: int) -> None:
        protocol = self._library()
        self._record_handshake(Outcome.ANSWERED, now_ns, _SWITCHING_PROTOCOLS)
        self._answer = b""
        self.ready = True
        self.timer_ns = None
        if protocol.extensions:
            self._deflate = _WatchedExtension(protocol.extensions[0])
            protocol.extensions = [self._deflate]
        else:
            self._become_plain()
            if compresses(self.setup):
                self.recorder.record_deflated(False)
                self._report("answered 101 without permessage-deflate, which was offered: nothing is compressed")

    def _refuse(self, outcome: Outcome, now_ns: int, status: int = 0) -> None:
        self._record_handshake(outcome, now_ns, status)
        if status == wire.CURSOR_TOO_OLD_STATUS:
            self.give_up()
        else:
            self.retry_later(now_ns)

    def _report_status(self, head: Head, body: bytes) -> None:
        problem = f"answered {head.status} (expected 101 Switching Protocols)"
        location = head.redirect_location
        if location is not None:
            self._report(f"{problem}; redirects are not followed", location)
        elif head.status == wire.CURSOR_TOO_OLD_STATUS:
            self._report(problem, body)
        else:
            self._report(f"{problem}: a proxy in between may not pass on the Upgrade, or the path does not exist", body)

    def _report_handshake(self, head: Head, error: Exception) -> None:
        offered = {"extensions": compresses(self.setup), "protocol": False}
        for what, requested in offered.items():
            chosen = head.field(f"sec-websocket-{what}".encode())
            if chosen is not None and not requested:
                self._report(f"answered 101 with Sec-WebSocket-{what.capitalize()}, which was not requested", chosen)
                return
        self._report(f"answered 101, but the handshake failed: {error}")

    def _report(self, problem: str, example: bytes = b"") -> None:
        self.report(f"GET {self.target.partition('?')[0]} {problem}", example)

    def _record_handshake(self, outcome: Outcome, now_ns: int, status: int = 0) -> None:
        self.record_request(
            RequestKind.HANDSHAKE,
            self._handshake_start_ns,
            now_ns,
            outcome,
            status=status,
            up_bytes=self._handshake_up_bytes,
            down_bytes=len(self._answer),
        )

    # The open channel while it is not plain.

    def _library(self) -> Protocol:
        """Return the library's protocol object for this channel; a new one is open and between two messages."""
        if self._protocol is None:
            self._protocol = Protocol(Side.CLIENT, max_size=None)
        return self._protocol

    def _become_plain(self) -> None:
        self._plain = True
        self._protocol = None
        self._unparsed_bytes = 0

    def _record_compression(self) -> None:
        """Record whether the server used permessage-deflate, if it was negotiated."""
        if self._deflate is not None and self._deflate.used is not None:
            self.recorder.record_deflated(self._deflate.used)
            if not self._deflate.used:
                self._report("delivered no compressed message, though permessage-deflate was negotiated")
        self._deflate = None

    def _reset_channel(self) -> None:
        self._record_compression()
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
        if protocol.parser_exc is not None:
            self._report(f"violated the protocol: {protocol.parser_exc}")
        between = not self._unparsed_bytes and not self._in_message
        if between and protocol.state is State.OPEN and not protocol.extensions:
            self._become_plain()

    def _flush(self, protocol: Protocol) -> None:
        for piece in protocol.data_to_send():
            self.output += piece

    def _frame(self, frame: Frame, user_ns: int, kernel_ns: int) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._in_message = not frame.fin
        if frame.opcode is Opcode.TEXT and frame.fin:
            self._deliver_text(bytes(frame.data), user_ns, kernel_ns)
        elif frame.opcode is Opcode.TEXT:
            self._fragments = [bytes(frame.data)]
        elif frame.opcode is Opcode.CONT and self._fragments is not None:
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                whole = b"".join(self._fragments)
                self._fragments = None
                self._deliver_text(whole, user_ns, kernel_ns)
        elif frame.opcode is Opcode.BINARY:
            self._report("delivered a binary frame (expected text frames with one event each)", bytes(frame.data))
            self.record_garbled(user_ns, kernel_ns)
        elif frame.opcode is Opcode.CLOSE:
            self._report_close()

    def _deliver_text(self, text: bytes, user_ns: int, kernel_ns: int) -> None:
        arrival = self.reader.event(text)
        self.deliver(arrival, user_ns, kernel_ns)
        if arrival is GARBLED:
            self._report_no_event(text)

    def _report_no_event(self, text: bytes) -> None:
        if holds_several(text):
            self._report("delivered a frame that holds more than one event (expected one per frame)", text)
        else:
            self._report(f"delivered a frame that is not an event (expected {EVENT_AS_JSON})", text)

    def _report_close(self) -> None:
        close = self._library().close_rcvd
        if close is not None and close.code in _RECONNECT_CODES:
            self._close_frame = close
        elif close is not None:
            self._report(f"was closed by the server with code {close.code}", close.reason.encode())


def _shortest_bytes(frame: Frame) -> int:
    """Return the least length of this frame on the wire: its length field may be longer than needed.

    With a longer field too many bytes count as unparsed, and the library keeps parsing: slower, but correct.
    """
    payload_bytes = len(frame.data)
    return payload_bytes + (2 if payload_bytes < 126 else 4 if payload_bytes < 65536 else 10)
