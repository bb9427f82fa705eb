from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from contract import wire
from tests import plain_http
from tests.servers.conftest import PATIENCE_S, RunningServer, StartServer


@pytest.fixture
def server(sse_server: RunningServer) -> RunningServer:
    return sse_server


@contextmanager
def stream(server: RunningServer, query: str = "", headers: dict[str, str] | None = None) -> Iterator[httpx.Response]:
    with httpx.stream("GET", f"{server.url}/sse{query}", headers=headers, timeout=PATIENCE_S) as response:
        yield response


def take(response: httpx.Response, events: int) -> list[wire.Event]:
    """The first events of the stream; each must be an id line, a data line and a blank line."""
    assert response.headers["content-type"].startswith("text/event-stream")
    taken: list[wire.Event] = []
    lines = response.iter_lines()
    while len(taken) < events:
        id_line, data_line, blank = next(lines), next(lines), next(lines)
        event = wire.decode_event(data_line.removeprefix("data: "))
        assert (id_line, blank) == (f"id: {event.seq}", "")
        taken.append(event)
    return taken


def seqs(events: list[wire.Event]) -> list[int]:
    return [event.seq for event in events]


def test_a_stream_has_every_event_in_order(server: RunningServer) -> None:
    server.publish_at_once(3, ["é", "line\nbreak"])
    with stream(server) as response:
        assert [event.payload for event in take(response, 3)] == ["é", "line\nbreak", "é"]


def test_a_client_from_before_the_stream_gets_all_of_it(server: RunningServer) -> None:
    server.post_stream([])
    with stream(server) as response:
        server.post_stream([number * 1_000_000 for number in range(30)])
        assert seqs(take(response, 30)) == list(range(1, 31))


def test_the_cursor_comes_from_the_query_or_from_last_event_id_which_wins(server: RunningServer) -> None:
    server.publish_at_once(5)
    with stream(server, "?after=3") as response:
        assert seqs(take(response, 2)) == [4, 5]
    with stream(server, "?after=1", {"Last-Event-ID": "4"}) as response:
        assert seqs(take(response, 1)) == [5]


def test_resuming_after_a_cut_loses_and_repeats_nothing(server: RunningServer) -> None:
    server.post_stream([number * 2_000_000 for number in range(40)])
    received: list[int] = []
    while len(received) < 40:
        with stream(server, headers={"Last-Event-ID": str(received[-1])} if received else None) as response:
            received += seqs(take(response, min(7, 40 - len(received))))
    assert received == list(range(1, 41))


def test_a_follower_of_a_replaced_stream_starts_over(server: RunningServer) -> None:
    server.publish_at_once(5, ["old"])
    with stream(server, "?after=4") as response:
        lines = response.iter_lines()
        assert next(lines) == "id: 5"
        server.post_stream([0, 0], ["new"])
        assert next(line for line in lines if line.startswith("id: ")) == "id: 1"
        assert '"new"' in next(lines)


def test_a_cursor_that_is_too_old_is_told_so_before_the_stream_begins(start_server: StartServer) -> None:
    server = start_server("sse", "--history", "4")
    server.publish_at_once(10)
    response = plain_http.get(f"{server.url}/sse?after=2")
    assert response.status_code == 410
    assert response.json() == {"detail": "cursor 2 is too old: the history begins at event 7"}
    with stream(server, "?after=6") as response:
        assert seqs(take(response, 4)) == [7, 8, 9, 10]


@pytest.mark.parametrize(
    ("query", "headers", "where"),
    [("?after=x", {}, "query.after"), ("", {"Last-Event-ID": "first"}, "header.Last-Event-ID")],
)
def test_a_bad_cursor_is_refused_with_what_is_wrong(
    server: RunningServer, query: str, headers: dict[str, str], where: str
) -> None:
    response = plain_http.get(f"{server.url}/sse{query}", headers=headers)
    assert response.status_code == 422
    assert response.json()["detail"].startswith(f"{where}: Input should be a valid integer")


def test_a_client_that_leaves_is_noticed_without_any_event(server: RunningServer) -> None:
    server.post_stream([])
    with stream(server):
        server.until(lambda stats: stats["channels"] == 1)
    server.until(lambda stats: stats["channels"] == stats["waiting"] == 0)
