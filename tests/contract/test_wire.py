import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import wire

events = st.builds(
    wire.Event,
    seq=st.integers(1, 2**53),
    due_ns=st.integers(0, 2**63),
    published_ns=st.integers(0, 2**63),
    payload=st.text(),
)


@given(events)
def test_an_event_survives_the_wire(event: wire.Event) -> None:
    assert wire.decode_event(wire.encode_event(event)) == event


@given(events)
def test_an_encoded_event_is_one_line_of_compact_ascii_json(event: wire.Event) -> None:
    text = wire.encode_event(event)
    fields = {"seq": event.seq, "due_ns": event.due_ns, "published_ns": event.published_ns, "payload": event.payload}
    assert text == json.dumps(fields, separators=(",", ":"))
    assert text.isascii()
    assert "\n" not in text


@given(st.lists(events, min_size=1), st.integers(1, 2**53))
def test_a_poll_reply_survives_the_wire(batch: list[wire.Event], cursor: int) -> None:
    body = wire.encode_poll_reply((wire.encode_event(event) for event in batch), cursor)
    assert wire.decode_poll_reply(body) == (batch, cursor)


@given(events)
def test_a_server_sent_event_has_its_seq_as_id_and_ends_in_a_blank_line(event: wire.Event) -> None:
    id_line, data_line, *rest = wire.encode_sse_event(event.seq, wire.encode_event(event)).decode().split("\n")
    assert id_line == f"id: {event.seq}"
    assert wire.decode_event(data_line.removeprefix("data: ")) == event
    assert rest == ["", ""]


@given(st.integers(0, 2**63 - 1))
def test_a_whole_number_is_taken_as_integer_and_as_double(number: int) -> None:
    assert wire.whole_number(number) == number
    if (double := float(number)) < 2**63:
        assert wire.whole_number(double) == int(double)


@pytest.mark.parametrize(
    "value", [-1, -0.5, 0.5, 2**63, float(2**63), float("inf"), float("nan"), True, "1", None, [1]]
)
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="no whole number of at least 0"):
        wire.whole_number(value)
