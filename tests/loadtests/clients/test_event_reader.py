from __future__ import annotations

import json

import pytest

from contract import wire
from loadtests.clients.event_reader import GARBLED, Arrival, EventReader, event_reader

PAYLOADS = ("alpha", "beta")


def event(seq: int, payload: str) -> bytes:
    return wire.encode_event(wire.Event(seq, 10, 11, payload)).encode()


def test_an_event_is_intact_where_it_carries_the_payload_of_its_seq() -> None:
    reader = EventReader(PAYLOADS)
    assert reader.event(event(1, "alpha")) == Arrival(1, 10, 11, True)
    assert reader.event(event(2, "alpha")) == Arrival(2, 10, 11, False)
    assert reader.event(event(3, "alpha")) == Arrival(3, 10, 11, True)


def test_one_byte_that_differs_is_another_event_however_well_the_first_is_remembered() -> None:
    reader = EventReader(PAYLOADS)
    text = event(1, "alpha")
    for _ in range(3):
        assert reader.event(bytes(bytearray(text))).intact
        assert not reader.event(text.replace(b"alpha", b"alphb")).intact
    assert reader.event(text.replace(b"10", b"12")).due_ns == 12


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"seq": 1},
        {"seq": "1", "due_ns": 1, "published_ns": 1, "payload": "alpha"},
        {"seq": 0, "due_ns": 1, "published_ns": 1, "payload": "beta"},
        {"seq": 1, "due_ns": 1.5, "published_ns": 1, "payload": "alpha"},
        {"seq": 1, "due_ns": 1, "published_ns": None, "payload": "alpha"},
        {"seq": 1, "due_ns": float("nan"), "published_ns": 1, "payload": "alpha"},
        {"seq": 1, "due_ns": 1e300, "published_ns": 1, "payload": "alpha"},
        {"seq": True, "due_ns": 1, "published_ns": 1, "payload": "alpha"},
        {"seq": 2**63, "due_ns": 1, "published_ns": 1, "payload": "alpha"},
    ],
)
def test_what_no_table_could_hold_is_no_event(value: object) -> None:
    reader = EventReader(PAYLOADS)
    assert reader.event(json.dumps(value).encode()) == GARBLED
    assert reader.reply(json.dumps({"events": [value], "next": 1}).encode()) is None


def test_doubles_without_a_fraction_are_whole_numbers() -> None:
    reader, since_1970_ns = EventReader(PAYLOADS), 1_790_000_000_000_000_256
    fields = {"seq": 1.0, "due_ns": float(since_1970_ns), "published_ns": 1.79e18, "payload": "alpha"}
    arrival = reader.event(json.dumps(fields).encode())
    assert arrival == Arrival(1, since_1970_ns, 1_790_000_000_000_000_000, True)
    assert [type(number) for number in arrival[:3]] == [int] * 3
    assert reader.reply(json.dumps({"events": [fields], "next": 1.0}).encode()) == ((arrival,), 1)


@pytest.mark.parametrize("cursor", ['"1"', "null", "-1", "1.5"])
def test_a_reply_without_a_cursor_is_no_reply(cursor: str) -> None:
    assert EventReader(PAYLOADS).reply(b'{"events": [], "next": %b}' % cursor.encode()) is None


def test_clients_with_the_same_payloads_have_the_same_reader() -> None:
    assert event_reader(PAYLOADS) is event_reader(("alpha", "beta"))
    assert event_reader(PAYLOADS) is not event_reader(("beta", "alpha"))
