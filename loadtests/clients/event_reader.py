"""A parser of events with a cache, since a broadcast sends the same bytes to every client of the process.

Each method of `EventReader` is pure and caches its last few dozen results by their input. So every byte of every
delivery is compared: a client that receives other bytes than the rest gets another result.

`plain_frames` reads plain data frames, so that most reads of a WebSocket need not be parsed byte by byte. A plain frame
is complete, of text, unfragmented, unmasked, uncompressed, and shorter than 64 KiB (RFC 6455, section 5.2). All other
data is left to the WebSocket library.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Final, NamedTuple

from contract import wire
from loadtests.clients.event_stream import MESSAGE, parse_events

_WHOLE_TEXT = 0x81
"""The first byte of a plain frame: FIN, no reserved bit, and the opcode of text."""
_LENGTH_FOLLOWS = 126
"""The value that announces a length of two bytes; 127 announces one of eight, and larger values mean a mask."""


def plain_frames(data: bytes) -> tuple[list[bytes], int]:
    """Return the payloads of the plain frames at the start of `data`, and where the last of them ends.

    `data` begins where a frame begins.
    """
    payloads: list[bytes] = []
    end = 0
    while (frame := _plain_frame(data, end)) is not None:
        start, after = frame
        payloads.append(data[start:after])
        end = after
    return payloads, end


def _plain_frame(data: bytes, at: int) -> tuple[int, int] | None:
    """Return where the payload of the frame at `at` begins and ends; None if it is not plain or not complete."""
    if at + 2 > len(data) or data[at] != _WHOLE_TEXT:
        return None
    length, start = data[at + 1], at + 2
    if length == _LENGTH_FOLLOWS:
        start += 2
        length = int.from_bytes(data[start - 2 : start], "big")
    elif length > _LENGTH_FOLLOWS:
        return None
    # A length field with missing bytes is read as too small, but then `start` is already beyond the data.
    return None if start + length > len(data) else (start, start + length)


_REMEMBERED = 64
"""Cached results per function: clients read the same event within milliseconds of each other."""
EVENT_AS_JSON = 'JSON {"seq": …, "due_ns": …, "published_ns": …, "payload": …}'
"""The expected form of an event, for messages about other data."""


class Arrival(NamedTuple):
    """One event as it is recorded."""

    seq: int
    due_ns: int
    published_ns: int
    intact: bool
    """Whether it carries the payload of its seq."""


class OtherContents(NamedTuple):
    """The contents of a part of an event stream besides whole events and their ids."""

    retry_ms: int | None
    garbled: bytes | None
    """The data of the first message that is not an event of the wire contract."""
    rest: bytes
    """The beginning of an incomplete event, as in `ParsedEvents`."""
    ends_with_cr: bool
    """As in `ParsedEvents`."""


class Blocks(NamedTuple):
    """The contents of a part of an event stream."""

    arrivals: tuple[Arrival, ...]
    last_event_id: bytes | None
    other: OtherContents | None
    """None in most parts."""


GARBLED: Final = Arrival(0, 0, 0, False)
"""Stands for data that should be an event and is not."""
_NOTHING_ELSE: Final = OtherContents(None, None, b"", False)


class EventReader:
    """Parses the events of a stream with these payloads."""

    def __init__(self, payloads: tuple[str, ...]) -> None:
        self._payloads = payloads
        self.event = lru_cache(_REMEMBERED)(self._event)
        self.frames = lru_cache(_REMEMBERED)(self._frames)
        self.blocks = lru_cache(_REMEMBERED)(self._blocks)
        self.reply = lru_cache(_REMEMBERED)(self._reply)

    def _event(self, text: bytes) -> Arrival:
        """Parse one event in its wire encoding."""
        try:
            return self._checked(wire.decode_event(text))
        except (ValueError, KeyError, TypeError):
            return GARBLED

    def _frames(self, data: bytes) -> tuple[tuple[Arrival, ...], int, tuple[bytes, ...]]:
        """Return the events in the plain WebSocket frames at the start of `data`, their end, and other payloads."""
        payloads, end = plain_frames(data)
        arrivals = tuple(self.event(text) for text in payloads)
        return arrivals, end, tuple(text for text, event in zip(payloads, arrivals, strict=True) if event is GARBLED)

    def _blocks(self, text: bytes) -> Blocks:
        """Parse `text` of an event stream, which begins where an event begins."""
        parsed = parse_events(text)
        messages = [event.data for event in parsed.events if event.type == MESSAGE]
        arrivals = tuple(self.event(data) for data in messages)
        garbled = next((data for data, arrival in zip(messages, arrivals, strict=True) if arrival is GARBLED), None)
        other = OtherContents(parsed.retry_ms, garbled, parsed.rest, parsed.ends_with_cr)
        return Blocks(arrivals, parsed.last_event_id, None if other == _NOTHING_ELSE else other)

    def _reply(self, body: bytes) -> tuple[tuple[Arrival, ...], int] | None:
        """Return the events of a poll's reply and the next cursor; None if it is not such a reply."""
        try:
            events, next_cursor = wire.decode_poll_reply(body)
            return tuple(self._checked(event) for event in events), wire.whole_number(next_cursor)
        except (ValueError, KeyError, TypeError):
            return None

    def _checked(self, event: wire.Event) -> Arrival:
        seq = wire.whole_number(event.seq, at_least=1)
        intact = event.payload == self._payloads[(seq - 1) % len(self._payloads)]
        return Arrival(seq, wire.time_ns(event.due_ns), wire.time_ns(event.published_ns), intact)


def holds_several(text: bytes) -> bool:
    """Return whether a text that should be one event is a JSON list, or several values one after the other."""
    try:
        value, end = json.JSONDecoder().raw_decode(text.decode().lstrip())
    except ValueError:
        return False
    return isinstance(value, list) or bool(text.decode().lstrip()[end:].strip())


event_reader = lru_cache(4)(EventReader)
"""Return the reader that is shared by all clients with the same payloads."""
