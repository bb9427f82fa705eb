from __future__ import annotations

from dataclasses import replace

import pytest

from analysis.summary.capacity import TrialLoad
from analysis.summary.crossover import capacity_summary
from contract.records import JsonObject, as_document
from tests.analysis.made_loads import (
    ABOVE,
    BASE,
    BELOW,
    EVENT_BYTES,
    FRAME_BYTES,
    HEADER_BYTES,
    Comparison,
    Server,
    measured,
    tried,
)


def summary(loads: list[TrialLoad]) -> JsonObject:
    found = capacity_summary(loads, BASE)
    assert found is not None
    written: JsonObject = as_document(found)
    return written


def account(found: JsonObject, transport: str) -> JsonObject:
    return next(dict(one) for one in found["transports"] if one["transport"] == transport)


def tries(found: JsonObject) -> list[JsonObject]:
    return [
        one
        for crossover in found["crossovers"]
        if (crossover["push"], crossover["poll"]) == ("websocket", "short_poll")
        for one in crossover["tried"]
    ]


def test_nothing_is_said_where_the_server_was_hardly_busy() -> None:
    assert capacity_summary([Server().load("websocket", 10), Server().load("short_poll", 10)], BASE) is None
    assert capacity_summary([], BASE) is None


def test_each_transport_is_accounted_for() -> None:
    found = summary(measured(blocks=2))
    assert [one["transport"] for one in found["transports"]] == ["websocket", "sse", "long_poll", "short_poll"]
    push, poll = account(found, "websocket"), account(found, "short_poll")
    assert push["poll_cpu_us"] is None
    assert push["clients"]["value"] == pytest.approx(push["per_s"]["value"] / 20)
    assert poll["clients"]["value"] == pytest.approx(poll["per_s"]["value"] * 0.1)
    assert poll["clients"]["ci95"][0] < poll["clients"]["value"] < poll["clients"]["ci95"][1]
    assert account(found, "long_poll")["clients"]["value"] is None
    assert {(one["push"], one["poll"]) for one in found["crossovers"]} == {
        ("websocket", "short_poll"),
        ("sse", "short_poll"),
    }


def test_where_throughput_stops() -> None:
    found = summary(measured())
    [push] = account(found, "websocket")["saturated"]
    assert push["asked_per_s"] == 80_000
    assert push["reached_per_s"] == pytest.approx(50_000, rel=0.02)
    assert push["predicted_per_s"] == pytest.approx(40_000)
    assert push["events_per_poll"] is None
    [poll] = account(found, "short_poll")["saturated"]
    assert poll["asked_per_s"] == 16_000
    assert poll["reached_per_s"] < 0.5 * poll["asked_per_s"]
    assert account(found, "long_poll")["saturated"][0]["asked_per_s"] is None


def test_bytes_are_those_of_the_event_and_of_what_carries_it() -> None:
    found = summary(measured())
    push, poll = account(found, "websocket"), account(found, "short_poll")
    assert (push["event_bytes"], push["poll_bytes"]) == (pytest.approx(EVENT_BYTES), None)
    assert push["framing_bytes"] == pytest.approx(FRAME_BYTES)
    assert poll["framing_bytes"] is None
    assert poll["poll_bytes"] == pytest.approx(HEADER_BYTES + FRAME_BYTES * 6, rel=0.1)
    uncounted = [replace(load, socket_bytes=None, payload_bytes=None) for load in measured()]
    assert account(summary(uncounted), "websocket")["event_bytes"] is None


@pytest.mark.parametrize(("pair", "winner", "loser"), [(BELOW, "push", "poll"), (ABOVE, "poll", "push")])
def test_a_prediction_is_confirmed_on_its_side(pair: Comparison, winner: str, loser: str) -> None:
    [one] = tries(summary([*measured(blocks=3), *tried(pair, blocks=3)]))
    assert one["predicted"] == winner
    assert one["claims"] == {"cheaper": True, "holds": True, "other_does_not_hold": True}
    assert one["outcome"] == "confirmed"
    assert one[winner]["predicted_load_ratio"]["value"] < 1 < one[loser]["predicted_load_ratio"]["value"]
    assert one[winner]["server_cpu_ratio"] < one[loser]["server_cpu_ratio"]


@pytest.mark.parametrize(
    ("pair", "really", "failed"),
    [
        (BELOW, Server(push_us=120.0), "holds"),
        (BELOW, Server(poll_us=30.0, event_us=1.0), "other_does_not_hold"),
        (ABOVE, Server(poll_us=900.0), "holds"),
        (ABOVE, Server(push_us=8.0), "other_does_not_hold"),
    ],
)
def test_a_server_that_does_otherwise_refutes_it(pair: Comparison, really: Server, failed: str) -> None:
    [one] = tries(summary([*measured(), *tried(pair, really)]))
    assert one["claims"][failed] is False
    assert one["outcome"] == "refuted"


def test_what_is_dearer_than_predicted_refutes_it_even_where_both_hold() -> None:
    few = replace(BELOW, clients=300)
    [one] = tries(summary([*measured(), *tried(few, Server(poll_us=10.0, event_us=0.0))]))
    assert one["claims"] == {"cheaper": False, "holds": True}
    assert one["outcome"] == "refuted"


def test_late_events_are_no_holding() -> None:
    late = [replace(load, reach_beyond_model_ms=400.0) if load.kind.pushes else load for load in tried(BELOW)]
    [one] = tries(summary([*measured(), *late]))
    assert one["push"]["p99_beyond_model_ms"] == 400.0
    assert one["push"]["holds"] is False
    assert one["outcome"] == "refuted"


def test_nothing_is_predicted_within_the_crossovers_own_interval() -> None:
    loads = measured(blocks=3)
    at = summary(loads)["crossovers"][0]["events_per_poll"]["value"]
    uneven = [replace(load, server_cpu_s=load.server_cpu_s * (1 + 0.2 * (load.block == 1))) if load.polls else load
              for load in loads]  # fmt: skip
    near = replace(BELOW, poll_interval_s=at / 10)
    [one] = tries(summary([*uneven, *tried(near, blocks=3)]))
    assert (one["predicted"], one["outcome"], one["claims"]) == ("undecided", "undecided", {})


def test_points_of_other_clients_are_no_pair() -> None:
    loads = [load for load in tried(BELOW) if load.kind.pushes]
    other = [load for load in tried(replace(BELOW, clients=999)) if not load.kind.pushes]
    assert tries(summary([*measured(), *loads, *other])) == []
