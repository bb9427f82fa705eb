"""Fan-out without a task per client: the same bytes as the ordinary way gives, for clients that keep up and others."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Coroutine
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader
from websockets.sync.client import connect

from contract import wire
from servers.events.asgi_extensions import WRITE_FRAMED_EXTENSION
from servers.events.channels import Channels, DirectWriter
from servers.events.log import EncodedEvent, EventLog
from servers.transports import framing
from tests import plain_http
from tests.servers.conftest import PATIENCE_S, RunningServer, StartServer, running_server
from tests.servers.slow_client import connect_and_read_nothing, read_to_end

UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def in_loop(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, PATIENCE_S))


def event_of(text: str) -> EncodedEvent:
    return EncodedEvent(7, text)


@given(st.text(max_size=300) | st.integers(100, 70_000).map(lambda length: "x" * length))
def test_a_frame_is_what_websockets_reads_as_one_text_message(text: str) -> None:
    reader = StreamReader()
    reader.feed_data(framing.websocket_frame(event_of(text)))
    parser = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as parsed:
        next(parser)
    assert parsed.value.value == Frame(Opcode.TEXT, text.encode())
    assert len(reader.buffer) == 0


@given(st.lists(st.text(alphabet="ab\u00e9 {}", max_size=300), min_size=1, max_size=5))
def test_chunks_are_what_uvicorn_writes_for_the_same_answer(texts: list[str]) -> None:
    events = [event_of(text) for text in texts]
    assert b"".join(framing.sse_chunk(event) for event in events) == b"".join(
        b"%x\r\n%b\r\n" % (len(event.sse), event.sse) for event in events
    )


def test_each_frame_is_made_once() -> None:
    event = event_of("text")
    assert event.framed(framing.websocket_frame) is event.framed(framing.websocket_frame)
    assert event.framed(framing.sse_chunk) is not event.framed(framing.websocket_frame)


class Connection:
    """Takes frames while it has room, as the extension of `servers.hosting.websocket_protocol` does, and messages as
    usual."""

    def __init__(self) -> None:
        self.written: list[tuple[str, int]] = []
        self.room = asyncio.Event()
        self.room.set()
        self.closed = asyncio.Event()

    def write_framed(self, frame: bytes) -> bool:
        if not self.room.is_set():
            return False
        self.written.append(("direct", int(frame)))
        return True

    async def send(self, event: EncodedEvent) -> None:
        await self.room.wait()
        self.written.append(("sent", event.seq))

    async def until_closed(self) -> None:
        await self.closed.wait()

    @property
    def seqs(self) -> list[int]:
        return [seq for _, seq in self.written]


def seq_of(event: EncodedEvent) -> bytes:
    return b"%d" % event.seq


async def serve(log: EventLog, channels: Channels, connection: Connection, noted: list[int]) -> bool:
    scope = {"extensions": {WRITE_FRAMED_EXTENSION: connection.write_framed}}
    until_closed = connection.until_closed
    return await channels.serve(
        log.follow(0), scope, connection.send, until_closed, seq_of, lambda event: noted.append(event.seq)
    )


async def until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0)


@given(st.lists(st.sampled_from(["publish", "fill", "empty", "turn"]), max_size=60), st.integers(0, 3))
def test_every_event_once_and_in_order_whenever_the_connection_is_full(steps: list[str], backlog: int) -> None:
    async def scenario() -> None:
        log = EventLog()
        channels, connection, noted = Channels(log), Connection(), list[int]()
        for _ in range(backlog):
            log.append(0, 0, "")
        serving = asyncio.ensure_future(serve(log, channels, connection, noted))
        for step in steps:
            if step == "publish":
                log.append(0, 0, "")
            elif step == "fill":
                connection.room.clear()
            elif step == "empty":
                connection.room.set()
            else:
                await asyncio.sleep(0)
        connection.room.set()
        await until(lambda: len(connection.written) >= log.last_seq)
        connection.closed.set()
        assert await serving is False
        assert connection.seqs == noted == list(range(1, log.last_seq + 1))
        assert len(channels) == log.waiting == 0

    in_loop(scenario())


def test_who_keeps_up_is_written_to_without_being_woken_and_is_back_after_a_block() -> None:
    async def scenario() -> None:
        log = EventLog()
        connection = Connection()
        serving = asyncio.ensure_future(serve(log, Channels(log), connection, []))
        await until(lambda: log.waiting == 1)
        log.append(0, 0, "")
        assert connection.written == [("direct", 1)], "before any other task has run"
        connection.room.clear()
        log.append(0, 0, "")
        log.append(0, 0, "")
        connection.room.set()
        await until(lambda: len(connection.written) == 3 and log.waiting == 1)
        log.append(0, 0, "")
        assert connection.written == [("direct", 1), ("sent", 2), ("sent", 3), ("direct", 4)]
        log.close()
        assert await serving is True

    in_loop(scenario())


def test_a_new_stream_starts_over_at_its_first_event() -> None:
    async def scenario() -> None:
        log = EventLog()
        connection = Connection()
        serving = asyncio.ensure_future(serve(log, Channels(log), connection, []))
        await until(lambda: log.waiting == 1)
        log.append(0, 0, "")
        log.append(0, 0, "")
        log.reset()
        log.append(0, 0, "")
        assert connection.seqs == [1, 2, 1]
        connection.closed.set()
        assert await serving is False

    in_loop(scenario())


def test_a_writer_that_has_gone_is_not_woken_any_more() -> None:
    async def scenario() -> None:
        log = EventLog()
        connection = Connection()
        writers = [DirectWriter(log, log.follow(0), seq_of, connection.write_framed) for _ in range(100)]
        writing = [asyncio.ensure_future(writer.write_while_it_keeps_up()) for writer in writers]
        await until(lambda: log.waiting == 100)
        log.append(0, 0, "")  # the first few are written to at once, the others in later turns
        at_once = len(connection.written)
        assert 0 < at_once < 100
        for task in writing:
            task.cancel()
        await asyncio.gather(*writing, return_exceptions=True)
        await until(lambda: not log.waiters.waking)
        log.append(0, 0, "")
        assert log.waiting == 0
        # Those whose turn came before the cancellation did may have been written to.
        assert set(connection.seqs) == {1}

    in_loop(scenario())


@pytest.fixture
def stacks(start_server: StartServer) -> list[RunningServer]:
    return [start_server("all", "--stack", stack) for stack in ("fastapi", "asgi")]


PAYLOADS = ["", "\u00e9", "x" * 20, "y" * 200, "z" * 70_000]


@pytest.mark.parametrize(("path", "headers"), [("/ws", UPGRADE), ("/sse", "")])
def test_both_stacks_write_the_same_bytes(stacks: list[RunningServer], path: str, headers: str) -> None:
    streams = []
    for server in stacks:
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as client:
            client.sendall(f"GET {path}?after=0 HTTP/1.1\r\nHost: test\r\n{headers}\r\n".encode())
            server.until(lambda stats: stats["waiting"] == 1)
            server.post_stream([number * 1_000_000 for number in range(len(PAYLOADS) * 4)], PAYLOADS)
            published = server.until(lambda stats: len(stats["published"]) == len(PAYLOADS) * 4)["published"]
            server.process.terminate()
            head, _, stream = read_to_end(client).partition(b"\r\n\r\n")
            assert server.process.wait(PATIENCE_S) == 0
        assert head
        streams.append(_with_plain_times(stream, published))
    assert streams[0] == streams[1]
    assert streams[0].count(b'{"seq":') == len(PAYLOADS) * 4


def _with_plain_times(stream: bytes, published: list[list[int]]) -> bytes:
    """The stream with every stamp replaced by one of the same length (the clock's digits do not change in a test)."""
    for _, due_ns, published_ns in published:
        stream = stream.replace(b"%d" % due_ns, b"0" * len(str(due_ns)))
        stream = stream.replace(b"%d" % published_ns, b"0" * len(str(published_ns)))
    return stream


def test_clients_that_read_nothing_are_cut_off_and_others_are_not_delayed() -> None:
    history, events, payload = 20, 400, "x" * 50_000
    with running_server("all", "--stack", "asgi", "--history", str(history)) as server, ExitStack() as stack:
        slow = [
            stack.enter_context(connect_and_read_nothing(server.port, path))
            for path in ("/ws?after=0", "/sse?after=0")
            for _ in range(2)
        ]
        prompt = stack.enter_context(connect(f"{server.websocket_url}/ws?after=0", proxy=None, compression=None))
        server.until(lambda stats: stats["waiting"] == len(slow) + 1)
        server.post_stream([number * 3_000_000 for number in range(events)], [payload])
        assert [wire.decode_event(prompt.recv(PATIENCE_S)).seq for _ in range(events)] == list(range(1, events + 1))
        server.until(lambda stats: (stats["cut_off"], stats["channels"]) == (len(slow), 1))
        for client in slow:
            read_to_end(client)


@pytest.mark.parametrize("option", [("--compression", "deflate"), ("--fault", "drop:seq=2")])
def test_what_changes_messages_on_their_way_is_still_asked(start_server: StartServer, option: tuple[str, str]) -> None:
    server = start_server("all", "--stack", "asgi", *option)
    with connect(f"{server.websocket_url}/ws?after=0", proxy=None) as client:
        server.until(lambda stats: stats["waiting"] == 1)
        server.publish_at_once(3)
        expected = [1, 3] if option[0] == "--fault" else [1, 2, 3]
        assert [wire.decode_event(client.recv(PATIENCE_S)).seq for _ in expected] == expected


@pytest.mark.parametrize("path", ["/poll/short?after=0&client=3", "/poll/long?after=0&hold_ms=9000&client=3"])
def test_polls_of_the_plain_stack_are_traced(start_server: StartServer, path: str) -> None:
    server = start_server("polling", "--stack", "asgi", "--trace")
    server.publish_at_once(2)
    plain_http.get(server.url + path, timeout=PATIENCE_S).raise_for_status()
    _until_traced(server, [(3, 1), (3, 2)])


def test_the_trace_has_what_was_written_directly(start_server: StartServer) -> None:
    server = start_server("all", "--stack", "asgi", "--trace")
    with connect(f"{server.websocket_url}/ws?after=0&client=3", proxy=None) as client:
        server.until(lambda stats: stats["waiting"] == 1)
        server.publish_at_once(2)
        for _ in range(2):
            client.recv(PATIENCE_S)
        _until_traced(server, [(3, 1), (3, 2)])


def _until_traced(server: RunningServer, expected: list[tuple[int, int]]) -> None:
    """Wait for exactly these (client, seq): an answer may arrive a moment before it is noted."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        rows = struct.iter_unpack("<qqq", plain_http.get(f"{server.url}/trace", timeout=PATIENCE_S).content)
        if (traced := sorted((client, seq) for client, seq, _ in rows)) == expected:
            return
        assert time.monotonic() < deadline, traced
        time.sleep(0.01)
