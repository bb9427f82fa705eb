from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from loadtests.records import RequestKind
from servers import wire
from tests.loadtests.bench import MS, PAYLOADS, Bench


class Peer:
    """The server's side of the channel, without a socket."""

    def __init__(self) -> None:
        self.protocol = ServerProtocol(extensions=[ServerPerMessageDeflateFactory()])
        self.path = ""
        self.frames: list[Frame] = []

    def hear(self, data: bytes) -> bytes:
        """What the client sent; returns the answer."""
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            if isinstance(event, Request):
                self.path = event.path
                self.protocol.send_response(self.protocol.accept(event))
            else:
                assert isinstance(event, Frame)
                self.frames.append(event)
        return self.to_send()

    def to_send(self) -> bytes:
        return b"".join(self.protocol.data_to_send())

    def text(self, text: str) -> bytes:
        self.protocol.send_text(text.encode())
        return self.to_send()


def event(seq: int) -> str:
    return wire.encode_event(wire.Event(seq, seq * 10, seq * 10 + 1, PAYLOADS[(seq - 1) % 2]))


def opened(**parameters: object) -> tuple[Bench, Peer]:
    bench, peer = Bench("websocket", **parameters), Peer()  # type: ignore[arg-type]
    bench.feed(peer.hear(bench.connect()))
    assert bench.client.ready
    return bench, peer


def test_the_channel_opens_once_without_compression() -> None:
    bench, peer = opened()
    assert peer.path == "/ws?after=0"
    assert peer.protocol.extensions == []
    assert bench.outcomes(RequestKind.CONNECT) == ["ANSWERED"]
    assert bench.outcomes(RequestKind.HANDSHAKE) == ["ANSWERED"]
    handshake = bench.requests.where(bench.requests.kind == RequestKind.HANDSHAKE)
    assert handshake.status.tolist() == [101]
    assert handshake.up_bytes[0] > 0
    assert handshake.down_bytes[0] > 0


def test_compression_is_offered_where_it_is_asked_for() -> None:
    bench, peer = opened(compression="deflate")
    assert [extension.name for extension in peer.protocol.extensions] == ["permessage-deflate"]
    sizes = [len(data) for data in (peer.text(event(seq)) for seq in (1, 2, 3, 4)) if bench.feed(data) == b""]
    assert bench.deliveries.seq.tolist() == [1, 2, 3, 4]
    assert bench.deliveries.payload_ok.all()
    assert sizes[3] < len(event(4)) / 2, "what repeats is told by reference"


@given(cuts=st.lists(st.integers(0, 600), max_size=8))
def test_events_arrive_whole_whatever_the_pieces(cuts: list[int]) -> None:
    bench, peer = opened()
    data = b"".join(peer.text(event(seq)) for seq in (1, 2, 3, 4))
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, end in itertools.pairwise(edges):
        bench.feed(data[start:end])
    assert bench.deliveries.seq.tolist() == [1, 2, 3, 4]
    assert bench.deliveries.payload_ok.all()
    assert bench.client.settled


def test_fragmented_messages_are_joined_and_pings_answered_between_them() -> None:
    bench, peer = opened()
    text = event(1).encode()
    peer.protocol.send_text(text[:5], fin=False)
    bench.feed(peer.to_send())
    peer.protocol.send_ping(b"hi")
    peer.hear(bench.feed(peer.to_send()))
    peer.protocol.send_continuation(text[5:], fin=True)
    bench.feed(peer.to_send())
    assert bench.deliveries.seq.tolist() == [1]
    assert [(frame.opcode, bytes(frame.data)) for frame in peer.frames] == [(Opcode.PONG, b"hi")]


def test_what_is_no_event_is_recorded_as_garbled() -> None:
    bench, peer = opened()
    bench.feed(peer.text("hello"))
    peer.protocol.send_binary(b"\x00\x01")
    bench.feed(peer.to_send())
    assert bench.deliveries.seq.tolist() == [0, 0]
    assert bench.deliveries.payload_ok.tolist() == [0, 0]


def test_after_a_cut_the_client_resumes_behind_the_last_event() -> None:
    bench, peer = opened()
    bench.feed(peer.text(event(1)) + peer.text(event(2)))
    bench.cut()
    assert not bench.client.wants_connection
    bench.ring()
    assert bench.client.wants_connection
    again = Peer()
    bench.feed(again.hear(bench.connect()))
    assert again.path == "/ws?after=2"
    bench.feed(again.text(event(3)) + again.text(event(4)))
    assert bench.deliveries.seq.tolist() == [1, 2, 3, 4]
    assert bench.client.settled


def test_a_client_that_was_cut_off_does_not_come_back() -> None:
    bench, peer = opened()
    peer.protocol.send_close(wire.CURSOR_TOO_OLD_CLOSE_CODE, "too slow")
    bench.feed(peer.to_send())
    bench.cut()
    assert bench.client.cut_off
    assert bench.client.settled
    assert not bench.client.wants_connection


@pytest.mark.parametrize("status", [403, 410])
def test_a_refused_channel_is_a_record(status: int) -> None:
    bench = Bench("websocket")
    bench.connect()
    bench.feed(f"HTTP/1.1 {status} No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno".encode())
    assert bench.outcomes(RequestKind.HANDSHAKE) == ["BAD_STATUS"]
    assert bench.requests.status.tolist()[-1] == status
    assert bench.client.cut_off == (status == 410)


def test_a_silent_server_is_a_timeout() -> None:
    bench = Bench("websocket")
    bench.connect()
    bench.ring()
    assert bench.outcomes(RequestKind.HANDSHAKE) == ["TIMEOUT"]
    assert not bench.client.wants_connection


def test_the_client_says_goodbye() -> None:
    bench, peer = opened()
    bench.client.finish(bench.now_ns)
    peer.hear(bench.sent())
    assert peer.protocol.close_rcvd is not None
    assert peer.protocol.close_rcvd.code == 1000


def test_echo_messages_are_sent_when_due_and_measured_from_then() -> None:
    bench, peer = Bench("echo_websocket", events=2, phase_ns=30 * MS), Peer()
    bench.feed(peer.hear(bench.connect()))
    assert peer.path == "/ws/echo"
    t0 = bench.now_ns
    bench.client.begin(t0, bench.now_ns)
    assert bench.client.timer_ns == t0 + 130 * MS
    bench.now_ns = t0 + 140 * MS
    peer.hear(bench.ring())
    bench.feed(peer.text(bytes(peer.frames[-1].data).decode()), after_ms=9)
    delivered = bench.deliveries
    assert (delivered.due_ns - t0).tolist() == [130 * MS]
    assert (delivered.published_ns - t0).tolist() == [140 * MS]
    assert (delivered.user_ns - t0).tolist() == [149 * MS]
    peer.hear(bench.ring())
    bench.feed(peer.text(bytes(peer.frames[-1].data).decode()))
    assert bench.client.settled
    assert bench.client.timer_ns is None
