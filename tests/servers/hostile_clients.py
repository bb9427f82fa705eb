"""Clients that keep to no rule: what they send, as hypothesis strategies, and how they send it."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

import httpx
import psutil
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

from contract import wire
from servers.events.client_errors import LOG_PREFIX

from .conftest import PATIENCE_S, RunningServer

PATHS = (
    wire.HEALTH_PATH,
    wire.CLOCK_PATH,
    wire.STREAM_PATH,
    wire.STATS_PATH,
    wire.TRACE_PATH,
    wire.SHORT_POLL_PATH,
    wire.LONG_POLL_PATH,
    wire.SSE_PATH,
    wire.POST_ECHO_PATH,
    wire.WEBSOCKET_PATH,
    wire.WEBSOCKET_ECHO_PATH,
)

Leaving = Literal["once answered", "at once", "by a reset", "half closed"]

BATCH = 50
"""Visits at a time."""
_EVENTS = 4
_EVENT_PERIOD_NS = 1_000_000
_LARGE_BYTES = 1_500_000
"""More than the echoes take."""
_UNREAD_S = 0.01
"""How long a piece may wait for a server that reads no more."""
_TOLERANCE = 0.05
"""Of descriptors and memory."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One connection of a hostile client: what it sends, and how it leaves."""

    pieces: tuple[bytes, ...]
    leaving: Leaving


_large = st.integers(0, 9).map(lambda number: b"x" * (_LARGE_BYTES if number == 9 else number))

# What requests are made of.

_numbers = st.one_of(
    st.sampled_from(
        [
            b"0",
            b"-1",
            b"1",
            b"%31",
            b"9007199254740991",
            b"9007199254740992",
            b"1e9",
            b"NaN",
            b"-0",
            b"+1",
            b"1_0",
            b"",
            b"%00",
            b"%ff",
            b"%D9%A1",
            b"\xd9\xa1",
            b"\xff",
            b"9" * 5000,
        ]
    ),
    st.integers(-(10**20), 10**20).map(lambda number: b"%d" % number),
    st.binary(max_size=12),
)
_queries = st.lists(
    st.tuples(st.sampled_from([b"after", b"hold_ms", b"cursor", b"client", b"", b"\xff", b"after[]"]), _numbers),
    max_size=4,
).map(lambda pairs: b"&".join(name + b"=" + value for name, value in pairs))
_path = st.sampled_from([path.encode() for path in PATHS])
_paths = st.one_of(
    _path,
    st.tuples(_path, st.sampled_from([b"/", b"%2e", b"%ff", b"%", b"%00", b"\xff", b"\xc3\xa9", b"//", b"#x"])).map(
        b"".join
    ),
    st.sampled_from(
        [b"*", b"/", b"//", b"http://x/ws", b"http://[::1", b"/" + b"a" * 9000, b"/%80/\xfe", b"/openapi.json"]
    ),
    st.binary(max_size=20).map(lambda raw: b"/" + raw),
)
_targets = st.tuples(_paths, st.one_of(st.just(b""), _queries.map(lambda query: b"?" + query))).map(b"".join)
_methods = st.one_of(
    st.sampled_from(
        [b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"CONNECT", b"get", b"PRI"]
    ),
    st.binary(min_size=1, max_size=6),
)
_versions = st.sampled_from([b"HTTP/1.1"] * 8 + [b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/9.9", b"", b"\xff"])
_headers = st.one_of(
    st.sampled_from(
        [
            b"Connection: close",
            b"Connection: Upgrade",
            b"Upgrade: websocket",
            b"Upgrade: h2c",
            b"Expect: 100-continue",
            b"Content-Type: application/json",
            b"Content-Type: \xff/\xff",
            b"Content-Length: 5",
            b"Content-Length: 99999999",
            b"Content-Length: -1",
            b"Content-Length: 99999999999999999999999",
            b"Content-Length: \xd9\xa1",
            b"Transfer-Encoding: chunked",
            b"Transfer-Encoding: gzip, chunked",
            b"Accept-Encoding: deflate",
            b"Last-Event-ID: \xff",
            b"Last-Event-ID: -5",
            b"Last-Event-ID: 99999999999999999999",
            b"Cookie: " + b"c" * 9000,
            b": nameless",
            b"Broken\x00: header",
            b"no colon",
        ]
    ),
    st.tuples(st.binary(max_size=8), st.binary(max_size=20)).map(b": ".join),
)


def _stream_body(**changes: object) -> bytes:
    """A stream that the server must refuse, whatever else of it is changed: the one beside is to go on."""
    return json.dumps({"start_in_ms": "soon", "due_offsets_ns": [0], "payloads": ["x"]} | changes).encode()


_bodies = st.one_of(
    st.sampled_from(
        [
            b"",
            b"null",
            b"[]",
            b'"text"',
            b"{",
            b"\xff\xfe{}",
            b"[" * 20_000,
            b'{"a":' * 20_000,
            b"1" * 5000,
            b'{"start_in_ms": NaN, "due_offsets_ns": [Infinity], "payloads": ["\\ud800"]}',
            b'{"start_in_ms": "\\ud800", "due_offsets_ns": {}, "payloads": "\xff"}',
            _stream_body(due_offsets_ns=[-1] * 2000),
            _stream_body(start_in_ms=10**400),
            _stream_body(due_offsets_ns=[1e308, None, [], {}]),
            _stream_body(payloads=[["deep"], "\x00", 5]),
        ]
    ),
    st.binary(max_size=200),
    _large,
)
_framings = st.sampled_from(["length", "chunked", "too long", "too short", "none"])


def _request(
    method: bytes, target: bytes, version: bytes, headers: Sequence[bytes], body: bytes, framing: str, cut: int | None
) -> bytes:
    lines = [method + b" " + target + b" " + version, b"Host: test", *headers]
    if framing == "chunked":
        lines.append(b"Transfer-Encoding: chunked")
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    elif framing != "none":
        lines.append(b"Content-Length: %d" % (len(body) + {"length": 0, "too long": 7, "too short": -3}[framing]))
    whole = b"\r\n".join([*lines, b"", body])
    return whole if cut is None else whole[: len(whole) * cut // 100]


_cuts = st.one_of(st.none(), st.integers(0, 99))
_request_bytes = st.one_of(
    # Nearly right, one thing wrong at a time, as well as wrong in all ways.
    st.builds(
        _request,
        st.sampled_from([b"GET", b"POST"]),
        _path,
        st.just(b"HTTP/1.1"),
        st.just([]),
        _bodies,
        _framings,
        _cuts,
    ),
    st.builds(
        _request, st.just(b"GET"), _targets, st.just(b"HTTP/1.1"), st.just([]), st.just(b""), st.just("none"), _cuts
    ),
    st.builds(_request, _methods, _targets, _versions, st.lists(_headers, max_size=5), _bodies, _framings, _cuts),
)

# What WebSockets are made of.


def _handshake(target: bytes, headers: Sequence[bytes]) -> bytes:
    return b"\r\n".join([b"GET " + target + b" HTTP/1.1", b"Host: test", *headers, b"", b""])


_UPGRADE = (
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
_right_handshakes = st.sampled_from(
    [_handshake(path.encode(), _UPGRADE) for path in (wire.WEBSOCKET_PATH, wire.WEBSOCKET_ECHO_PATH)]
)
_wrong_headers = st.sampled_from(
    [
        b"Sec-WebSocket-Version: 12",
        b"Sec-WebSocket-Key: short",
        b"Sec-WebSocket-Key: \xff\xff",
        b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99",
        b"Sec-WebSocket-Extensions: \xff",
        b"Sec-WebSocket-Protocol: a, \xff",
        b"Origin: \xff",
        b"Content-Length: 10",
        b"Cookie: " + b"c" * 9000,
        *_UPGRADE,
    ]
)
_handshakes = st.one_of(
    _right_handshakes,
    st.builds(
        lambda target, kept, wrong: _handshake(target, [*kept, *wrong]),
        _targets,
        st.lists(st.sampled_from(_UPGRADE), min_size=2, max_size=4, unique=True),
        st.lists(_wrong_headers, max_size=3),
    ),
    st.builds(_handshake, _targets, st.just(_UPGRADE)),
    st.just(_handshake(b"/ws", [*_UPGRADE, *(b"X-%d: x" % number for number in range(200))])),
)


def _raw_frame(first: int, length: int, masked: bool, mask: bytes, data: bytes) -> bytes:
    """A frame whose header says what it likes."""
    bit = 128 if masked else 0
    if length < 126:
        header = bytes([first, bit | length])
    elif length < 1 << 16:
        header = bytes([first, bit | 126]) + struct.pack("!H", length)
    else:
        header = bytes([first, bit | 127]) + struct.pack("!Q", length)
    return header + (mask if masked else b"") + data


def _client_frame(opcode: Opcode, data: bytes, fin: bool) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


_payloads = st.one_of(
    st.binary(max_size=130),
    st.sampled_from([b"text", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x03\xe8\xff", b"\x03", b"\x00\x00", b"x" * 70_000]),
    _large,
)
_frames = st.one_of(
    st.builds(_client_frame, st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.CONT]), _payloads, st.booleans()),
    st.builds(
        _client_frame, st.sampled_from([Opcode.PING, Opcode.PONG, Opcode.CLOSE]), st.binary(max_size=125), st.just(True)
    ),
    st.builds(
        _raw_frame,
        st.integers(0, 255),
        st.one_of(st.integers(0, 300), st.sampled_from([1 << 16, 1 << 24, (1 << 63) - 1, (1 << 64) - 1])),
        st.booleans(),
        st.just(b"\x01\x02\x03\x04"),
        _payloads,
    ),
    st.binary(max_size=40),
)
_conversations = st.one_of(
    st.tuples(_right_handshakes, st.lists(_frames, min_size=1, max_size=5)).map(lambda c: (c[0], *c[1])),
    st.tuples(_handshakes, st.lists(_frames, max_size=3)).map(lambda c: (c[0], *c[1])),
)

# Visits.


def _joined(pieces: Sequence[bytes], together: bool) -> tuple[bytes, ...]:
    return (b"".join(pieces),) if together else tuple(pieces)


def _halved(raw: bytes, share: int) -> tuple[bytes, bytes]:
    at = len(raw) * share // 100
    return raw[:at], raw[at:]


_pieces = st.one_of(
    _request_bytes.map(lambda raw: (raw,)),
    st.builds(_halved, _request_bytes, st.integers(0, 100)),
    st.lists(_request_bytes, min_size=2, max_size=3).map(lambda several: (b"".join(several),)),
    st.builds(_joined, _conversations, st.booleans()),
    st.binary(max_size=100).map(lambda raw: (raw,)),
)
_leavings: st.SearchStrategy[Leaving] = st.sampled_from(["once answered", "at once", "by a reset", "half closed"])
visits = st.builds(Visit, _pieces, _leavings)


class Hostility:
    """Plays visits against one server, many at a time."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)

    def play(self, together: Sequence[Visit]) -> list[bytes]:
        """Make these visits; what those that stayed were answered, as far as it came."""
        connections = [self._connect() for _ in together]
        try:
            for turn in range(max((len(visit.pieces) for visit in together), default=0)):
                for visit, connection in zip(together, connections, strict=True):
                    _send(connection, visit.pieces[turn : turn + 1])
                # What follows a handshake must not come before its answer, or nothing of it is read as a frame.
                self._let_the_server_read()
            for visit, connection in zip(together, connections, strict=True):
                _leave(connection, visit.leaving)
            self._let_the_server_read()
            return [_read_what_came(connection) for connection in connections if connection.fileno() != -1]
        finally:
            for connection in connections:
                connection.close()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(self._address, timeout=PATIENCE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _let_the_server_read(self) -> None:
        """Ask it something twice: it reads connections in turn, so what was sent before has been read then."""
        with self._connect() as connection:
            for _ in range(2):
                connection.sendall(b"GET /clock HTTP/1.1\r\nHost: test\r\n\r\n")
                connection.recv(4096)


class PromptClients:
    """Well-behaved clients of one server, one of each kind, which get every event whatever others do."""

    CHANNELS = 2
    """WebSocket and SSE."""
    CONNECTIONS = 3
    """The channels, and what polls and posts."""

    def __init__(self, server: RunningServer) -> None:
        with ExitStack() as stack:
            # Without pings, whose thread draws random numbers: hypothesis would take them for the strategies' own.
            websocket = connect(f"{server.websocket_url}/ws", proxy=None, compression=None, ping_interval=None)
            self._websocket = stack.enter_context(websocket)
            self._http = stack.enter_context(httpx.Client(base_url=server.url, timeout=PATIENCE_S))
            self._lines = stack.enter_context(self._http.stream("GET", "/sse")).iter_lines()
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Leave."""
        self._stack.close()

    def post_stream(self) -> None:
        """Have the server publish a new stream, which begins at once."""
        offsets_ns = [number * _EVENT_PERIOD_NS for number in range(_EVENTS)]
        body = {"start_in_ms": 0, "due_offsets_ns": offsets_ns, "payloads": ["payload"]}
        self._http.post("/stream", json=body).raise_for_status()

    def read_client_errors(self) -> int:
        """Read how many client errors the server has counted since the stream was posted."""
        counts: dict[str, int] = self._http.get("/stats").raise_for_status().json()["client_errors"]
        return sum(counts.values())

    def read_stream(self) -> None:
        """Read the whole stream; AssertionError where one of them does not get every event once and in order."""
        pushed = [json.loads(self._websocket.recv(PATIENCE_S))["seq"] for _ in range(_EVENTS)]
        ids = (int(line.removeprefix("id: ")) for line in self._lines if line.startswith("id: "))
        streamed = list(itertools.islice(ids, _EVENTS))
        polled: list[int] = []
        while len(polled) < _EVENTS:
            after = polled[-1] if polled else 0
            answer = self._http.get("/poll/long", params={"after": after, "hold_ms": int(1000 * PATIENCE_S)})
            polled += [event["seq"] for event in answer.raise_for_status().json()["events"]]
        assert pushed == streamed == polled == list(range(1, _EVENTS + 1))


@dataclass(frozen=True, slots=True)
class Usage:
    """What a server's process holds after some visits, and the client errors of all of these."""

    descriptors: int
    memory_bytes: int
    client_errors: int = 0


def has_grown(readings: Sequence[Usage]) -> bool:
    """Whether the last third of the readings holds over a twentieth more than the first third.

    The least of each third counts: a reading may be too high by what the allocator has not given back yet, never too
    low. What is kept of every visit is in all that follow. The server must have been warmed up before the first.
    """
    third = len(readings) // 3
    first, last = readings[:third], readings[-third:]
    return any(
        min(held(usage) for usage in last) > (1 + _TOLERANCE) * min(held(usage) for usage in first)
        for held in (attrgetter("descriptors"), attrgetter("memory_bytes"))
    )


def attack(
    server: RunningServer,
    readings: int,
    batches_per_reading: int,
    on_reading: Callable[[Usage], None] = lambda _usage: None,
) -> list[Usage]:
    """Play batches of visits beside well-behaved clients, and read what the server holds after every few of them.

    AssertionError where anyone is answered with an error of the server's, its log has a traceback, or a well-behaved
    client misses an event. The server must serve all transports. `on_reading` is called with each reading as it comes.
    """
    hostility, prompt, usages = Hostility(server.port), PromptClients(server), list[Usage]()
    batches = client_errors = 0

    @settings(
        max_examples=readings * batches_per_reading,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
    )
    @given(st.lists(visits, min_size=BATCH, max_size=BATCH))
    def visits_harm_nobody(together: list[Visit]) -> None:
        nonlocal batches, client_errors
        prompt.post_stream()
        answers = hostility.play(together)
        errors = [answer[:80] for answer in answers if re.match(rb"HTTP/1.1 5\d\d ", answer)]
        log = [line for line in server.log().splitlines() if not line.startswith(LOG_PREFIX)]
        assert (errors, log) == ([], [])
        prompt.read_stream()
        batches += 1
        client_errors += prompt.read_client_errors()
        if batches % batches_per_reading == 0:
            usages.append(_read_usage(prompt, server, client_errors))
            on_reading(usages[-1])

    try:
        visits_harm_nobody()
    finally:
        prompt.close()
    return usages


def _read_usage(prompt: PromptClients, server: RunningServer, client_errors: int) -> Usage:
    """What the server holds for the well-behaved clients alone: once all others have gone, and without garbage."""
    server.until(lambda stats: stats["channels"] == prompt.CHANNELS and stats["connections"] <= prompt.CONNECTIONS + 1)
    prompt.post_stream()  # which has the server collect its garbage
    prompt.read_stream()
    process = psutil.Process(server.process.pid)
    return Usage(process.num_fds(), process.memory_info().rss, client_errors)


def _send(connection: socket.socket, pieces: Sequence[bytes]) -> None:
    connection.settimeout(_UNREAD_S)
    with contextlib.suppress(OSError):  # it is the server's right to read no more
        for piece in pieces:
            connection.sendall(piece)


def _leave(connection: socket.socket, leaving: Leaving) -> None:
    with contextlib.suppress(OSError):
        if leaving == "half closed":
            connection.shutdown(socket.SHUT_WR)
        elif leaving == "by a reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if leaving in ("by a reset", "at once"):
        connection.close()


def _read_what_came(connection: socket.socket) -> bytes:
    connection.settimeout(0)
    answer = b""
    with contextlib.suppress(OSError):
        while piece := connection.recv(1 << 20):
            answer += piece
    return answer
