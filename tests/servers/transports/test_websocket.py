from __future__ import annotations

import json

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from contract import wire
from tests import plain_http
from tests.servers.conftest import PATIENCE_S, RunningServer, StartServer


@pytest.fixture
def server(websocket_server: RunningServer) -> RunningServer:
    return websocket_server


def channel(server: RunningServer, path_and_query: str = "/ws") -> ClientConnection:
    return connect(server.websocket_url + path_and_query, proxy=None)


def take(socket: ClientConnection, events: int) -> list[wire.Event]:
    taken = []
    for _ in range(events):
        frame = socket.recv(PATIENCE_S)
        assert isinstance(frame, str)
        taken.append(wire.decode_event(frame))
    return taken


def seqs(events: list[wire.Event]) -> list[int]:
    return [event.seq for event in events]


def test_a_channel_has_every_event_in_order_one_frame_each(server: RunningServer) -> None:
    server.publish_at_once(3, ["é", "b"])
    with channel(server) as socket:
        events = take(socket, 3)
    assert seqs(events) == [1, 2, 3]
    assert [event.payload for event in events] == ["é", "b", "é"]
    assert [[event.seq, event.due_ns, event.published_ns] for event in events] == server.stats()["published"]


def test_a_client_from_before_the_stream_gets_all_of_it(server: RunningServer) -> None:
    server.post_stream([])
    with channel(server) as socket:
        server.post_stream([number * 1_000_000 for number in range(30)])
        assert seqs(take(socket, 30)) == list(range(1, 31))


def test_resuming_after_a_cut_loses_and_repeats_nothing(server: RunningServer) -> None:
    server.post_stream([number * 2_000_000 for number in range(40)])
    received: list[int] = []
    while len(received) < 40:
        with channel(server, f"/ws?after={received[-1] if received else 0}") as socket:
            received += seqs(take(socket, min(7, 40 - len(received))))
    assert received == list(range(1, 41))


def test_a_follower_of_a_replaced_stream_starts_over(server: RunningServer) -> None:
    server.publish_at_once(5, ["old"])
    with channel(server, "/ws?after=4") as socket:
        assert seqs(take(socket, 1)) == [5]
        server.post_stream([0, 0], ["new"])
        events = take(socket, 2)
    assert seqs(events) == [1, 2]
    assert {event.payload for event in events} == {"new"}


def test_a_cursor_that_is_too_old_closes_with_its_own_code(start_server: StartServer) -> None:
    server = start_server("websocket", "--history", "4")
    server.publish_at_once(10)
    with channel(server, "/ws?after=2") as socket:
        with pytest.raises(ConnectionClosedError) as closed:
            socket.recv(PATIENCE_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4410
        assert closed.value.rcvd.reason == "cursor 2 is too old: the history begins at event 7"
    with channel(server, "/ws?after=6") as socket:
        assert seqs(take(socket, 4)) == [7, 8, 9, 10]


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5"])
def test_a_bad_cursor_is_refused_with_what_is_wrong(server: RunningServer, cursor: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        channel(server, f"/ws?after={cursor}")
    response = refused.value.response
    assert response.status_code == 422
    assert json.loads(response.body)["detail"].startswith("query.after: Input should be")


def test_no_compression_is_agreed_on_even_when_offered(server: RunningServer) -> None:
    with connect(f"{server.websocket_url}/ws", proxy=None, compression="deflate") as socket:
        assert socket.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.response.headers


def test_a_client_that_leaves_is_noticed_without_any_event(server: RunningServer) -> None:
    server.post_stream([])
    with channel(server) as socket:
        socket.send("what a client says on this channel is ignored")
        server.until(lambda stats: stats["channels"] == 1)
    server.until(lambda stats: stats["channels"] == stats["waiting"] == 0)


def test_messages_are_echoed_as_they_came(server: RunningServer) -> None:
    messages = ["", "é", "x" * 100_000, "last"]
    with channel(server, "/ws/echo") as socket:
        for message in messages:
            socket.send(message)
        assert [socket.recv(PATIENCE_S) for _ in messages] == messages


def test_a_binary_message_is_not_echoed_but_refused(server: RunningServer) -> None:
    with channel(server, "/ws/echo") as socket:
        socket.send(b"bytes")
        with pytest.raises(ConnectionClosedError) as closed:
            socket.recv(PATIENCE_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1003


def test_a_server_that_is_stopped_says_goodbye(start_server: StartServer) -> None:
    server = start_server("websocket")
    with channel(server) as socket:
        server.process.terminate()
        with pytest.raises(ConnectionClosedError) as closed:
            socket.recv(PATIENCE_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        assert server.process.wait(PATIENCE_S) == 0


def test_plain_http_on_a_websocket_path_is_not_found(server: RunningServer) -> None:
    assert plain_http.get(f"{server.url}/ws").status_code == 404
