"""The short cut for plain data frames tells the same of every byte stream as the library alone, however it is cut."""

from __future__ import annotations

import itertools
import struct
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.protocol import Protocol

from contract import wire
from loadtests.clients.event_reader import plain_frames
from loadtests.clients.websocket import WebSocketClient
from tests.loadtests.clients.bench import Bench
from tests.loadtests.clients.test_websocket_client import Peer, event, opened

TEXT, BINARY, CONT, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA


class LibraryOnly(WebSocketClient):
    """The client without its short cut."""

    def _be_plain(self) -> None:
        pass


def frame(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0, masked: bool = False, form: int = 0) -> bytes:
    """A frame as it is or as it should not be; `form` is the least form in which its length is written."""
    length = len(payload)
    form = max(form, 0 if length < 126 else 1 if length < 65536 else 2)
    mask = 0x80 if masked else 0
    sizes = (
        lambda: struct.pack("!B", mask | length),
        lambda: struct.pack("!BH", mask | 126, length),
        lambda: struct.pack("!BQ", mask | 127, length),
    )
    return bytes([fin << 7 | rsv << 4 | opcode]) + sizes[form]() + (b"\0\0\0\0" if masked else b"") + payload


events = st.integers(1, 4).map(lambda seq: event(seq).encode())
payloads = events | st.binary(max_size=140) | st.just(b"x" * 65536)
closes = st.sampled_from([1000, 1001, 1005, wire.CURSOR_TOO_OLD_CLOSE_CODE]).map(lambda code: struct.pack("!H", code))
plain = st.builds(frame, st.sampled_from([TEXT, TEXT, TEXT, BINARY]), events | st.binary(max_size=140))
control = st.builds(frame, st.sampled_from([PING, PONG]), st.binary(max_size=125))
fragmented = st.builds(
    lambda text, at, between: frame(TEXT, text[:at], fin=False) + between + frame(CONT, text[at:]),
    events,
    st.integers(0, 60),
    control | st.just(b""),
)
peculiar = st.builds(
    frame,
    st.sampled_from([TEXT, BINARY, CONT, PING, CLOSE, 0x3, 0xB]),
    payloads,
    fin=st.booleans(),
    rsv=st.sampled_from([0, 0, 0, 4, 1]),
    masked=st.booleans(),
    form=st.integers(0, 2),
)
longer_than_need_be = st.builds(frame, st.just(TEXT), events, form=st.integers(1, 2))
pieces = st.one_of(
    plain, plain, plain, control, fragmented, longer_than_need_be, peculiar,
    closes.map(lambda code: frame(CLOSE, code)), st.binary(max_size=6),
)  # fmt: skip


def told(client_class: type[WebSocketClient], stream: bytes, cuts: list[float]) -> dict[str, Any]:
    """All that can be known of a client that was fed this after a handshake, in pieces with these relative edges."""
    with patch("secrets.token_bytes", bytes):
        bench, peer = Bench("websocket"), Peer()
        bench.client = client_class(bench.client.setup, bench.recorder)
        data = peer.receive(bench.connect()) + stream
        edges = sorted({0, len(data), *(int(cut * len(data)) for cut in cuts)})
        sent = [bench.feed(data[start:end]) for start, end in itertools.pairwise(edges)]
        assert isinstance(bench.client, WebSocketClient)
        library = bench.client._library()
        library.receive_eof()
        bench.cut()
    requests = bench.requests
    return {
        "deliveries": bench.recorder.deliveries.tolist(),
        "requests": [requests.kind.tolist(), requests.outcome.tolist(), requests.down_bytes.tolist()],
        "problems": list(bench.recorder.problems),
        "sent": sent,
        "ends": (library.state, library.close_code, library.close_rcvd, library.close_sent, repr(library.parser_exc)),
        "client": (bench.client.cursor, bench.client.cut_off, bench.client.settled, bench.client.timer_ns),
    }


@given(frames=st.lists(pieces, max_size=8), cuts=st.lists(st.floats(0, 1), max_size=8))
def test_any_stream_in_any_pieces_tells_what_the_library_alone_tells(frames: list[bytes], cuts: list[float]) -> None:
    stream = b"".join(frames)
    assert told(WebSocketClient, stream, cuts) == told(LibraryOnly, stream, cuts)


@given(frames=st.lists(plain | control | fragmented, max_size=8), cuts=st.lists(st.floats(0, 1), max_size=30))
def test_valid_streams_in_many_pieces_do_so_too(frames: list[bytes], cuts: list[float]) -> None:
    stream = b"".join(frames)
    assert told(WebSocketClient, stream, cuts) == told(LibraryOnly, stream, cuts)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", ([], 0)),
        (frame(TEXT, b""), ([b""], 2)),
        (frame(TEXT, b"a") + frame(TEXT, b"c" * 126) + frame(BINARY, b"b"), ([b"a", b"c" * 126], 133)),
        (frame(TEXT, b"a") + frame(PING, b"") + frame(TEXT, b"c"), ([b"a"], 3)),
        (frame(TEXT, b"a", fin=False), ([], 0)),
        (frame(TEXT, b"a", rsv=4), ([], 0)),
        (frame(TEXT, b"a", masked=True), ([], 0)),
        (frame(TEXT, b"a" * 65535), ([b"a" * 65535], 65539)),
        (frame(TEXT, b"a" * 65536), ([], 0)),
        *((frame(TEXT, b"c" * 126)[:size], ([], 0)) for size in (1, 2, 3, 4, 129)),
    ],
)
def test_plain_frames_are_the_whole_ones_at_the_head(data: bytes, found: tuple[list[bytes], int]) -> None:
    assert plain_frames(data) == found


def test_plain_frames_do_not_trouble_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, peer = opened()
    monkeypatch.setattr(Protocol, "receive_data", _never)
    bench.feed(peer.text(event(1)) + peer.text(event(2)))
    assert bench.deliveries.seq.tolist() == [1, 2]


def test_after_a_ping_or_a_frame_in_two_pieces_the_short_cut_is_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, peer = opened()
    whole = peer.text(event(1))
    bench.feed(whole[:9])
    bench.feed(whole[9:])
    peer.protocol.send_ping(b"still there?")
    assert bench.feed(peer.to_send())
    monkeypatch.setattr(Protocol, "receive_data", _never)
    bench.feed(peer.text(event(2)))
    assert bench.deliveries.seq.tolist() == [1, 2]


def _never(_: Protocol, data: bytes) -> None:
    raise AssertionError(f"the library was given {data!r}")
