"""What arrives is read once: a broadcast brings the very same bytes to every client of the process.

Each function here is pure and remembers the last few of its answers by the bytes it was given. A client that gets
other bytes than the rest therefore gets another answer: every byte of every delivery is compared, and none is taken on
trust. The memory is bounded, a few dozen reads.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Final, NamedTuple

from contract import wire
from loadtests.clients.event_stream import MESSAGE, parse_events
from loadtests.clients.plain_frames import plain_frames

_REMEMBERED = 64
"""Answers per function: clients read the same event within milliseconds of each other."""
EVENT_AS_JSON = 'JSON {"seq": …, "due_ns": …, "published_ns": …, "payload": …}'
"""What a client expects where an event should be, for sentences about what is there instead."""


class Arrival(NamedTuple):
    """One event as it is recorded."""

    seq: int
    due_ns: int
    published_ns: int
    intact: bool
    """It carries the payload that it should."""


class Further(NamedTuple):
    """What a part of an event stream says beside whole events and their ids."""

    retry_ms: int | None
    garbled: bytes | None
    """The data of the first event that is none of ours."""
    rest: bytes
    ends_with_cr: bool
    """These two as `parse_events` says."""


class Blocks(NamedTuple):
    """What there is in a part of an event stream."""

    arrivals: tuple[Arrival, ...]
    last_event_id: bytes | None
    further: Further | None
    """None as a rule."""


GARBLED: Final = Arrival(0, 0, 0, False)
"""Something that arrived where an event should be and is none."""
_NOTHING_FURTHER: Final = Further(None, None, b"", False)


class EventReader:
    """Reads the events of a stream with these payloads."""

    def __init__(self, payloads: tuple[str, ...]) -> None:
        self._payloads = payloads
        self.event = lru_cache(_REMEMBERED)(self._event)
        self.frames = lru_cache(_REMEMBERED)(self._frames)
        self.blocks = lru_cache(_REMEMBERED)(self._blocks)
        self.reply = lru_cache(_REMEMBERED)(self._reply)

    def _event(self, text: bytes) -> Arrival:
        """An event in its wire encoding."""
        try:
            return self._checked(wire.decode_event(text))
        except (ValueError, KeyError, TypeError):
            return GARBLED

    def _frames(self, data: bytes) -> tuple[tuple[Arrival, ...], int, tuple[bytes, ...]]:
        """The events in the plain WebSocket frames at the head of `data`, where these end, and what was no event."""
        payloads, end = plain_frames(data)
        arrivals = tuple(self.event(text) for text in payloads)
        return arrivals, end, tuple(text for text, event in zip(payloads, arrivals, strict=True) if event is GARBLED)

    def _blocks(self, text: bytes) -> Blocks:
        """What is in `text` of an event stream, which begins where an event begins."""
        parsed = parse_events(text)
        messages = [event.data for event in parsed.events if event.type == MESSAGE]
        arrivals = tuple(self.event(data) for data in messages)
        garbled = next((data for data, arrival in zip(messages, arrivals, strict=True) if arrival is GARBLED), None)
        further = Further(parsed.retry_ms, garbled, parsed.rest, parsed.ends_with_cr)
        return Blocks(arrivals, parsed.last_event_id, None if further == _NOTHING_FURTHER else further)

    def _reply(self, body: bytes) -> tuple[tuple[Arrival, ...], int] | None:
        """The events of a poll's reply and the cursor to ask after next; None where it is no such reply."""
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
    """Return whether what should be one event is a list of JSON, or several values one after the other."""
    try:
        value, end = json.JSONDecoder().raw_decode(text.decode().lstrip())
    except ValueError:
        return False
    return isinstance(value, list) or bool(text.decode().lstrip()[end:].strip())


event_reader = lru_cache(4)(EventReader)
"""The same reader for all clients that expect the same payloads."""
