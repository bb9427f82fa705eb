"""The wire contract: the bytes of an event, a poll reply and an SSE frame, and the names that both sides use.

Times are the server's CLOCK_MONOTONIC in nanoseconds; `seq` counts from 1. Whole numbers may be written as doubles
without a fraction (`1.0`), as languages without integers do. docs/ has the same contract in OpenAPI and AsyncAPI.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii

WEBSOCKET_PATH = "/ws"
WEBSOCKET_ECHO_PATH = "/ws/echo"
SSE_PATH = "/sse"
SHORT_POLL_PATH = "/poll/short"
LONG_POLL_PATH = "/poll/long"
POST_ECHO_PATH = "/echo"
HEALTH_PATH = "/health"
CLOCK_PATH = "/clock"
STREAM_PATH = "/stream"
STATS_PATH = "/stats"
TRACE_PATH = "/trace"

CLIENT_PARAMETER = "client"
"""Query parameter in which a client of a stream, a poll or a channel may send its number (a whole number from 0)."""

CURSOR_PARAMETER = "cursor"
"""Query parameter of a poll: `seq`, the default, or `none` for a client without a cursor, a common mistake."""
CURSOR_BY_SEQ = "seq"
NO_CURSOR = "none"

CURSOR_TOO_OLD_STATUS = 410
CURSOR_TOO_OLD_CLOSE_CODE = 4410
"""Sent when the history no longer holds the event after the cursor, so that there is never a silent gap."""

MAX_EVENTS = 1_000_000
"""The most events of one stream."""
DEFAULT_HISTORY_EVENTS = 10_000
"""How many events the log keeps for clients that reconnect with a cursor."""
MAX_HISTORY_BYTES = 512 * 1024 * 1024
MAX_PAYLOAD_CHARACTERS = 1_000_000
MAX_HOLD_MS = 600_000
MAX_SERVER_PROCESSES = 64
"""The most processes of one server."""

PADDED_REQUEST_CHARACTERS = 692
PADDED_RESPONSE_CHARACTERS = 179
"""Lengths of a padded poll's request line and headers, and of its status line and headers, without line ends: 871
characters together, as in Kaazing's comparison ("HTML5 WebSockets: A Quantum Leap in Scalability for the Web"), most of
them in the request, as with a browser's cookies."""

_BEYOND_INT64 = 2**63


def history_bytes(events: int, history: int, payloads: Iterable[str]) -> int:
    """Return the most bytes that the log of a stream of this many events holds, by the largest of its payloads."""
    return min(events, history) * max(len(json.dumps(payload)) for payload in payloads)


@dataclass(frozen=True, slots=True)
class Event:
    """One numbered event as it is sent."""

    seq: int
    due_ns: int
    published_ns: int
    payload: str


def encode_event(event: Event) -> str:
    """Return the event as compact JSON, the same text on every transport."""
    return (
        f'{{"seq":{event.seq},"due_ns":{event.due_ns},"published_ns":{event.published_ns},'
        f'"payload":{encode_basestring_ascii(event.payload)}}}'
    )


def decode_event(text: str | bytes) -> Event:
    """Parse an event, the inverse of `encode_event`; raise ValueError, KeyError or TypeError for anything else."""
    fields = json.loads(text)
    return Event(fields["seq"], fields["due_ns"], fields["published_ns"], fields["payload"])


def encode_poll_reply(encoded_events: Iterable[str], next_cursor: int) -> bytes:
    """Return the body of a non-empty poll, `{"events": [...], "next": SEQ}`, from events that are encoded already."""
    return f'{{"events":[{",".join(encoded_events)}],"next":{next_cursor}}}'.encode()


def decode_poll_reply(body: bytes) -> tuple[list[Event], int]:
    """Parse the body of a poll's reply; return its events and the cursor of the next poll."""
    reply = json.loads(body)
    events = [Event(e["seq"], e["due_ns"], e["published_ns"], e["payload"]) for e in reply["events"]]
    return events, reply["next"]


def encode_sse_event(seq: int, encoded_event: str) -> bytes:
    """Return a server-sent event whose id is the seq, so that `Last-Event-ID` is the cursor (WHATWG HTML, 9.2)."""
    return f"id: {seq}\ndata: {encoded_event}\n\n".encode()


def whole_number(value: object, at_least: int = 0) -> int:
    """Return a received number as an integer; raise ValueError if it is not whole, too small, or beyond 64 bits."""
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not at_least <= value < _BEYOND_INT64:
        raise ValueError(f"{value!r} is no whole number of at least {at_least}")
    return value


def time_ns(value: object) -> int:
    """Return a received time as `whole_number` does; on some clocks it may be negative (Java's nanoTime)."""
    return whole_number(value, at_least=-_BEYOND_INT64)
