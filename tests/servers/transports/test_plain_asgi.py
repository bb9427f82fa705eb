"""The plain stack says on every path what the FastAPI stack says, byte for byte but for dates."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from contract import wire
from tests import plain_http
from tests.servers.conftest import PATIENCE_S, RunningServer, StartServer, running_server


@pytest.fixture(scope="module")
def stacks() -> Iterator[tuple[RunningServer, RunningServer]]:
    with running_server("all") as fastapi, running_server("all", "--stack", "asgi") as asgi:
        for server in (fastapi, asgi):
            server.post_stream([]).raise_for_status()
        yield fastapi, asgi


def exchange(server: RunningServer, request: bytes) -> bytes:
    """Everything that comes back, on a connection that the server is asked to close."""
    head, _, body = request.partition(b"\r\n\r\n")
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as sock:
        sock.sendall(head + b"\r\nHost: x\r\nConnection: close\r\n\r\n" + body)
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
    return re.sub(rb"date: [^\r]*", b"date: then", answer)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /poll/short?after=0 HTTP/1.1\r\n\r\n",
        b"GET /poll/short HTTP/1.1\r\n\r\n",
        b"GET /poll/short?after=x HTTP/1.1\r\n\r\n",
        b"GET /poll/short?after=99999999999999999999 HTTP/1.1\r\n\r\n",
        b"GET /poll/long?after=0&hold_ms=20 HTTP/1.1\r\n\r\n",
        b"GET /poll/long?after=0&hold_ms=0 HTTP/1.1\r\n\r\n",
        b"GET /poll/long?after=0&hold_ms=999999 HTTP/1.1\r\n\r\n",
        b"GET /poll/long?hold_ms=20 HTTP/1.1\r\n\r\n",
        b"GET /poll/short?cursor=none HTTP/1.1\r\n\r\n",
        b"GET /poll/short?cursor=seq HTTP/1.1\r\n\r\n",
        b"GET /poll/short?cursor=None HTTP/1.1\r\n\r\n",
        b"GET /poll/long?cursor=none&hold_ms=20 HTTP/1.1\r\n\r\n",
        b"GET /poll/long?cursor=none&hold_ms=0 HTTP/1.1\r\n\r\n",
        b"POST /poll/short?after=0 HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        b"POST /echo HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n",
        b"GET /nowhere HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
    ],
)
def test_both_stacks_give_the_same_answer(stacks: tuple[RunningServer, RunningServer], request_bytes: bytes) -> None:
    fastapi, asgi = (exchange(server, request_bytes) for server in stacks)
    assert asgi == fastapi
    assert asgi.startswith(b"HTTP/1.1 ")


def test_a_poll_brings_the_events_of_the_log(start_server: StartServer) -> None:
    server = start_server("polling", "--stack", "asgi")
    server.publish_at_once(3)
    for path in ("/poll/short?after=1", "/poll/long?after=1&hold_ms=1000"):
        response = plain_http.get(server.url + path)
        events, cursor = wire.decode_poll_reply(response.content)
        assert ([event.seq for event in events], cursor) == ([2, 3], 3)
        assert response.headers["content-type"] == "application/json"


def test_without_a_cursor_a_poll_brings_one_event_and_channels_bring_all(start_server: StartServer) -> None:
    server = start_server("all", "--stack", "asgi")
    server.publish_at_once(3)
    events, cursor = wire.decode_poll_reply(plain_http.get(f"{server.url}/poll/short?cursor=none").content)
    assert ([event.seq for event in events], cursor) == ([3], 3)
    response = plain_http.get(f"{server.url}/poll/long?cursor=none&hold_ms=20", timeout=PATIENCE_S)
    assert (response.status_code, response.content) == (204, b"")
    with connect(f"{server.websocket_url}/ws?cursor=none", proxy=None) as channel:
        assert [wire.decode_event(channel.recv(PATIENCE_S)).seq for _ in range(3)] == [1, 2, 3]


def test_a_cursor_that_is_too_old_is_told_so_everywhere(start_server: StartServer) -> None:
    server = start_server("all", "--stack", "asgi", "--history", "4")
    server.publish_at_once(10)
    for path in ("/poll/short?after=5", "/poll/long?after=5&hold_ms=100", "/sse?after=5"):
        assert plain_http.get(server.url + path, timeout=PATIENCE_S).status_code == wire.CURSOR_TOO_OLD_STATUS
    with (
        connect(f"{server.websocket_url}/ws?after=5", proxy=None) as channel,
        pytest.raises(ConnectionClosedError) as e,
    ):
        channel.recv(PATIENCE_S)
    assert e.value.rcvd is not None
    assert e.value.rcvd.code == wire.CURSOR_TOO_OLD_CLOSE_CODE


def test_an_echo_of_something_that_is_no_text_is_refused(start_server: StartServer) -> None:
    server = start_server("websocket", "--stack", "asgi")
    with connect(f"{server.websocket_url}/ws/echo", proxy=None) as channel:
        channel.send("text")
        assert channel.recv(PATIENCE_S) == "text"
        channel.send(b"bytes")
        with pytest.raises(ConnectionClosedError) as caught:
            channel.recv(PATIENCE_S)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1003


def test_an_app_serves_only_the_paths_of_its_own_adapters(start_server: StartServer) -> None:
    server = start_server("sse", "--stack", "asgi")
    assert plain_http.get(f"{server.url}/poll/short?after=0").status_code == 404
    assert plain_http.get(f"{server.url}/health").json() == {"status": "ok", "transports": ["sse"]}
    assert server.stats()["options"]["stack"] == "asgi"
