"""Slow clients: they must not delay others or hold memory, and are cut off with a stated code and counted."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close, Frame, Opcode
from websockets.streams import StreamReader
from websockets.sync.client import connect

from tests.servers.conftest import PATIENCE_S, RunningServer, StartServer
from tests.servers.slow_client import connect_and_read_nothing, read_to_end

HISTORY_EVENTS = 20
EVENTS = 400
PAYLOAD = "x" * 50_000
PERIOD_NS = 3_000_000


@pytest.fixture
def server(start_server: StartServer) -> RunningServer:
    return start_server("all", "--history", str(HISTORY_EVENTS))


def test_clients_that_read_nothing_are_cut_off_and_others_are_not_delayed(server: RunningServer) -> None:
    with ExitStack() as stack:
        slow = [
            stack.enter_context(connect_and_read_nothing(server.port, path))
            for path in ("/ws", "/sse")
            for _ in range(3)
        ]
        prompt = stack.enter_context(connect(f"{server.websocket_url}/ws", proxy=None, compression=None))
        server.until(lambda stats: stats["channels"] == len(slow) + 1)
        server.post_stream([number * PERIOD_NS for number in range(EVENTS)], [PAYLOAD])
        for seq in range(1, EVENTS + 1):
            frame = prompt.recv(PATIENCE_S)
            assert isinstance(frame, str)
            assert frame.startswith(f'{{"seq":{seq},')
        server.until(lambda stats: stats["cut_off"] == len(slow))
        # The prompt client and the one that asks: the slow ones are gone for good.
        server.until(lambda stats: (stats["channels"], stats["connections"]) == (1, 2))
        for client in slow:
            read_to_end(client)


def test_a_client_that_wakes_up_in_time_reads_why_it_was_cut_off(server: RunningServer) -> None:
    with connect_and_read_nothing(server.port, "/ws") as client:
        server.until(lambda stats: stats["channels"] == 1)
        server.post_stream([number * PERIOD_NS for number in range(EVENTS)], [PAYLOAD])
        server.until(lambda stats: stats["cut_off"] == 1)
        close = last_frame(read_to_end(client).partition(b"\r\n\r\n")[2])
    assert close.opcode is Opcode.CLOSE
    assert Close.parse(close.data).code == 4410
    assert "is too old: the history begins at event" in Close.parse(close.data).reason


def test_a_slow_client_does_not_outlive_the_server(server: RunningServer) -> None:
    with (
        connect_and_read_nothing(server.port, "/ws") as websocket,
        connect_and_read_nothing(server.port, "/sse") as sse,
    ):
        server.until(lambda stats: stats["channels"] == 2)
        server.post_stream([0] * HISTORY_EVENTS, [PAYLOAD * 2])
        server.process.terminate()
        assert server.process.wait(PATIENCE_S) == 0
        read_to_end(websocket)
        read_to_end(sse)


def test_a_prompt_client_keeps_up_with_a_stream_longer_than_the_history(server: RunningServer) -> None:
    with connect(f"{server.websocket_url}/ws", proxy=None) as client:
        server.post_stream([0] * HISTORY_EVENTS * 10)
        try:
            frames = [client.recv(PATIENCE_S) for _ in range(HISTORY_EVENTS * 10)]
        except ConnectionClosed as closed:
            pytest.fail(f"cut off: {closed}")
    assert [frame[:9] for frame in frames[:2]] == ['{"seq":1,', '{"seq":2,']


def last_frame(data: bytes) -> Frame:
    """The last of the frames in `data`, which must hold whole frames only."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    frame: Frame | None = None
    while not _at_end(reader):
        parser = Frame.parse(reader.read_exact, mask=False)
        try:
            next(parser)
        except StopIteration as parsed:
            frame = parsed.value
    assert frame is not None
    return frame


def _at_end(reader: StreamReader) -> bool:
    check = reader.at_eof()
    try:
        next(check)
    except StopIteration as found:
        return bool(found.value)
    return False
