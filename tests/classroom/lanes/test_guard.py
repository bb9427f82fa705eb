"""Who is let onto a lane."""

from __future__ import annotations

import time
from typing import Any

import pytest

from classroom.lanes.definitions import LANES, TRANSPORTS
from classroom.limits import MAX_CONNECTIONS_PER_LANE
from servers.hosting.http_protocol import MAX_PIPELINED
from tests.classroom.conftest import PATIENCE_S, RunningClassroom
from tests.classroom.scripted import Reply, Scripted, scripted_client

pytestmark = pytest.mark.clocks

OTHER_PATHS = ("/", "/stream", "/stats", "/echo", "/health", "/ws/echo", "/poll/none", "/openapi.json")


@pytest.fixture(scope="module", autouse=True)
def _without_delay(classroom: RunningClassroom) -> None:
    """Let the lanes pass everything on at once, from here on."""
    classroom.start_run(one_way_delay_ms=0, duration_s=300)


def detail(reply: Reply) -> str:
    said: str = reply.json()["detail"]
    return said


def refused(classroom: RunningClassroom, transport: str, query: dict[str, Any], **headers: str) -> Reply:
    with scripted_client(classroom) as client:
        return ask(client, transport, client.path(transport, **query), **headers)


def ask(client: Scripted, transport: str, path: str, **headers: str) -> Reply:
    if transport == "websocket":
        return client.upgrade(path=path, **headers).read_reply()
    return client.get(transport, path, **headers)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1", "http://localhost:1"])
def test_a_foreign_origin(classroom: RunningClassroom, transport: str, origin: str) -> None:
    reply = refused(classroom, transport, {}, Origin=origin)
    assert reply.status == 403
    assert classroom.url in detail(reply)
    assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1:1"])
def test_a_name_that_is_not_ours(classroom: RunningClassroom, transport: str, host: str) -> None:
    port = classroom.lane_ports[TRANSPORTS.index(transport)]
    reply = refused(classroom, transport, {}, Host=host.format(port=port))
    assert (reply.status, detail(reply)) == (403, "the Host header does not name this classroom")


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("client", ["", "x", "-1", "1", "9" * 15, "9" * 40, "1.5", "٣"])
def test_an_unknown_client(classroom: RunningClassroom, transport: str, client: str) -> None:
    reply = refused(classroom, transport, {"client": client.encode().hex() if client == "٣" else client})
    assert reply.status == 403
    assert "no such client" in detail(reply)
    assert reply.headers["access-control-allow-origin"] == classroom.url


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_number_of_another_lane(classroom: RunningClassroom, transport: str) -> None:
    with scripted_client(classroom) as client:
        other = client.number * len(LANES) + (TRANSPORTS.index(transport) + 1) % len(LANES)
        assert ask(client, transport, client.path(transport, client=other)).status == 403


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_only_the_lanes_own_path_is_there(classroom: RunningClassroom, transport: str) -> None:
    with scripted_client(classroom) as client:
        query = client.path(transport).partition("?")[2]
        for path in (*OTHER_PATHS, *(lane.path for lane in LANES if lane.transport != transport)):
            assert ask(client, transport, f"{path}?{query}").status == 404, path


def test_a_channel_where_requests_are_expected_and_the_other_way_round(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as client:
        assert client.get("websocket").status == 404
        assert client.upgrade("sse", client.path("sse")).read_reply().status == 404


@pytest.mark.parametrize("transport", ["sse", "long_poll", "short_poll"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods(classroom: RunningClassroom, transport: str, method: str) -> None:
    with scripted_client(classroom) as client:
        connection = client.connect(transport)
        port = classroom.lane_ports[TRANSPORTS.index(transport)]
        head = f"Host: 127.0.0.1:{port}\r\nOrigin: {classroom.url}\r\nContent-Length: 2\r\n\r\n{{}}"
        connection.send(f"{method} {client.path(transport)} HTTP/1.1\r\n{head}".encode())
        reply = connection.read_reply()
    assert (reply.status, method in detail(reply)) == (405, True)


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ({"n": "x"}, 422, "n must be a whole number, not 'x'"),
        ({"n": "-1"}, 422, "n must be"),
        ({"run": "4711"}, 409, "run 4711 is not on"),
        ({"run": "x"}, 409, "run x is not on"),
        ({"after": "x"}, 422, "after"),
        ({"after": "-1"}, 422, "after"),
        ({"hold_ms": "1e9"}, 422, "hold_ms"),
        ({"cursor": "maybe"}, 422, "cursor"),
        ({"pad": "x" * 600}, 414, "longer than"),
    ],
)
def test_bad_queries(classroom: RunningClassroom, query: dict[str, str], status: int, said: str) -> None:
    reply = refused(classroom, "long_poll", query)
    assert reply.status == status
    assert said in detail(reply)


def test_a_page_of_the_classroom_may_read_the_answer_and_its_times(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as client:
        run = classroom.start_run(rate_per_s=0.05, one_way_delay_ms=0, duration_s=300)
        client.hear("run", run=run["id"])
        reply = client.get("short_poll", client.path("short_poll", run=run["id"], n=1))
    assert reply.status == 204
    assert reply.headers["access-control-allow-origin"] == classroom.url
    assert reply.headers["timing-allow-origin"] == classroom.url
    assert reply.headers["cache-control"] == "no-store"


def test_connections_are_limited_per_client(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as greedy, scripted_client(classroom) as modest:
        replies = [greedy.get("short_poll") for _ in range(MAX_CONNECTIONS_PER_LANE + 1)]
        assert all(reply.status in (200, 204) for reply in replies[:-1])
        assert replies[-1].status == 429
        assert "connections to a lane" in detail(replies[-1])
        assert modest.get("short_poll").status in (200, 204)


def test_requests_are_limited_per_client_and_lane(classroom: RunningClassroom) -> None:
    classroom.start_run(one_way_delay_ms=0, duration_s=300)
    with scripted_client(classroom) as greedy, scripted_client(classroom) as modest:
        connections = [greedy.connect("short_poll") for _ in range(MAX_CONNECTIONS_PER_LANE - 1)]
        statuses: set[int] = set()
        deadline = time.monotonic() + PATIENCE_S
        # On each as many requests at a time as a server reads ahead without ending it: the limit is one of time, so a
        # busy machine must not wait for the client in between.
        while not {429} < statuses:
            assert time.monotonic() < deadline, statuses
            for connection in connections:
                for _ in range(MAX_PIPELINED):
                    greedy.ask(connection, "short_poll", greedy.path("short_poll"))
            for connection in connections:
                statuses |= {connection.read_reply().status for _ in range(MAX_PIPELINED)}
        assert greedy.get("long_poll", greedy.path("long_poll", hold_ms=0)).status in (200, 204)
        assert modest.get("short_poll").status in (200, 204)
