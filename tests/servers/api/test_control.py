from __future__ import annotations

import re
import socket
import time

import pytest

from contract.transports import TRANSPORTS
from servers.api import control
from tests import plain_http
from tests.servers.conftest import PATIENCE_S, RunningServer, StartServer

pytestmark = pytest.mark.clocks


@pytest.fixture
def server(polling_server: RunningServer) -> RunningServer:
    return polling_server


@pytest.mark.parametrize("name", ["websocket", "polling", "sse", "all"])
def test_every_app_has_the_control_routes_and_offers_what_the_registry_expects(
    name: str, start_server: StartServer
) -> None:
    server = start_server(name)
    health = plain_http.get(f"{server.url}/health").json()
    expected = {transport.name for transport in TRANSPORTS.values() if name in (transport.server, "all")}
    assert health["status"] == "ok"
    assert set(health["transports"]) == expected
    assert server.post_stream([]).json()["events"] == 0
    assert server.stats()["published"] == []
    assert plain_http.get(f"{server.url}/clock").status_code == 200


def test_the_clock_is_the_one_of_this_machine(server: RunningServer) -> None:
    before_ns = time.monotonic_ns()
    now_ns = plain_http.get(f"{server.url}/clock").json()["now_ns"]
    assert before_ns <= now_ns <= time.monotonic_ns()


def test_a_stream_starts_when_it_was_asked_to(server: RunningServer) -> None:
    before_ns = time.monotonic_ns()
    reply = server.post_stream([0, 1_000_000], start_in_ms=5).json()
    assert reply["events"] == 2
    assert before_ns + 5_000_000 <= reply["t0_ns"] <= time.monotonic_ns() + 5_000_000
    published = server.until(lambda stats: len(stats["published"]) == 2)["published"]
    assert [row[:2] for row in published] == [[1, reply["t0_ns"]], [2, reply["t0_ns"] + 1_000_000]]
    assert all(published_ns >= due_ns for _, due_ns, published_ns in published)


def test_stats_cover_the_whole_stream_whatever_the_history(start_server: StartServer) -> None:
    server = start_server("polling", "--history", "3")
    server.publish_at_once(20)
    stats = server.stats()
    assert [row[0] for row in stats["published"]] == list(range(1, 21))
    assert stats["options"]["history_events"] == 3


def test_stats_say_how_the_server_fared_and_what_is_pinned(server: RunningServer) -> None:
    server.publish_at_once(1)
    stats = server.stats()
    assert stats["connections"] >= 1
    assert (stats["cut_off"], stats["channels"]) == (0, 0)
    assert stats["spin_cpu_ns"] >= 0
    assert set(stats["loop_lag_ms"]) == {"p50", "p99", "max"}
    assert stats["options"]["ws_per_message_deflate"] is False
    assert stats["options"]["access_log"] is False
    assert stats["options"]["ws_ping_interval"] is None


def test_the_loop_s_lag_is_measured_while_a_stream_runs(server: RunningServer) -> None:
    server.post_stream([0])
    lag = server.until(lambda stats: stats["loop_lag_ms"]["p50"] is not None)["loop_lag_ms"]
    assert 0 <= lag["p50"] <= lag["p99"] <= lag["max"]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, "body.start_in_ms: Field required"),
        ({"start_in_ms": "5", "due_offsets_ns": [0], "payloads": ["x"]}, "body.start_in_ms: .* integer.* not '5'"),
        ({"start_in_ms": -1, "due_offsets_ns": [0], "payloads": ["x"]}, "body.start_in_ms: .*greater than or equal"),
        ({"start_in_ms": 0, "due_offsets_ns": [-1], "payloads": ["x"]}, "body.due_offsets_ns.0: .*greater than"),
        (
            {"start_in_ms": 0, "due_offsets_ns": [5, 4], "payloads": ["x"]},
            "must not decrease, but number 1 is 4 after 5",
        ),
        ({"start_in_ms": 0, "due_offsets_ns": [0.5], "payloads": ["x"]}, "body.due_offsets_ns.0: .* integer"),
        ({"start_in_ms": 0, "due_offsets_ns": [0], "payloads": []}, "body.payloads: .*at least 1"),
        ({"start_in_ms": 0, "due_offsets_ns": [0], "payloads": [1]}, "body.payloads.0: .* string, not 1"),
        ({"start_in_ms": 0, "due_offsets_ns": [0], "payloads": ["x"], "more": 1}, "body.more: Extra"),
        ({"start_in_ms": 0, "due_offsets_ns": [-1] * 9, "payloads": ["x"]}, "; and 4 more"),
        (
            {"start_in_ms": 0, "due_offsets_ns": [0] * 10_000, "payloads": ["x" * 100_000]},
            "payloads: the history would take 1000020000 bytes, .* expected smaller payloads",
        ),
    ],
)
def test_a_bad_stream_is_refused_with_what_is_wrong_and_changes_nothing(
    server: RunningServer, body: dict[str, object], complaint: str
) -> None:
    server.publish_at_once(2)
    response = plain_http.post(f"{server.url}/stream", json=body)
    assert response.status_code == 422
    detail = response.json()["detail"]
    assert isinstance(detail, str)
    assert re.search(complaint, detail)
    assert len(server.stats()["published"]) == 2


def test_a_body_that_is_no_json_is_refused(server: RunningServer) -> None:
    response = plain_http.post(f"{server.url}/stream", content=b"{", headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert "JSON" in response.json()["detail"]


def test_a_body_beyond_the_limit_is_refused_unread(server: RunningServer) -> None:
    head = (
        "POST /stream HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
        f"Content-Length: {control.MAX_STREAM_BODY_BYTES + 1}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        connection.sendall(head.encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")
