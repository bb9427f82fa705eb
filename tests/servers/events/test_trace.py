from __future__ import annotations

import struct
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from websockets.sync.client import connect

from servers.events.trace import Trace
from tests import plain_http
from tests.servers.conftest import PATIENCE_S, RunningServer, running_server

pytestmark = pytest.mark.clocks


def rows_of(server: RunningServer) -> list[tuple[int, int, int]]:
    answer = plain_http.get(f"{server.url}/trace", timeout=PATIENCE_S).raise_for_status()
    assert answer.headers["content-type"] == "application/octet-stream"
    return list(struct.iter_unpack("<qqq", answer.content))


def pairs_of(server: RunningServer) -> list[tuple[int, int]]:
    return sorted((client, seq) for client, seq, _ in rows_of(server))


def until_traced(server: RunningServer, expected: list[tuple[int, int]]) -> None:
    # A poll's answer may reach its client a moment before the server notes that it was sent.
    deadline = time.monotonic() + PATIENCE_S
    while pairs_of(server) != expected:
        assert time.monotonic() < deadline, pairs_of(server)
        time.sleep(0.01)


@pytest.fixture(scope="module")
def traced_server() -> Iterator[RunningServer]:
    with running_server("all", "--trace") as server:
        yield server


@pytest.fixture
def server(traced_server: RunningServer) -> RunningServer:
    """A server that keeps a trace, with a stream that has no events, and no trace, yet."""
    traced_server.post_stream([]).raise_for_status()
    return traced_server


def test_without_the_option_there_is_no_trace(polling_server: RunningServer) -> None:
    answer = plain_http.get(f"{polling_server.url}/trace")
    assert answer.status_code == 404
    assert answer.json() == {"detail": "this server keeps no trace: start it with --trace"}
    polling_server.publish_at_once(1)
    assert plain_http.get(f"{polling_server.url}/poll/short?client=1").status_code == 200


def test_channels_are_traced_by_the_name_of_their_client(server: RunningServer) -> None:
    assert server.stats()["options"]["trace"] is True
    with (
        connect(f"{server.websocket_url}/ws?client=3", proxy=None) as socket,
        connect(f"{server.websocket_url}/ws", proxy=None) as nameless,
        httpx.stream("GET", f"{server.url}/sse?client=8", timeout=PATIENCE_S) as stream,
    ):
        server.until(lambda stats: stats["channels"] == 3)
        server.publish_at_once(2)
        for _ in range(2):
            socket.recv(PATIENCE_S)
            nameless.recv(PATIENCE_S)
        ids = (line for line in stream.iter_lines() if line.startswith("id"))
        assert [next(ids), next(ids)] == ["id: 1", "id: 2"]
        until_traced(server, [(3, 1), (3, 2), (8, 1), (8, 2)])
    published = {seq: at_ns for seq, _, at_ns in server.stats()["published"]}
    assert all(published[seq] <= at_ns <= time.monotonic_ns() for _, seq, at_ns in rows_of(server))


def test_polls_are_traced_once_they_are_answered_with_events(server: RunningServer) -> None:
    held = threading.Thread(target=lambda: plain_http.get(f"{server.url}/poll/long?client=5", timeout=PATIENCE_S))
    held.start()
    server.until(lambda stats: stats["waiting"] == 1)
    assert plain_http.get(f"{server.url}/poll/short?client=4").status_code == 204
    assert rows_of(server) == []
    server.publish_at_once(1)
    held.join()
    plain_http.get(f"{server.url}/poll/short?client=4").raise_for_status()
    until_traced(server, [(4, 1), (5, 1)])


@pytest.mark.parametrize("name", ["", "-1", "x", "1.5", "9" * 30, "²"])
def test_who_has_no_usable_name_is_served_and_not_traced(server: RunningServer, name: str) -> None:
    server.publish_at_once(1)
    assert plain_http.get(f"{server.url}/poll/short", params={"client": name}).status_code == 200
    plain_http.get(f"{server.url}/poll/short?client=1").raise_for_status()
    until_traced(server, [(1, 1)])


def test_a_new_stream_has_a_trace_of_its_own(server: RunningServer) -> None:
    server.publish_at_once(1)
    plain_http.get(f"{server.url}/poll/short?client=1").raise_for_status()
    until_traced(server, [(1, 1)])
    server.post_stream([])
    assert rows_of(server) == []


def test_rows_are_little_endian_wherever_they_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = Trace()
    trace.record(1, [2])
    [(client, seq, _)] = struct.iter_unpack("<qqq", trace.encoded())
    assert (client, seq) == (1, 2)
    monkeypatch.setattr("sys.byteorder", "big")
    swapped = struct.unpack(">qqq", trace.encoded())
    monkeypatch.undo()
    assert swapped == struct.unpack("<qqq", trace.encoded())
