"""The wire contract: how an event, a poll reply and an SSE frame look in bytes, and the names both sides use.

Times are the server's CLOCK_MONOTONIC in nanoseconds; `seq` counts from 1. Whatever is a whole number may be written
as a double with no fraction (`1.0`), as languages do that have no integers. The same contract in OpenAPI and AsyncAPI
is in docs/.
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
"""Query parameter by which a client of a stream, a poll or a channel may name itself (a whole number from 0)."""

CURSOR_PARAMETER = "cursor"
"""Query parameter of a poll: by seq, as ever, or none at all, the widespread mistake that this is here to show."""
CURSOR_BY_SEQ = "seq"
NO_CURSOR = "none"

CURSOR_TOO_OLD_STATUS = 410
CURSOR_TOO_OLD_CLOSE_CODE = 4410
"""The history no longer holds the event after the cursor: said aloud, never a silent gap."""

MAX_EVENTS = 1_000_000
"""Of one stream."""
DEFAULT_HISTORY_EVENTS = 10_000
"""How many events the log keeps for cursors."""
MAX_HISTORY_BYTES = 512 * 1024 * 1024
MAX_PAYLOAD_CHARACTERS = 1_000_000
MAX_HOLD_MS = 600_000
MAX_WORKERS = 64
"""Processes of one server."""

PADDED_REQUEST_CHARACTERS = 692
PADDED_RESPONSE_CHARACTERS = 179
"""Status or request line and headers of a padded poll, line ends not counted: 871 characters, as in Kaazing's
comparison ("HTML5 WebSockets: A Quantum Leap in Scalability for the Web"), most of them in the request, as a browser
with its cookies has them."""

_BEYOND_INT64 = 2**63


def history_bytes(events: int, history: int, payloads: Iterable[str]) -> int:
    """How much the log of a stream of so many events holds at most, by the largest of its payloads."""
    return min(events, history) * max(len(json.dumps(payload)) for payload in payloads)


@dataclass(frozen=True, slots=True)
class Event:
    """One numbered event as it travels."""

    seq: int
    due_ns: int
    published_ns: int
    payload: str


def encode_event(event: Event) -> str:
    """The event as compact JSON, the same text on every transport."""
    return (
        f'{{"seq":{event.seq},"due_ns":{event.due_ns},"published_ns":{event.published_ns},'
        f'"payload":{encode_basestring_ascii(event.payload)}}}'
    )


def decode_event(text: str | bytes) -> Event:
    """Inverse of `encode_event`; raises ValueError, KeyError or TypeError on anything else."""
    fields = json.loads(text)
    return Event(fields["seq"], fields["due_ns"], fields["published_ns"], fields["payload"])


def encode_poll_reply(encoded_events: Iterable[str], next_cursor: int) -> bytes:
    """The body of a non-empty poll: `{"events": [...], "next": SEQ}` from events encoded once."""
    return f'{{"events":[{",".join(encoded_events)}],"next":{next_cursor}}}'.encode()


def decode_poll_reply(body: bytes) -> tuple[list[Event], int]:
    """The events of a poll's reply and the cursor to ask after next."""
    reply = json.loads(body)
    events = [Event(e["seq"], e["due_ns"], e["published_ns"], e["payload"]) for e in reply["events"]]
    return events, reply["next"]


def encode_sse_event(seq: int, encoded_event: str) -> bytes:
    """One server-sent event whose id is the seq, so that `Last-Event-ID` is the cursor (WHATWG HTML, 9.2)."""
    return f"id: {seq}\ndata: {encoded_event}\n\n".encode()


def whole_number(value: object, at_least: int = 0) -> int:
    """Return a number of the wire as an integer; ValueError where it is none, too small, or beyond 64 bits."""
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not at_least <= value < _BEYOND_INT64:
        raise ValueError(f"{value!r} is no whole number of at least {at_least}")
    return value


def time_ns(value: object) -> int:
    """As `whole_number`, of a clock with an origin of its own, which may lie ahead (Java's nanoTime)."""
    return whole_number(value, at_least=-_BEYOND_INT64)
