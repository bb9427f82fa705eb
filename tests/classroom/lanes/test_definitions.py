from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom.lanes.definitions import LANES, MAX_CLIENT, TRANSPORTS, Lane, client_and_lane, wire_number
from contract.transports import TRANSPORTS as REGISTRY

MARKERS = {"o": "circle", "^": "triangle", "s": "square", "X": "cross"}


@pytest.mark.parametrize("lane", LANES, ids=lambda lane: lane.transport)
def test_a_lane_looks_as_in_the_reports(lane: Lane) -> None:
    registered = REGISTRY[lane.transport]
    drawn = (registered.label, registered.colour, MARKERS[registered.marker], registered.dash)
    assert (lane.label, lane.colour, lane.marker, lane.dash) == drawn
    assert lane.model == registered.model
    assert lane.polls == (registered.role == "polling")
    assert lane.transport in lane.adapter.transports


@given(st.integers(0, MAX_CLIENT - 1), st.integers(0, len(LANES) - 1))
def test_the_number_on_the_wire_names_client_and_lane_in_at_most_fifteen_digits(client: int, lane: int) -> None:
    number = wire_number(client, lane)
    assert client_and_lane(number) == (client, lane)
    assert len(str(number)) <= 15


def test_the_order_of_the_lanes_is_that_of_their_ports() -> None:
    assert TRANSPORTS == ("websocket", "sse", "long_poll", "short_poll")
