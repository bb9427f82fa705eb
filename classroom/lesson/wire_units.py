"""The data on the wire of the lesson, divided into HTTP messages and WebSocket frames, and counted to the byte."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_HELD_BYTES = 64 * 1024
"""Limit for an incomplete message; the lesson's are far shorter, and longer ones are not counted."""
MAX_WAITING_UNITS = 16
"""Limit for a connection that no handler listens to, such as a refused one."""

_FRAMES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
"""Opcodes of RFC 6455, section 5.2."""
_END_OF_HEAD = b"\r\n\r\n"
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_UPGRADE = re.compile(rb"\r\nupgrade: *websocket\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Unit:
    """One HTTP message or one frame, complete; or the end of the stream."""

    kind: str
    """`http`, the name of a frame's opcode, or `end`."""
    total_bytes: int
    payload_bytes: int
    """Bytes without the head or the frame header."""


class UnitSplitter:
    """Divides the data of one connection in one direction into HTTP/1.1 messages, and after an upgrade into frames."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._framed = False
        self._gave_up = False

    def feed(self, data: bytes) -> list[Unit]:
        """Return the units that are complete with this data."""
        if self._gave_up:
            return []
        self._held += data
        units = []
        while unit := self._frame() if self._framed else self._http_message():
            del self._held[: unit.total_bytes]
            units.append(unit)
        if len(self._held) > MAX_HELD_BYTES:
            self._gave_up = True
            self._held.clear()
        return units

    def _http_message(self) -> Unit | None:
        end = self._held.find(_END_OF_HEAD)
        if end < 0:
            return None
        head_bytes = end + len(_END_OF_HEAD)
        head = bytes(self._held[:head_bytes])
        length = _CONTENT_LENGTH.search(head)
        body_bytes = int(length[1]) if length else 0
        if len(self._held) < head_bytes + body_bytes:
            return None
        # Of the answers, only 101 upgrades: 426 carries the same header.
        refused = head.startswith(b"HTTP/") and head.split(b" ", 2)[1] != b"101"
        self._framed = _UPGRADE.search(head) is not None and not refused
        return Unit("http", head_bytes + body_bytes, body_bytes)

    def _frame(self) -> Unit | None:
        if len(self._held) < 2:
            return None
        opcode, length = self._held[0] & 0x0F, self._held[1] & 0x7F
        header_bytes = 2 + {126: 2, 127: 8}.get(length, 0)
        if len(self._held) < header_bytes:
            return None
        payload_bytes = length if length < 126 else int.from_bytes(self._held[2:header_bytes], "big")
        if self._held[1] & 0x80:
            header_bytes += 4  # the masking key of a browser's frame
        if len(self._held) < header_bytes + payload_bytes:
            return None
        return Unit(_FRAMES.get(opcode, "unknown"), header_bytes + payload_bytes, payload_bytes)


UnitListener = Callable[[str, Unit, int], None]
"""Called with the direction (`up` from the browser, `down` to it), the unit, and when its last byte passed (ns)."""


class TappedConnection:
    """One connection through the relay. The units of a request are queued until its handler listens."""

    def __init__(self) -> None:
        self._splitters = {"up": UnitSplitter(), "down": UnitSplitter()}
        self._waiting: list[tuple[str, Unit, int]] = []
        self._listener: UnitListener | None = None

    def passed(self, direction: str, data: bytes, arrived_ns: int) -> None:
        """Handle data that passed; empty data is the end of the stream."""
        if not data:
            self._pass_on(direction, Unit("end", 0, 0), arrived_ns)
        for unit in self._splitters[direction].feed(data):
            if unit.kind == "http" and direction == "up":
                # On a kept-alive connection, the next request may go to another handler.
                self._listener = None
                self._waiting.clear()
            self._pass_on(direction, unit, arrived_ns)

    def listen(self, listener: UnitListener) -> None:
        """Pass units to the listener from the present request on, until the next one."""
        self._listener = listener
        waiting, self._waiting = self._waiting, []
        for direction, unit, arrived_ns in waiting:
            listener(direction, unit, arrived_ns)

    def _pass_on(self, direction: str, unit: Unit, arrived_ns: int) -> None:
        if self._listener is not None:
            self._listener(direction, unit, arrived_ns)
        elif len(self._waiting) < MAX_WAITING_UNITS:
            self._waiting.append((direction, unit, arrived_ns))


class Taps:
    """The connections through the lesson's relay, by the client address that its server sees."""

    def __init__(self) -> None:
        self._connections: dict[tuple[str, int], TappedConnection] = {}

    def tap(self) -> Tap:
        """Return a tap for a connection that the relay has just accepted."""
        return Tap(self._connections)

    def find(self, address: tuple[str, int]) -> TappedConnection | None:
        """Return the connection with this address; None if it does not pass the relay."""
        return self._connections.get(address)


class Tap:
    """Receives the data of one connection from the relay (a `servers.relay.delay_relay.RelayTap`)."""

    def __init__(self, connections: dict[tuple[str, int], TappedConnection]) -> None:
        self._connections = connections
        self._connection = TappedConnection()
        self.passed = self._connection.passed

    def connected(self, address: tuple[str, int]) -> None:
        """Register the connection by the client address that the server sees."""
        self._connections[address] = self._connection

    def disconnected(self, address: tuple[str, int]) -> None:
        """Remove the connection."""
        self._connections.pop(address, None)
