"""A scripted client of the classroom: raw sockets that count every byte, and the live socket beside them."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from classroom.lanes.definitions import LANES, TRANSPORTS, wire_number

from .conftest import PATIENCE_S, RunningClassroom


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class CountingSocket:
    """A connection to one port that counts what it sent and received."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self._socket.settimeout(PATIENCE_S)
        self._held = b""
        self.sent_bytes = 0
        self.received_bytes = 0

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)
        self.sent_bytes += len(data)

    def read(self, wanted: int) -> bytes:
        """So many bytes exactly."""
        self._fill(lambda: len(self._held) >= wanted)
        data, self._held = self._held[:wanted], self._held[wanted:]
        return data

    def read_head(self) -> Reply:
        """Status and headers of an answer."""
        self._fill(lambda: b"\r\n\r\n" in self._held)
        head, self._held = self._held.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        return Reply(int(first.split()[1]), {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}, b"")

    def read_reply(self) -> Reply:
        """A whole answer that says how long it is."""
        reply = self.read_head()
        reply.body = self.read(int(reply.headers.get("content-length", "0")))
        return reply

    def read_frame(self) -> tuple[int, bytes]:
        """Opcode and payload of a server's frame."""
        first, length = self.read(2)
        if length == 126:
            length = int.from_bytes(self.read(2), "big")
        return first & 15, self.read(length)

    def read_stream(self, end: bytes) -> bytes:
        """What an answer without a length brings, up to the chunk that holds `end`."""
        self._fill(lambda: end in self._held and self._held.endswith(b"\r\n"))
        data, self._held = self._held, b""
        return data

    def close(self) -> None:
        self._socket.close()

    def _fill(self, enough: Callable[[], bool]) -> None:
        while not enough():
            data = self._socket.recv(65_536)
            if not data:
                raise ConnectionError(f"the server closed after {self._held!r}")
            self.received_bytes += len(data)
            self._held += data


@dataclass
class Scripted:
    """One client: its live socket, its number, and its connections to lanes."""

    classroom: RunningClassroom
    live: ClientConnection
    hello: dict[str, Any]
    opened: list[CountingSocket] = field(default_factory=list)

    @property
    def number(self) -> int:
        number: int = self.hello["client"]
        return number

    def path(self, transport: str, **query: object) -> str:
        """The lane's path with this client's number."""
        index = TRANSPORTS.index(transport)
        asked = {"client": wire_number(self.number, index)} | query
        return f"{LANES[index].path}?" + "&".join(f"{name}={value}" for name, value in asked.items())

    def connect(self, transport: str) -> CountingSocket:
        """A connection to a lane."""
        opened = CountingSocket(self.classroom.lane_ports[TRANSPORTS.index(transport)])
        self.opened.append(opened)
        return opened

    def ask(self, connection: CountingSocket, transport: str, path: str, **headers: str) -> None:
        """Send a GET as a page of the classroom does."""
        port = self.classroom.lane_ports[TRANSPORTS.index(transport)]
        lines = {"Host": f"127.0.0.1:{port}", "Origin": self.classroom.url} | headers
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        connection.send(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())

    def get(self, transport: str, path: str | None = None, **headers: str) -> Reply:
        """One request on a connection of its own."""
        connection = self.connect(transport)
        self.ask(connection, transport, path or self.path(transport), **headers)
        return connection.read_reply()

    def upgrade(self, transport: str = "websocket", path: str | None = None, **headers: str) -> CountingSocket:
        """A connection on which a WebSocket handshake was sent."""
        connection = self.connect(transport)
        key = base64.b64encode(bytes(16)).decode()
        handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": key}
        self.ask(
            connection,
            transport,
            path or self.path(transport),
            **handshake,
            **{"Sec-WebSocket-Version": "13"},
            **headers,
        )
        return connection

    def hear(self, kind: str, *, run: int | None = None) -> dict[str, Any]:
        """The next message of this type on the live socket; all others are dropped."""
        return self.hear_all(kind, run=run)[-1]

    def hear_all(self, kind: str, *, run: int | None = None) -> list[dict[str, Any]]:
        """All messages up to the next of this type, about this run if one is given."""
        heard = []
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            message = json.loads(self.live.recv(timeout=PATIENCE_S))
            heard.append(message)
            about = message["run"]["id"] if message["type"] == "run" else message.get("run")
            if message["type"] == kind and run in (None, about):
                return heard
        raise AssertionError(f"no {kind} among {[message['type'] for message in heard]}")


@contextlib.contextmanager
def scripted_client(classroom: RunningClassroom, query: str = "") -> Iterator[Scripted]:
    """A client that has entered."""
    address = f"{classroom.websocket_url}/api/live{query}"
    # With a queue that may fill up, closing would have to wait until somebody reads it.
    with connect(address, origin=Origin(classroom.url), max_queue=None) as live:
        client = Scripted(classroom, live, json.loads(live.recv(timeout=PATIENCE_S)))
        try:
            yield client
        finally:
            for connection in client.opened:
                connection.close()
