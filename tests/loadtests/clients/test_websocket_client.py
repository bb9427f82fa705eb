from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from contract import wire
from contract.records import RequestKind
from loadtests.clients.event_reader import EVENT_AS_JSON
from tests.loadtests.clients.bench import MS, PAYLOADS, Bench


class Peer:
    """The server's side of the channel, without a socket."""

    def __init__(self) -> None:
        self.protocol = ServerProtocol(extensions=[ServerPerMessageDeflateFactory()])
        self.path = ""
        self.frames: list[Frame] = []

    def receive(self, data: bytes) -> bytes:
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
    bench, peer = Bench("websocket", **parameters), Peer()  # type: ignore[arg-type]  # fields of several types
    bench.feed(peer.receive(bench.connect()))
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
    peer.receive(bench.feed(peer.to_send()))
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
    bench.feed(again.receive(bench.connect()))
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


def _accepted(bench: Bench, further: str = "") -> bytes:
    """The answer to the handshake that the bench's client has just sent, with further header lines."""
    peer = Peer()
    answer = peer.receive(bench.connect())
    return answer.replace(b"\r\n\r\n", f"\r\n{further}\r\n\r\n".encode() if further else b"\r\n\r\n")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 11\r\n\r\nno upgrade!",
            "GET /ws answered 400 (expected 101 Switching Protocols): a proxy in between may not pass on the "
            "Upgrade, or the path does not exist: 'no upgrade!'",
        ),
        (
            b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "GET /ws answered 404 (expected 101 Switching Protocols)",
        ),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", "GET /ws answered 200 (expected 101 Switching Protocols)"),
        (
            b"HTTP/1.1 301 Moved\r\nLocation: https://here/ws\r\nContent-Length: 0\r\n\r\n",
            "GET /ws answered 301 (expected 101 Switching Protocols); redirects are not followed: 'https://here/ws'",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "GET /ws got no usable answer: it does not begin as an HTTP/1.1 answer: 'SSH-2.0"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: wrong\r\n\r\n",
            "GET /ws answered 101, but the handshake failed: invalid Sec-WebSocket-Accept header: wrong",
        ),
    ],
)
def test_why_a_channel_was_not_opened_is_said(answer: bytes, said: str) -> None:
    bench = Bench("websocket")
    bench.connect()
    bench.feed(answer)
    [problem] = bench.recorder.problems
    assert problem.startswith(said)
    assert not bench.client.ready
    assert not bench.client.wants_connection


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol, which was not requested: 'chat'"),
        (
            "Sec-WebSocket-Extensions: permessage-deflate",
            "Sec-WebSocket-Extensions, which was not requested: 'permessage-deflate'",
        ),
    ],
)
def test_what_nobody_asked_for_in_a_handshake_is_said(header: str, said: str) -> None:
    bench = Bench("websocket")
    bench.feed(_accepted(bench, header))
    assert list(bench.recorder.problems) == [f"GET /ws answered 101 with {said}"]
    assert bench.outcomes(RequestKind.HANDSHAKE) == ["GARBLED"]


def test_informational_answers_may_precede_and_frames_may_follow_the_handshakes_answer() -> None:
    bench, peer = Bench("websocket"), Peer()
    answer = peer.receive(bench.connect())
    data = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + answer + peer.text(event(1))
    for at in range(len(data)):
        bench.feed(data[at : at + 1])
    assert bench.deliveries.seq.tolist() == [1]
    assert list(bench.recorder.problems) == []
    handshake = bench.requests.where(bench.requests.kind == RequestKind.HANDSHAKE)
    assert handshake.down_bytes.tolist() == [len(data) - len(peer.text(event(1)))]


@pytest.mark.parametrize(
    ("arrived", "said"),
    [
        (b"", "GET /ws got no answer: its new connection was closed"),
        (b"HTTP/1.1 1", "GET /ws got part of an answer"),
    ],
)
def test_a_connection_that_ends_before_the_handshake_is_said(arrived: bytes, said: str) -> None:
    bench = Bench("websocket")
    bench.connect()
    if arrived:
        bench.feed(arrived)
    bench.cut()
    [problem] = bench.recorder.problems
    assert problem.startswith(said)
    assert bench.outcomes(RequestKind.HANDSHAKE) == ["LOST"]


def test_a_frame_that_is_no_event_is_shown_and_two_events_in_one_are_told_apart() -> None:
    for text, said in (
        ("hello", f"is not an event (expected {EVENT_AS_JSON}): 'hello'"),
        (event(1) + event(2), "holds more than one event (expected one per frame): '{"),
        (event(1) + "\n" + event(2), "holds more than one event (expected one per frame): '{"),
        (f"[{event(1)},{event(2)}]", "holds more than one event (expected one per frame): '[{"),
    ):
        bench, peer = opened()
        bench.feed(peer.text(text))
        [problem] = bench.recorder.problems
        assert problem.startswith(f"GET /ws delivered a frame that {said}")
        assert problem.count("seq") <= EVENT_AS_JSON.count("seq") + 2, "80 bytes of it"


def test_a_binary_frame_is_said() -> None:
    bench, peer = opened()
    peer.protocol.send_binary(event(1).encode())
    bench.feed(peer.to_send())
    [problem] = bench.recorder.problems
    assert problem.startswith('GET /ws delivered a binary frame (expected text frames with one event each): \'{"seq":1')


@pytest.mark.parametrize(("code", "told"), [(1000, False), (1001, False), (1012, False), (1011, True), (4000, True)])
def test_a_close_code_that_is_no_farewell_is_said(code: int, told: bool) -> None:
    bench, peer = opened()
    bench.feed(peer.text(event(1)))
    peer.protocol.send_close(code, "because")
    bench.feed(peer.to_send())
    bench.cut()
    said = [f"GET /ws was closed by the server with code {code}: 'because'"]
    assert list(bench.recorder.problems) == (said if told else [])
    bench.client.finish(bench.now_ns)
    missing = [f"GET /ws was closed by the server with code {code}, and events are missing: 'because'"]
    assert list(bench.recorder.problems) == (said if told else missing)


def test_a_break_of_the_protocol_is_said() -> None:
    bench, _ = opened()
    bench.feed(b"\xc1\x00")
    assert list(bench.recorder.problems) == ["GET /ws violated the protocol: reserved bits must be 0"]


def test_compression_that_was_not_agreed_on_or_not_used_is_said() -> None:
    refused = Bench("websocket", compression="deflate")
    peer = Peer()
    peer.protocol.available_extensions = []
    refused.feed(peer.receive(refused.connect()))
    assert list(refused.recorder.problems) == [
        "GET /ws answered 101 without permessage-deflate, which was offered: nothing is compressed"
    ]
    agreed, peer = opened(compression="deflate")
    agreed.feed(b"\x81" + bytes([len(event(1))]) + event(1).encode())  # RSV1 is not set: as it is
    assert agreed.deliveries.payload_ok.tolist() == [1]
    agreed.client.finish(agreed.now_ns)
    assert list(agreed.recorder.problems) == [
        "GET /ws delivered no compressed message, though permessage-deflate was negotiated"
    ]
    used, peer = opened(compression="deflate")
    used.feed(peer.text(event(1)))
    used.client.finish(used.now_ns)
    assert list(used.recorder.problems) == []


def test_a_silent_server_is_a_timeout() -> None:
    bench = Bench("websocket")
    bench.connect()
    bench.ring()
    assert bench.outcomes(RequestKind.HANDSHAKE) == ["TIMEOUT"]
    assert list(bench.recorder.problems) == ["GET /ws got no whole answer within 10 s"]
    assert not bench.client.wants_connection


def test_the_client_says_goodbye() -> None:
    bench, peer = opened()
    bench.client.finish(bench.now_ns)
    peer.receive(bench.sent())
    assert peer.protocol.close_rcvd is not None
    assert peer.protocol.close_rcvd.code == 1000


def test_echo_messages_are_sent_when_due_and_measured_from_then() -> None:
    bench, peer = Bench("echo_websocket", events=2, phase_ns=30 * MS), Peer()
    bench.feed(peer.receive(bench.connect()))
    assert peer.path == "/ws/echo"
    t0 = bench.now_ns
    bench.client.begin(t0, bench.now_ns)
    assert bench.client.timer_ns == t0 + 130 * MS
    bench.now_ns = t0 + 140 * MS
    peer.receive(bench.ring())
    bench.feed(peer.text(bytes(peer.frames[-1].data).decode()), after_ms=9)
    delivered = bench.deliveries
    assert (delivered.due_ns - t0).tolist() == [130 * MS]
    assert (delivered.published_ns - t0).tolist() == [140 * MS]
    assert (delivered.user_ns - t0).tolist() == [149 * MS]
    peer.receive(bench.ring())
    bench.feed(peer.text(bytes(peer.frames[-1].data).decode()))
    assert bench.client.settled
    assert bench.client.timer_ns is None
