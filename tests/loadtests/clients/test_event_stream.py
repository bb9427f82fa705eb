"""An event stream is read as the standard says: the same as by httpx-sse, whatever the pieces in which it comes.

Where httpx-sse departs from WHATWG HTML, section 9.2, the standard is followed, and `read_by_httpx_sse` makes up for
it: httpx-sse dispatches events without a `data` field; it leaves a byte-order mark to its caller; it takes for a number
of milliseconds whatever Python's `int` does, and not only ASCII digits; and it waits with a CR for what follows.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass

import pytest
from httpx_sse._decoders import SSEDecoder, SSELineDecoder
from hypothesis import example, given
from hypothesis import strategies as st

from loadtests.clients.event_stream import EventStream, parse_events
from tests.loadtests.clients.test_http_answers import pieces_of

MARK = "\ufeff"
ENDS = st.sampled_from(["\n", "\r", "\r\n"])
TOKENS = st.sampled_from(
    [
        "data", "data:", "data: ", "data:  x", "data: {\"seq\": 1}", "id", "id:", "id: 7", "id: a\0b", "id: é",
        "event: ping", "event:message", "event:", "retry: 20", "retry:30", "retry: 1x", "retry:", ": comment", ":",
        "unknown: x", " data: x", "DATA: x", "data : x", "data: a:b", MARK, "data: \x0b\x0c\x1c\u2028\x85 y", "",
    ]
)  # fmt: skip
LINES = st.lists(st.tuples(TOKENS, ENDS), max_size=14).map(lambda lines: "".join(map("".join, lines)))
ARBITRARY = st.text(st.sampled_from("\n\r\n\r:dataidev nt7\0\ufeffé\u2028"), max_size=60)
STREAMS = st.tuples(st.sampled_from(["", MARK, MARK * 2]), LINES | ARBITRARY).map("".join)
CUTS = st.lists(st.integers(0, 1000), max_size=8)


@dataclass(frozen=True)
class Read:
    """The events of a stream, and what it says besides by its end."""

    events: list[tuple[str, str, str]]
    """Type, data and last event ID of each."""
    last_event_id: str
    retry_ms: int | None


def read_by_us(pieces: list[bytes]) -> Read:
    stream, read = EventStream(), Read([], "", None)
    last_event_id, retry_ms = b"", None
    for piece in pieces:
        if not (text := piece if stream.between_events else stream.add(piece)):
            continue
        parsed = parse_events(text)
        stream.keep(parsed.rest, parsed.ends_with_cr)
        for event in parsed.events:
            known = last_event_id if event.last_event_id is None else event.last_event_id
            read.events.append((event.type.decode(), event.data.decode(), known.decode()))
        last_event_id = last_event_id if parsed.last_event_id is None else parsed.last_event_id
        retry_ms = retry_ms if parsed.retry_ms is None else parsed.retry_ms
    return Read(read.events, last_event_id.decode(), retry_ms)


def read_by_httpx_sse(text: str, sizes: list[int]) -> Read:
    lines, decoder = SSELineDecoder(), SSEDecoder()
    found: list[str] = []
    text = text.removeprefix(MARK)
    edges = sorted({0, len(text), *(size % (len(text) + 1) for size in sizes)})
    for start, end in itertools.pairwise(edges):
        found += lines.decode(text[start:end])
    # It waits with a line that ends with CR for the next piece; the standard does not.
    found += lines.flush() if text.endswith("\r") else []
    read, has_data, retry_ms = Read([], "", None), False, None
    last_event_id = ""
    for line in found:
        name = line.partition(":")[0]
        has_data = has_data or name == "data"
        digits = line.partition(":")[2].removeprefix(" ")
        # Its decoder would take the value into account only with an event; so does `parse_events`, with the empty line.
        if name == "retry" and not (digits.isascii() and digits.isdigit()):
            continue
        event = decoder.decode(line)
        if event is None:
            continue
        last_event_id = event.id
        retry_ms = retry_ms if event.retry is None else event.retry
        if has_data:
            read.events.append((event.event, event.data, event.id))
        has_data = False
    return Read(read.events, last_event_id, retry_ms)


@given(text=STREAMS, cuts=CUTS)
@example(text="data: a\r\n\r\ndata: b\r\n\r\n", cuts=[7, 8, 9, 10])
@example(text="data\n\ndata\ndata\n\ndata:", cuts=[])
@example(text="\r\rdata: x\r\r", cuts=[1])
@example(text="data: a\n\n\n", cuts=[9])
def test_a_stream_is_what_httpx_sse_reads_whatever_the_pieces(text: str, cuts: list[int]) -> None:
    assert read_by_us(pieces_of(text.encode(), cuts)) == read_by_httpx_sse(text, cuts)


@given(text=STREAMS)
def test_nothing_depends_on_the_pieces(text: str) -> None:
    data = text.encode()
    assert read_by_us([data[i : i + 1] for i in range(len(data))]) == read_by_us([data])


def test_an_event_is_there_with_the_cr_that_ends_it() -> None:
    assert read_by_us([b"data: a\r\n\r"]).events == [("message", "a", "")]


def test_what_is_remembered_of_a_text_is_all_that_there_is_to_it() -> None:
    assert parse_events(b"id: 3\nretry: 10\n\ndata: x\n\nevent: ping\ndata: y\n\nid: 4\ndata") == (
        ((b"message", b"x", b"3"), (b"ping", b"y", b"3")),
        b"3",
        10,
        b"id: 4\ndata",
        False,
    )


def test_a_reconnection_time_of_any_length_is_a_number() -> None:
    assert parse_events(b"retry: " + b"9" * 10_000 + b"\n\n").retry_ms == 10**12 - 1


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_an_event_of_many_pieces_takes_time_by_its_length_and_not_by_its_square(end: bytes) -> None:
    def seconds(pieces: int) -> float:
        stream = EventStream()
        began_s = time.process_time()
        for piece in [b"data: ", *[b"x" * 1000] * pieces, 2 * end]:
            if text := stream.add(piece):
                parsed = parse_events(text)
                stream.keep(parsed.rest, parsed.ends_with_cr)
        assert stream.between_events
        return time.process_time() - began_s

    few, many = (min(seconds(pieces) for _ in range(3)) for pieces in (500, 8000))
    # By its square it would be 256 times as long.
    assert many < 100 * few
