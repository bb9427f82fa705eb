"""Answers are read as RFC 9110 and 9112 say: the same as by h11, whatever the pieces in which they come."""

from __future__ import annotations

import itertools
import re
import time
import zlib
from dataclasses import dataclass

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loadtests.clients.http_answers import AnswerReader, MalformedAnswerError, parse_head, plain_chunks

REQUEST = h11.Request(method="GET", target="/", headers=[("Host", "x")])
INFORMATIONAL = st.sampled_from(
    [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"]
)
FIELDS = st.lists(
    st.sampled_from([b"Server: x", b"X-Empty:", b"Date: Sat, 28 Nov 2026 13:00:00 GMT", b"Vary: a, b", b"etag: \"1\""]),
    max_size=3,
)  # fmt: skip


@dataclass(frozen=True)
class Read:
    """What has been read of an answer."""

    status: int
    body: bytes
    complete: bool
    reusable: bool


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """An answer in any framing, with informational ones before it."""
    before = b"".join(draw(st.lists(INFORMATIONAL, max_size=2)))
    version = draw(st.sampled_from([b"1.1", b"1.1", b"1.0"]))
    status = draw(st.sampled_from([200, 200, 200, 204, 304, 302, 404, 500]))
    body = draw(st.binary(max_size=60))
    fields = draw(FIELDS)
    # h11 keeps no connection of HTTP/1.0, whatever the answer says; RFC 9112, section 9.3, lets a client do so.
    keeping = [b"Connection: keep-alive"] if version == b"1.1" else []
    fields += draw(st.sampled_from([[], [], [b"Connection: close"], keeping]))
    bodiless = status in (204, 304)
    framing = draw(st.sampled_from(["length", "close"] if version == b"1.0" else ["length", "chunked", "close"]))
    if framing == "length":
        fields.append(b"Content-Length: %d" % len(body))
    elif framing == "chunked":
        fields.append(draw(st.sampled_from([b"Transfer-Encoding: chunked", b"transfer-encoding: Chunked"])))
        body = draw(chunked(body))
    head = b"".join(line + b"\r\n" for line in [b"HTTP/%b %d OK" % (version, status), *fields])
    return before + head + b"\r\n" + (b"" if bodiless else body)


@st.composite
def chunked(draw: st.DrawFn, body: bytes) -> bytes:
    """The body in chunks of any size, some with extensions, with or without a trailer."""
    edges = sorted({0, len(body), *draw(st.lists(st.integers(0, len(body)), max_size=4))})
    written = b""
    for start, end in itertools.pairwise(edges):
        extension = draw(st.sampled_from([b"", b";a=b"]))
        written += b"%x%b\r\n%b\r\n" % (end - start, extension, body[start:end])
    return written + b"0\r\n" + draw(st.sampled_from([b"", b"X-Trailer: content-length\r\n"])) + b"\r\n"


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def read_by_us(pieces: list[bytes], *, ended: bool) -> Read | None:
    """None where no final answer has begun."""
    reader, body = AnswerReader(), b""
    for piece in pieces:
        body += reader.read(piece)
    if ended:
        reader.end()
    if reader.head is None:
        return None
    return Read(reader.head.status, body, reader.complete, reader.reusable)


def read_by_h11(pieces: list[bytes], *, ended: bool) -> Read | None:
    connection = h11.Connection(h11.CLIENT)
    connection.send(REQUEST)
    connection.send(h11.EndOfMessage())
    status, body, complete = None, b"", False
    for piece in [*pieces, b""] if ended else pieces:
        connection.receive_data(piece)
        while True:
            try:
                event = connection.next_event()
            except h11.RemoteProtocolError:
                # The connection has ended amid the answer.
                assert not piece
                break
            if event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                break
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                complete = True
    if status is None:
        return None
    reusable = complete and connection.our_state is h11.DONE and connection.their_state is h11.DONE
    return Read(status, body, complete, reusable and not connection.trailing_data[0])


CUTS = st.lists(st.integers(0, 400), max_size=6)


@given(data=answers(), cuts=CUTS, kept_bytes=st.integers(0, 400), ended=st.booleans())
@example(data=b"HTTP/1.1 304 OK\r\nContent-Length: 5\r\n\r\n", cuts=[], kept_bytes=400, ended=False)
@example(data=b"HTTP/1.0 200 OK\r\n\r\nbody", cuts=[3], kept_bytes=400, ended=True)
@example(data=b"HTTP/1.1 100 Continue\r\n\r\n" * 2, cuts=[], kept_bytes=400, ended=True)
def test_an_answer_is_what_h11_reads_whatever_the_pieces_and_wherever_it_breaks_off(
    data: bytes, cuts: list[int], kept_bytes: int, ended: bool
) -> None:
    pieces = pieces_of(data[:kept_bytes], cuts)
    ours = read_by_us(pieces, ended=ended)
    assert ours == read_by_h11(pieces, ended=ended)


@given(data=answers(), picks=st.lists(st.integers(0, 60), max_size=8))
def test_so_is_one_whose_pieces_end_where_lines_end(data: bytes, picks: list[int]) -> None:
    line_ends = [found.end() for found in re.finditer(rb"\r\n", data)]
    pieces = pieces_of(data, [line_ends[pick % len(line_ends)] for pick in picks])
    assert read_by_us(pieces, ended=False) == read_by_h11(pieces, ended=False)


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"", b""),
        (b"3\r\nabc\r\n", b"abc"),
        (b"00A\r\n\r\n\r\n\r\n\r\n\r\n\r\n1\r\nx\r\n", b"\r\n" * 5 + b"x"),
        (b"3;a=b\r\nabc\r\n", None),
        (b"3\r\nabc\r", None),
        (b"3\r\nabcd\r\n", None),
        (b"+3\r\nabc\r\n", None),
        (b"0\r\n\r\n", None),
        (b"\r\n", None),
    ],
)
def test_plain_chunks_are_whole_and_never_the_last(data: bytes, body: bytes | None) -> None:
    assert plain_chunks(data) == body


@given(data=answers(), cuts=CUTS)
def test_what_follows_an_answer_that_nobody_asked_for_leaves_the_connection_unusable(
    data: bytes, cuts: list[int]
) -> None:
    followed = data + b"HTTP/1.1 408 Request Timeout\r\n\r\n"
    alone, both = (read_by_us(pieces_of(sent, cuts), ended=False) for sent in (data, followed))
    assert alone is not None
    assert both is not None
    if alone.complete:
        assert (both.status, both.body, both.complete) == (alone.status, alone.body, True)
    assert not both.reusable


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "does not begin"),
        (b"HTTP/2.0 200 OK\r\n\r\n", "does not begin"),
        (b"\x00", "does not begin"),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", "head is malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "head is malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "head is malformed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "chunks are malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", "'gzip'"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000, "head is longer"),
    ],
)
def test_what_is_no_answer_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedAnswerError, match=reason):
        AnswerReader().read(data)


def test_a_switch_of_protocols_that_nobody_asked_for_is_an_answer_like_any_other() -> None:
    reader = AnswerReader()
    reader.read(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert reader.head is not None
    assert (reader.head.status, reader.complete, reader.reusable) == (101, True, False)


@pytest.mark.parametrize(
    ("version", "connection", "keeps"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: close\r\n", False),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: Keep-Alive\r\n", True),
    ],
)
def test_a_connection_is_kept_where_version_and_header_say_so(version: bytes, connection: bytes, keeps: bool) -> None:
    head = parse_head(b"HTTP/%b 200 OK\r\n%bContent-Length: 3\r\n\r\n" % (version, connection))
    assert head.keeps_connection is keeps


def test_fields_are_found_in_whatever_case_they_were_written() -> None:
    head = parse_head(b"HTTP/1.1 302 Found\r\nLOCATION:  /elsewhere \r\n\r\n")
    assert head.field(b"location") == b"/elsewhere"
    assert head.field(b"content-type") is None


@given(body=st.binary(max_size=200), cuts=CUTS)
def test_deflate_is_undone_where_it_was_accepted_and_refused_where_not(body: bytes, cuts: list[int]) -> None:
    packed = zlib.compress(body)
    data = b"HTTP/1.1 200 OK\r\nContent-Encoding: Deflate\r\nContent-Length: %d\r\n\r\n%b" % (len(packed), packed)
    reader = AnswerReader(inflates=True)
    assert b"".join(reader.read(piece) for piece in pieces_of(data, cuts)) == body
    assert reader.reusable
    with pytest.raises(MalformedAnswerError, match=r"'Deflate'.*not none"):
        AnswerReader().read(data)


def test_what_cannot_be_inflated_is_malformed() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 6\r\n\r\n"
    with pytest.raises(MalformedAnswerError, match="inflated"):
        AnswerReader(inflates=True).read(head + b"packed")


@pytest.mark.parametrize("head", [b"Content-Length: %d", b"Transfer-Encoding: chunked"])
def test_a_body_of_many_pieces_takes_time_by_its_length_and_not_by_its_square(head: bytes) -> None:
    def seconds(pieces: int) -> float:
        piece = b"x" * 1000
        framed = piece if b"%d" in head else b"3e8\r\n%b\r\n" % piece
        reader = AnswerReader()
        reader.read(b"HTTP/1.1 200 OK\r\n" + (head.replace(b"%d", b"%d" % (1000 * pieces))) + b"\r\n\r\n")
        began_s = time.process_time()
        for _ in range(pieces):
            reader.read(framed)
        return time.process_time() - began_s

    few, many = (min(seconds(pieces) for _ in range(3)) for pieces in (500, 8000))
    # By its square it would be 256 times as long.
    assert many < 100 * few
