"""What clients do wrong is counted, answered where an answer can be read, and logged in a line a second."""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.frames import Close, Frame, Opcode

from contract import wire
from servers.events.client_errors import LOG_PREFIX, ClientErrors
from servers.hosting.http_protocol import MAX_HEAD_BYTES, MAX_PIPELINED
from tests.servers.conftest import PATIENCE_S, RunningServer, StartServer, running_server
from tests.servers.events.test_channels import last_frame

UPGRADE = (
    "Host: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
POST_ECHO = "POST /echo HTTP/1.1\r\nHost: test\r\n"
HELD_POLL = b"GET /poll/long?after=0&hold_ms=600000 HTTP/1.1\r\nHost: test\r\n\r\n"
CHANNEL = b"GET /sse?after=0 HTTP/1.1\r\nHost: test\r\n\r\n"


@pytest.fixture(scope="module", params=["fastapi", "asgi"])
def running(request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    with running_server("all", "--stack", request.param) as server:
        yield server


@pytest.fixture
def server(running: RunningServer) -> Iterator[RunningServer]:
    """A server that has counted nothing yet."""
    running.until(lambda stats: (stats["channels"], stats["connections"]) == (0, 1))
    running.post_stream([]).raise_for_status()
    assert set(running.stats()["client_errors"].values()) == {0}
    yield running
    assert "Traceback" not in running.log()


def open_connection(server: RunningServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)


def read_to_end(connection: socket.socket) -> bytes:
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    return received


def open_websocket(server: RunningServer, path: str) -> socket.socket:
    connection = open_connection(server)
    connection.sendall(f"GET {path} HTTP/1.1\r\n{UPGRADE}\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    assert head.startswith(b"HTTP/1.1 101 ")
    return connection


def frame(opcode: Opcode, data: bytes) -> bytes:
    return Frame(opcode, data).serialize(mask=True)


def counted(server: RunningServer, **expected: int) -> None:
    """Wait until these and no others are counted."""
    kinds = dict.fromkeys(("malformed_requests", "malformed_frames", "abandoned_requests"), 0)
    server.until(lambda stats: stats["client_errors"] == kinds | expected)


def nothing_is_left(stats: dict[str, Any]) -> bool:
    """Whether the server holds no channel, no poll and no connection but the one that asks."""
    return (stats["channels"], stats["waiting"], stats["connections"]) == (0, 0, 1)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\x00\xff\r\n\r\n", 400),
        (b"GET /poll/short?after=\xff HTTP/1.1\r\nHost: test\r\n\r\n", 400),
        (b"GET /poll/short HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n", 400),
        (f"GET /ws\xff HTTP/1.1\r\n{UPGRADE}\r\n".encode("latin-1"), 400),
        (f"GET /ws HTTP/1.1\r\n{UPGRADE}X: \x01\r\n\r\n".encode(), 400),
        (f"GET /ws HTTP/1.1\r\n{UPGRADE}Content-Length: 5\r\n\r\nhello".encode(), 400),
        (f"GET /ws?{'x' * 9000} HTTP/1.1\r\n{UPGRADE}\r\n".encode(), 414),
        (f"GET /ws HTTP/1.1\r\n{UPGRADE}".encode() + b"X: x\r\n" * 200 + b"\r\n", 431),
    ],
)
def test_a_request_that_is_none_is_answered_and_counted(
    server: RunningServer, request_bytes: bytes, status: int
) -> None:
    with open_connection(server) as connection:
        connection.sendall(request_bytes)
        assert read_to_end(connection).startswith(b"HTTP/1.1 %d " % status)
    counted(server, malformed_requests=1)


def test_a_head_without_an_end_is_refused(server: RunningServer) -> None:
    with open_connection(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with pytest.raises(ConnectionError):
            for _ in range(100 * MAX_HEAD_BYTES // 1000):
                connection.sendall(b"X: " + b"x" * 995 + b"\r\n")
    counted(server, malformed_requests=1)


BROKEN_FRAME = b"\x83\x80\x00\x00\x00\x00"
"""Of an opcode that there is not."""
FRAMES = {
    "no UTF-8": (frame(Opcode.TEXT, b"\xff"), 1007),
    "not masked": (Frame(Opcode.TEXT, b"not masked").serialize(mask=False), 1002),
    "no such opcode": (BROKEN_FRAME, 1002),
    "a terabyte": (b"\x81\xff" + (1 << 40).to_bytes(8, "big"), 1009),
    "goes on with nothing": (frame(Opcode.CONT, b"of nothing"), 1002),
    "half a close code": (frame(Opcode.CLOSE, b"\x03"), 1002),
    "behind messages that are still to be echoed": (
        b"".join(frame(Opcode.TEXT, b"x" * 1000) for _ in range(20)) + BROKEN_FRAME,
        1002,
    ),
}


@pytest.mark.parametrize("path", [wire.WEBSOCKET_PATH, wire.WEBSOCKET_ECHO_PATH])
@pytest.mark.parametrize(("sent", "code"), FRAMES.values(), ids=FRAMES.keys())
def test_a_frame_that_is_none_closes_the_websocket_and_is_counted(
    server: RunningServer, path: str, sent: bytes, code: int
) -> None:
    with open_websocket(server, path) as connection:
        connection.sendall(sent)
        close = last_frame(read_to_end(connection))
    assert (close.opcode, Close.parse(close.data).code) == (Opcode.CLOSE, code)
    counted(server, malformed_frames=1)


@pytest.mark.parametrize(
    "part",
    [
        b"GET /poll/short HTTP/1.1\r\nHost:",
        f"{POST_ECHO}Content-Length: 10\r\n\r\nfive!".encode(),
        f"{POST_ECHO}Transfer-Encoding: chunked\r\n\r\n5\r\nfi".encode(),
        f"{POST_ECHO}Expect: 100-continue\r\nContent-Length: 10\r\n\r\n".encode(),
        b'POST /stream HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"start',
    ],
)
def test_who_leaves_within_a_request_is_counted_and_no_more(server: RunningServer, part: bytes) -> None:
    with open_connection(server) as connection:
        connection.sendall(part)
        server.until(lambda stats: stats["connections"] == 2)
    counted(server, abandoned_requests=1)


@pytest.mark.parametrize("waited_for", [HELD_POLL, CHANNEL])
def test_who_pipelines_and_leaves_leaves_nothing_behind(server: RunningServer, waited_for: bytes) -> None:
    with open_connection(server) as connection:
        connection.sendall(waited_for * 3)
        server.until(lambda stats: stats["waiting"] == 1)
    server.until(nothing_is_left)
    counted(server)


LONG_ECHO = f"{POST_ECHO}Content-Length: 1000000\r\n\r\n".encode() + b"x" * 1_000_000
UNREAD = {
    "a long request": LONG_ECHO,
    "a part of a long request": LONG_ECHO[: len(LONG_ECHO) // 2],
    "a request and a part of another": CHANNEL + CHANNEL[:10],
}


@pytest.mark.parametrize("together", [True, False], ids=["in one piece", "once it waits"])
@pytest.mark.parametrize("behind", UNREAD.values(), ids=UNREAD.keys())
@pytest.mark.parametrize("waited_for", [HELD_POLL, CHANNEL], ids=["held poll", "channel"])
def test_who_leaves_is_noticed_whatever_it_has_sent_behind_what_it_waits_for(
    server: RunningServer, waited_for: bytes, behind: bytes, together: bool
) -> None:
    with open_connection(server) as connection:
        for piece in [waited_for + behind] if together else [waited_for, behind]:
            connection.sendall(piece)
            server.until(lambda stats: stats["waiting"] == 1)
    server.until(nothing_is_left)


@pytest.mark.parametrize("target", [b"/poll/long?after=0&hold_ms=600000", b"/sse?after=0"])
def test_who_leaves_is_noticed_though_nobody_reads_its_body(server: RunningServer, target: bytes) -> None:
    with open_connection(server) as connection:
        connection.sendall(b"GET %b HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n" % target)
        server.until(lambda stats: stats["waiting"] == 1)
        connection.sendall(b"x" * 1_000_000)
    server.until(nothing_is_left)


@pytest.mark.parametrize("cursor", [b"after=0", b"cursor=none"])
def test_held_polls_whose_clients_leave_are_released(server: RunningServer, cursor: bytes) -> None:
    clients = 200
    held_poll = b"GET /poll/long?%b&hold_ms=600000 HTTP/1.1\r\nHost: test\r\n\r\n" % cursor
    with open_connection(server) as stays, ExitStack() as leaving:
        stays.sendall(held_poll)
        for number in range(clients):
            connection = leaving.enter_context(open_connection(server))
            connection.sendall(held_poll)
            if number % 2:  # the other half leaves by a reset
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        before = server.until(lambda stats: stats["waiting"] == clients + 1)["requests"]
        leaving.close()
        answered: list[int] = []

        def released(stats: dict[str, Any]) -> bool:
            answered.append(stats["requests"])
            return (stats["waiting"], stats["connections"]) == (1, 2)

        server.until(released)
        # Nobody but who asked for the stats was answered.
        assert answered == list(range(before + 1, before + 1 + len(answered)))
        counted(server)
        server.publish_at_once(1)
        assert stays.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_who_pipelines_without_end_is_refused(server: RunningServer) -> None:
    with open_connection(server) as connection:
        connection.sendall(HELD_POLL * (MAX_PIPELINED + 2))
        assert read_to_end(connection).startswith(b"HTTP/1.1 400 ")
    counted(server, malformed_requests=1)
    server.publish_at_once(1)


def test_an_upgrade_behind_a_request_that_is_not_answered_ends_the_connection(server: RunningServer) -> None:
    with open_connection(server) as connection:
        connection.sendall(CHANNEL + f"GET /ws HTTP/1.1\r\n{UPGRADE}\r\n".encode())
        assert b" 101 " not in read_to_end(connection)
    counted(server, malformed_requests=1)
    assert server.until(lambda stats: stats["waiting"] == 0)["channels"] == 0


def test_bytes_that_are_no_request_do_not_answer_into_a_stream(server: RunningServer) -> None:
    with open_connection(server) as connection:
        connection.sendall(CHANNEL)
        server.until(lambda stats: stats["waiting"] == 1)
        connection.sendall(b"\x00\xff\r\n\r\n")
        assert b"400" not in read_to_end(connection)
    counted(server, malformed_requests=1)


def test_who_leaves_while_the_handshake_is_answered_is_no_error(server: RunningServer) -> None:
    server.publish_at_once(100)  # a backlog is sent right after the handshake
    with ExitStack() as stack:
        for _ in range(20):
            connection = stack.enter_context(open_connection(server))
            connection.sendall(f"GET /ws?after=0 HTTP/1.1\r\n{UPGRADE}\r\n".encode())
            connection.shutdown(socket.SHUT_WR)
        for connection in (open_connection(server) for _ in range(20)):
            connection.sendall(f"GET /ws?after=0 HTTP/1.1\r\n{UPGRADE}\r\n".encode())
            connection.close()
    counted(server)
    server.until(lambda stats: (stats["channels"], stats["connections"]) == (0, 1))


def test_a_length_of_thousands_of_digits_is_a_length(server: RunningServer) -> None:
    with open_connection(server) as connection:
        connection.sendall(f"{POST_ECHO}Connection: close\r\nContent-Length: {'0' * 5000}5\r\n\r\nhello".encode())
        assert read_to_end(connection).startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 400 "))


def test_a_flood_is_one_line_a_second_that_says_how_many(start_server: StartServer) -> None:
    flood, server = 500, start_server("polling")
    began_s = time.monotonic()
    for _ in range(flood):
        with open_connection(server) as connection:
            connection.sendall(b"\x00\r\n\r\n")
            read_to_end(connection)
    counted(server, malformed_requests=flood)
    logged = re.compile(rf"{LOG_PREFIX} (\d+) malformed requests \(GET /stats has all counts\)")
    deadline = time.monotonic() + PATIENCE_S
    while sum(int(count) for count in logged.findall(server.log())) < flood and time.monotonic() < deadline:
        time.sleep(0.05)
    lines = server.log().splitlines()
    assert sum(int(match[1]) for line in lines if (match := logged.fullmatch(line))) == flood
    assert len(lines) <= time.monotonic() - began_s + 1


def test_a_new_stream_starts_the_counts_anew_and_hides_nothing_from_the_log(caplog: pytest.LogCaptureFixture) -> None:
    errors = ClientErrors()
    for kind in ("malformed_requests", "abandoned_requests"):
        errors.add(kind)
    errors.clear()
    assert errors.counts() == {"malformed_requests": 0, "malformed_frames": 0, "abandoned_requests": 0}
    errors.log()
    errors.log()
    errors.add("abandoned_requests")
    errors.log()
    assert [record.getMessage() for record in caplog.records] == [
        "client errors in the last second: 1 malformed requests (GET /stats has all counts)"
    ]
