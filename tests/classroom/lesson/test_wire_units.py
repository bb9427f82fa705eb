from __future__ import annotations

from functools import partial
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from classroom.lesson.wire_units import MAX_HELD_BYTES, MAX_WAITING_UNITS, TappedConnection, Taps, Unit, UnitSplitter

UPGRADE = b"GET /lesson/loop HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
POST = b"POST /lesson/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nHello"


def masked(texts: list[str]) -> tuple[bytes, list[Unit]]:
    """What a real client sends for these texts and a close, and the units that this is."""
    protocol = ClientProtocol(parse_uri("ws://x/"))
    protocol.state = type(protocol.state).OPEN
    sent, units = b"", []
    for text in texts:
        protocol.send_text(text.encode())
        frame = b"".join(protocol.data_to_send())
        units.append(Unit("text", len(frame), len(text.encode())))
        sent += frame
    protocol.send_close(1000)
    frame = b"".join(protocol.data_to_send())
    return sent + frame, [*units, Unit("close", len(frame), 2)]


def split_at(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@given(st.lists(st.text(max_size=300), max_size=6), st.lists(st.integers(0, 10_000), max_size=20))
def test_units_are_the_same_however_the_stream_is_cut(texts: list[str], cuts: list[int]) -> None:
    frames, expected = masked(texts)
    splitter = UnitSplitter()
    found = [unit for part in split_at(UPGRADE + frames, cuts) for unit in splitter.feed(part)]
    assert found == [Unit("http", len(UPGRADE), 0), *expected]


@given(st.integers(1, 5), st.lists(st.integers(0, 10_000), max_size=20))
def test_requests_that_share_a_connection_are_counted_one_by_one(number: int, cuts: list[int]) -> None:
    splitter = UnitSplitter()
    found = [unit for part in split_at(POST * number, cuts) for unit in splitter.feed(part)]
    assert found == [Unit("http", len(POST), 5)] * number


def test_lengths_in_two_and_eight_bytes() -> None:
    splitter = UnitSplitter()
    splitter.feed(SWITCHING)
    medium = b"\x81\x7e" + (300).to_bytes(2, "big") + b"x" * 300
    long = b"\x82\x7f" + (50_000).to_bytes(8, "big") + b"x" * 50_000
    assert splitter.feed(medium + long) == [Unit("text", 304, 300), Unit("binary", 50_010, 50_000)]


def test_a_refusal_that_names_the_upgrade_is_no_upgrade() -> None:
    splitter = UnitSplitter()
    refused = b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nno"
    assert splitter.feed(refused + refused) == [Unit("http", len(refused), 2)] * 2


def test_what_never_ends_is_not_kept() -> None:
    splitter = UnitSplitter()
    assert splitter.feed(b"GET /" + b"x" * MAX_HELD_BYTES) == []
    assert splitter.feed(b"\r\n\r\n" + POST) == []


def test_each_request_of_a_connection_has_its_own_listener() -> None:
    heard: list[tuple[str, str, Unit, int]] = []

    def listener(name: str, direction: str, unit: Unit, arrived_ns: int) -> None:
        heard.append((name, direction, unit, arrived_ns))

    connection = TappedConnection()
    connection.passed("up", POST, 1)
    connection.listen(partial(listener, "first"))
    connection.passed("down", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 2)
    connection.passed("up", POST, 3)
    connection.listen(partial(listener, "second"))
    connection.passed("down", b"", 4)
    names = [(name, direction, unit.kind, at_ns) for name, direction, unit, at_ns in heard]
    assert names == [
        ("first", "up", "http", 1), ("first", "down", "http", 2),
        ("second", "up", "http", 3), ("second", "down", "end", 4),
    ]  # fmt: skip


def test_what_nobody_listens_to_is_not_kept_without_end() -> None:
    connection = TappedConnection()
    connection.passed("up", UPGRADE, 0)
    for _ in range(3 * MAX_WAITING_UNITS):
        connection.passed("up", b"\x81\x00", 0)
    heard: list[Unit] = []
    connection.listen(lambda _direction, unit, _arrived_ns: heard.append(unit))
    assert len(heard) == MAX_WAITING_UNITS
    assert heard[0] == Unit("http", len(UPGRADE), 0)


def test_a_connection_is_found_by_its_address_as_long_as_it_stands() -> None:
    taps = Taps()
    tap = taps.tap()
    tap.passed("up", POST, 7)
    assert taps.find(("127.0.0.1", 5)) is None
    tap.connected(("127.0.0.1", 5))
    connection = taps.find(("127.0.0.1", 5))
    assert connection is not None
    heard: list[tuple[str, Unit, int]] = []
    connection.listen(lambda *told: heard.append(told))
    assert heard == [("up", Unit("http", len(POST), 5), 7)]
    tap.disconnected(("127.0.0.1", 5))
    assert taps.find(("127.0.0.1", 5)) is None
