"""What came alone is read at once, what comes in a crowd is read together, and nothing is left unread."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterator

import gevent
import pytest
from gevent.hub import get_hub
from hypothesis import given
from hypothesis import strategies as st

from loadtests.load.connection import Connection
from loadtests.load.deadlines import Deadlines
from loadtests.load.gathered_reads import GatheredReads, longest_unread_ns
from tests.running import PATIENCE_S

pytestmark = [pytest.mark.clocks, pytest.mark.skipif(sys.platform != "linux", reason="epoll is Linux's")]

MS = 1_000_000
FOREVER_NS = 100 * 365 * 24 * 3600 * 1000 * MS
"""Longer than any machine has been up: to have read nothing yet is not to have read then."""
READ_BYTES = 100


class Readers:
    """Sockets whose other ends a test writes to, and what was read of them, reading by reading."""

    def __init__(self, spacing_ns: int) -> None:
        self._deadlines = Deadlines(get_hub().loop)
        self.gathered = GatheredReads(get_hub().loop, self._deadlines, spacing_ns, self._read)
        self.connections: list[Connection] = []
        self.ends: list[socket.socket] = []
        self.read: list[tuple[Connection, bytes]] = []
        self.after_read: Callable[[Connection], object] = lambda _: None

    def add(self) -> Connection:
        connection = Connection.__new__(Connection)
        connection.sock, end = socket.socketpair()
        self.connections.append(connection)
        self.ends.append(end)
        self.gathered.add(connection)
        return connection

    def _read(self, connection: Connection) -> bool:
        assert connection.sock is not None
        connection.sock.setblocking(False)
        try:
            data = connection.sock.recv(READ_BYTES)
        except BlockingIOError:
            return False
        self.read.append((connection, data))
        self.after_read(connection)
        return len(data) == READ_BYTES

    def leave_at_the_end(self, connection: Connection) -> None:
        if not self.read[-1][1]:
            self.gathered.discard(connection)

    def wait_for(self, readings: int) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while len(self.read) < readings:
            assert time.monotonic() < deadline, f"{len(self.read)} of {readings} were read"
            gevent.sleep(0.001)

    def close(self) -> None:
        self.gathered.close()
        self._deadlines.close()
        for connection, end in zip(self.connections, self.ends, strict=True):
            assert connection.sock is not None
            connection.sock.close()
            end.close()


@pytest.fixture
def make_readers() -> Iterator[Callable[[int], Readers]]:
    made: list[Readers] = []

    def make(spacing_ns: int) -> Readers:
        made.append(Readers(spacing_ns))
        return made[-1]

    yield make
    for readers in made:
        readers.close()


def test_what_comes_alone_is_read_at_once(make_readers: Callable[[int], Readers]) -> None:
    readers = make_readers(FOREVER_NS)
    readers.add()
    readers.ends[0].send(b"alone")
    readers.wait_for(1)
    assert [data for _, data in readers.read] == [b"alone"]


def test_what_comes_soon_after_waits(make_readers: Callable[[int], Readers]) -> None:
    readers = make_readers(FOREVER_NS)
    for _ in range(2):
        readers.add()
    readers.ends[0].send(b"first")
    readers.wait_for(1)
    readers.ends[1].send(b"second")
    readers.ends[0].send(b"third")
    for _ in range(20):
        gevent.sleep(0.001)
    assert [data for _, data in readers.read] == [b"first"]


def test_nothing_is_left_unread(make_readers: Callable[[int], Readers]) -> None:
    readers = make_readers(2 * MS)
    for _ in range(50):
        readers.add()
    for turn in range(5):
        for end in readers.ends:
            end.send(b"%d" % turn)
            gevent.sleep(0)
    deadline = time.monotonic() + PATIENCE_S
    while sum(len(data) for _, data in readers.read) < 250:
        assert time.monotonic() < deadline
        gevent.sleep(0.001)
    for connection in readers.connections:
        assert b"".join(data for reader, data in readers.read if reader is connection) == b"01234"
    # The set is quiet again: one more is read at once, as the first was.
    gevent.sleep(0.02)
    before = len(readers.read)
    readers.ends[7].send(b"x")
    readers.wait_for(before + 1)


@pytest.mark.parametrize("spacing_ns", [1, MS])
@pytest.mark.parametrize("size_bytes", [1, READ_BYTES - 1, READ_BYTES, READ_BYTES + 1, 5 * READ_BYTES])
def test_however_much_came_before_the_end_both_are_read(
    make_readers: Callable[[int], Readers], size_bytes: int, spacing_ns: int
) -> None:
    readers = make_readers(spacing_ns)
    readers.add()
    readers.after_read = readers.leave_at_the_end
    readers.ends[0].send(b"x" * size_bytes)
    readers.ends[0].shutdown(socket.SHUT_WR)
    readers.wait_for(-(-size_bytes // READ_BYTES) + 1)
    assert b"".join(data for _, data in readers.read) == b"x" * size_bytes
    assert readers.read[-1][1] == b""


def test_what_ends_while_it_is_read_is_told(make_readers: Callable[[int], Readers]) -> None:
    readers = make_readers(MS)
    readers.add()

    def end_it(connection: Connection) -> None:
        if readers.read[-1][1]:
            readers.ends[0].shutdown(socket.SHUT_WR)
        readers.leave_at_the_end(connection)

    readers.after_read = end_it
    readers.ends[0].send(b"last words")
    readers.wait_for(2)
    assert [data for _, data in readers.read] == [b"last words", b""]


def test_who_leaves_is_not_read(make_readers: Callable[[int], Readers]) -> None:
    readers = make_readers(MS)
    gone, stays = readers.add(), readers.add()
    readers.gathered.discard(gone)
    readers.gathered.discard(gone)
    readers.ends[0].send(b"unheard")
    readers.ends[1].send(b"heard")
    readers.wait_for(1)
    assert readers.read == [(stays, b"heard")]


def test_one_that_another_closed_in_the_same_reading_is_passed_over(make_readers: Callable[[int], Readers]) -> None:
    readers = make_readers(MS)
    pair = [readers.add(), readers.add()]
    readers.after_read = lambda connection: readers.gathered.discard(pair[1 - pair.index(connection)])
    for end in readers.ends:
        end.send(b"x")
    readers.wait_for(1)
    for _ in range(20):
        gevent.sleep(0.001)
    assert len(readers.read) == 1


@given(st.lists(st.integers(0, 50 * MS), max_size=300), st.integers(1, 10_000))
def test_hardly_any_event_is_followed_within_the_time_that_one_may_stay_unread(gaps: list[int], clients: int) -> None:
    offsets = [sum(gaps[:i]) for i in range(len(gaps) + 1)]
    unread_ns = longest_unread_ns(offsets, clients)
    assert 0 <= unread_ns <= 2 * MS
    assert sum(gap < unread_ns for gap in gaps) <= len(gaps) / 100


def test_few_clients_and_crowded_events_are_not_kept_waiting() -> None:
    apart = [i * 100 * MS for i in range(100)]
    assert longest_unread_ns(apart, 1000) == 2 * MS
    assert longest_unread_ns(apart, 10) < MS / 5
    assert longest_unread_ns([0] * 100, 1000) == 0
