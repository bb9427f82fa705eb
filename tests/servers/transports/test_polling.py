from __future__ import annotations

import asyncio
import re
import time

import httpx
import pytest

from contract import wire
from tests import plain_http
from tests.servers.conftest import PATIENCE_S, RunningServer, StartServer

pytestmark = pytest.mark.clocks


@pytest.fixture
def server(polling_server: RunningServer) -> RunningServer:
    return polling_server


def poll(server: RunningServer, kind: str, **query: object) -> httpx.Response:
    parameters = {name: str(value) for name, value in query.items()}
    return plain_http.get(f"{server.url}/poll/{kind}", params=parameters, timeout=PATIENCE_S)


def seqs(response: httpx.Response) -> list[int]:
    assert response.status_code == 200
    events, cursor = wire.decode_poll_reply(response.content)
    assert cursor == events[-1].seq
    return [event.seq for event in events]


@pytest.mark.parametrize("kind", ["short", "long"])
def test_a_poll_returns_all_that_is_after_the_cursor(server: RunningServer, kind: str) -> None:
    server.publish_at_once(5, ["é", "b"])
    assert seqs(poll(server, kind)) == [1, 2, 3, 4, 5]
    assert seqs(poll(server, kind, after=3)) == [4, 5]
    events, _ = wire.decode_poll_reply(poll(server, kind).content)
    assert [event.payload for event in events] == ["é", "b", "é", "b", "é"]


def test_a_short_poll_with_nothing_new_is_empty(server: RunningServer) -> None:
    server.publish_at_once(5)
    response = poll(server, "short", after=5)
    assert (response.status_code, response.content) == (204, b"")
    assert "content-length" not in response.headers


def test_a_long_poll_is_held_and_then_empty(server: RunningServer) -> None:
    server.publish_at_once(5)
    start_s = time.monotonic()
    response = poll(server, "long", after=5, hold_ms=150)
    assert (response.status_code, response.content) == (204, b"")
    assert time.monotonic() - start_s >= 0.148  # the loop's timers are a millisecond coarse
    assert poll(server, "long", after=5, hold_ms=0).status_code == 204


def test_a_held_poll_gets_the_first_event_of_a_stream_posted_later(server: RunningServer) -> None:
    async def scenario() -> None:
        server.post_stream([])
        async with httpx.AsyncClient(timeout=PATIENCE_S, verify=plain_http.NO_CERTIFICATES) as client:
            held = asyncio.ensure_future(client.get(f"{server.url}/poll/long?after=0&hold_ms=600000"))
            while server.stats()["waiting"] != 1:
                await asyncio.sleep(0.01)
            server.post_stream([0])
            assert seqs(await held) == [1]

    asyncio.run(scenario())


def test_without_a_cursor_a_short_poll_sees_the_latest_event_alone(server: RunningServer) -> None:
    server.post_stream([])
    assert poll(server, "short", cursor="none").status_code == 204
    server.publish_at_once(5)
    assert seqs(poll(server, "short", cursor="none")) == seqs(poll(server, "short", cursor="none", after=2)) == [5]


@pytest.mark.parametrize("stack", ["fastapi", "asgi"])
def test_without_a_cursor_a_long_poll_misses_what_came_before_it(start_server: StartServer, stack: str) -> None:
    server = start_server("polling", "--stack", stack)

    async def scenario() -> None:
        server.publish_at_once(3)
        assert poll(server, "long", cursor="none", hold_ms=20).status_code == 204
        async with httpx.AsyncClient(timeout=PATIENCE_S, verify=plain_http.NO_CERTIFICATES) as client:
            held = asyncio.ensure_future(client.get(f"{server.url}/poll/long?cursor=none&hold_ms=600000"))
            while server.stats()["waiting"] != 1:
                await asyncio.sleep(0.01)
            server.post_stream([0, 0, 1_000_000])
            events, _ = wire.decode_poll_reply((await held).content)
            assert [event.seq for event in events] == [1]

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["short", "long"])
def test_resuming_after_a_cut_loses_and_repeats_nothing(server: RunningServer, kind: str) -> None:
    server.post_stream([number * 2_000_000 for number in range(40)])
    received: list[int] = []
    while len(received) < 40:
        response = poll(server, kind, after=received[-1] if received else 0)  # each time on a new connection
        received += seqs(response) if response.status_code == 200 else []
    assert received == list(range(1, 41))


@pytest.mark.parametrize("kind", ["short", "long"])
def test_a_cursor_that_is_too_old_is_told_so(start_server: StartServer, kind: str) -> None:
    server = start_server("polling", "--history", "4")
    server.publish_at_once(10)
    response = poll(server, kind, after=5)
    assert response.status_code == 410
    assert response.json() == {"detail": "cursor 5 is too old: the history begins at event 7"}
    assert seqs(poll(server, kind, after=6)) == [7, 8, 9, 10]


@pytest.mark.parametrize("kind", ["short", "long"])
def test_a_replaced_stream_counts_from_one_again(server: RunningServer, kind: str) -> None:
    server.publish_at_once(7, ["old"])
    server.publish_at_once(2, ["new"])
    response = poll(server, kind)
    assert seqs(response) == [1, 2]
    assert b"old" not in response.content


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("/poll/short?after=x", "query.after: .*valid integer.*'x'"),
        ("/poll/short?after=-1", "query.after: .*greater than or equal to 0"),
        (f"/poll/short?after={10**30}", "query.after: .*"),
        ("/poll/short?cursor=None", "query.cursor: .*'seq' or 'none', not 'None'"),
        ("/poll/long?cursor=", "query.cursor: .*'seq' or 'none'"),
        ("/poll/long?hold_ms=-5", "query.hold_ms: .*greater than or equal to 0"),
        ("/poll/long?hold_ms=99999999", "query.hold_ms: .*less than or equal to 600000"),
    ],
)
def test_a_bad_query_is_refused_with_what_is_wrong(server: RunningServer, path: str, complaint: str) -> None:
    response = plain_http.get(server.url + path)
    assert response.status_code == 422
    assert re.search(complaint, response.json()["detail"])


@pytest.mark.parametrize("body", [b"", b"small", bytes(range(256)) * 1000])
def test_a_post_is_echoed(server: RunningServer, body: bytes) -> None:
    response = plain_http.post(f"{server.url}/echo", content=body)
    assert (response.status_code, response.content) == (200, body)


def test_an_echo_beyond_the_limit_is_refused(server: RunningServer) -> None:
    assert plain_http.post(f"{server.url}/echo", content=b"x" * (1024 * 1024 + 1)).status_code == 413
