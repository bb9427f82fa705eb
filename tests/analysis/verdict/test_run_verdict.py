from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from analysis.verdict import run_verdict
from analysis.verdict.run_verdict import MOST_WORDS, Verdict
from contract.records import JsonObject
from tests.analysis import made_summary as made
from tests.fabricate import ECHO, SMALL, Fabrication, fabricate_run
from tests.fabricate_trial import Faults
from tests.runs import summarized


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> JsonObject:
    return summarized(fabricate_run(tmp_path_factory.mktemp("run"), SMALL))


def verdict(summary: JsonObject) -> Verdict:
    return run_verdict.verdict(made.results(summary, SMALL.base_parameters()))


def changed(summary: JsonObject, transport: str, **changes: Any) -> JsonObject:
    """A copy with a point's keys (`a__b` for nested ones) set."""
    found = copy.deepcopy(summary)
    for point in found["points"]:
        if point["transport"] == transport:
            for path, value in changes.items():
                *parents, last = path.split("__")
                at = point
                for parent in parents:
                    at = at[parent]
                at[last] = value
    return found


def differing(summary: JsonObject, transport: str, **differences: tuple[float, float, float]) -> JsonObject:
    """A copy in which a point differs from the reference by (value, low, high) in `p50`, `p95` or `mean`.

    It is shown to differ where that interval is without zero.
    """
    return changed(
        summary,
        transport,
        **{
            f"against_reference__{name}_difference_ms": {
                "value": value, "ci95": [low, high], "p_value": 0.01, "blocks": 3, "noise_floor_ms": None,
                "adjusted_among": 29, "adjusted_p_value": 0.5 if low <= 0 <= high else 0.01,
            }
            for name, (value, low, high) in differences.items()
        },
    )  # fmt: skip


def said_of(summary: JsonObject) -> str:
    """Headline and lines of the verdict, a line each."""
    found = verdict(summary)
    return "\n".join([found.headline, *found.lines])


def clause(summary: JsonObject, label: str) -> str:
    [found] = [line for line in verdict(summary).lines if line.startswith(label)]
    return found


def test_a_difference_that_the_clocks_hide_is_not_told(measured: JsonObject) -> None:
    hidden = changed(
        measured,
        "long_poll",
        against_reference__p50_difference_ms=None,
        against_reference__clock_uncertainty_ms=0.68,
    )
    assert clause(hidden, "Long poll").startswith("Long poll: not known to ±0.680 ms, for")


def test_who_is_slower_by_how_much_and_at_what_cost(measured: JsonObject) -> None:
    assert (
        verdict(measured)
        .lines[0]
        .startswith("With 6 clients, 10 events/s, Poisson arrivals and 25 ms one way, WebSocket delivers in p50 25.")
    )
    assert "slower by" in clause(measured, "Short poll every 1 s")
    assert "µs of server CPU" in clause(measured, "Short poll every 1 s")
    assert "requests" in clause(measured, "Long poll")
    for line in (verdict(measured).headline, *verdict(measured).lines):
        assert line.endswith(".") and "\n" not in line


def with_p95(summary: JsonObject, **p95_ms: float) -> JsonObject:
    """A copy in which points have these p95."""
    for transport, value in p95_ms.items():
        summary = changed(summary, transport, latency_ms__p95=value)
    return summary


def test_the_headline_can_be_read_aloud(measured: JsonObject) -> None:
    found = with_p95(measured, websocket=25.6, sse=25.8, long_poll=74.2, short_poll=982.0)
    assert verdict(found).headline == (
        "With 10 events/s and 25 ms one way, WebSocket and SSE bring 95 % of the events within 25.8 ms, "
        "Long poll within 74.2 ms and Short poll every 1 s within 982 ms."
    )


def test_a_headline_speaks_of_the_highest_quantile_that_all_have(measured: JsonObject) -> None:
    found = changed(
        with_p95(measured, websocket=25.6), "sse", latency_ms__p95=None, against_reference__p95_difference_ms=None
    )
    assert "bring half of the events within 2" in verdict(found).headline
    found = changed(found, "long_poll", latency_ms__p50=None, against_reference__p50_difference_ms=None)
    assert "bring events, on average, after 2" in verdict(found).headline


def test_a_headline_of_many_transports_stays_short(measured: JsonObject) -> None:
    found = copy.deepcopy(with_p95(measured, websocket=25.6, sse=25.8, long_poll=74.2, short_poll=982.0))
    for style in found["transports"][2:]:
        style["label"] = f"{style['label']} of a rather long name"
    said = verdict(found).headline
    assert len(said.split()) <= MOST_WORDS
    assert said.endswith(
        "WebSocket and SSE bring 95 % of the events within 25.8 ms, the 2 others within 74.2 to 982 ms."
    )


def test_polling_as_fresh_is_told_in_requests(measured: JsonObject) -> None:
    """Within 100 ms over 25 ms: 0.95 I + 25 = 100."""
    assert (
        "To bring 95 % of the events within 100 ms by polling on a schedule, each client has to ask 12.7 times a "
        "second (by the model)." in verdict(measured).lines
    )
    slow = changed(measured, "websocket", latency_ms__mean=140.0)
    assert "within 1000 ms by polling on a schedule, each client has to ask 0.974 times a second" in said_of(slow)
    assert "each client has to ask" not in said_of(changed(measured, "short_poll", closed_form=None))


def test_equal_medians_do_not_hide_a_longer_tail(measured: JsonObject) -> None:
    tail = differing(measured, "long_poll", p50=(2.6, -7.8, 13.1), p95=(44.9, 34.7, 55.2), mean=(12.4, 8.6, 16.3))
    said = clause(tail, "Long poll")
    assert "no difference shown at p50 (+2.60 ± 10.5 ms)" in said
    assert "slower by 44.9 ms [34.7, 55.2] at p95" in said


def test_a_difference_in_the_mean_alone_is_told(measured: JsonObject) -> None:
    said = clause(
        differing(measured, "long_poll", p50=(0.1, -1, 1), p95=(30, -10, 70), mean=(12.4, 8.6, 16.3)), "Long poll"
    )
    assert "slower by 12.4 ms [8.60, 16.3] at the mean" in said


def test_what_was_not_shown_is_told_with_how_well_it_is_known(measured: JsonObject) -> None:
    alike = differing(measured, "sse", p50=(-0.14, -0.3, 0.1), p95=(-0.3, -1.2, 0.5), mean=(-0.15, -0.4, 0.1))
    alike = changed(alike, "sse", latency_ms__p50=0.9, latency_ms__p95=1.5, latency_ms__mean=0.9)
    assert (
        "SSE: no difference shown at p50 (−0.140 ± 0.240 ms), p95 (−0.300 ± 0.900 ms) and the mean "
        "(−0.150 ± 0.250 ms), for" in clause(alike, "SSE")
    )


def test_a_certain_difference_below_the_resolution_is_told_as_that(measured: JsonObject) -> None:
    small = (-0.11, -0.15, -0.07)
    below = changed(measured, "sse", latency_ms__p50=0.9, latency_ms__p95=1.5, latency_ms__mean=0.9)
    said = clause(differing(below, "sse", p50=small, p95=small, mean=small), "SSE")
    assert said.startswith("SSE: differs by −0.110 ms at p50, below the 0.2 ms that this set-up resolves, for")


def test_what_chance_brings_among_many_is_not_claimed(measured: JsonObject) -> None:
    lucky = differing(measured, "long_poll", p50=(12.0, 2.0, 22.0), p95=(5, -50, 60), mean=(3, -9, 15))
    lucky = changed(lucky, "long_poll", against_reference__p50_difference_ms__adjusted_p_value=0.2)
    said = clause(lucky, "Long poll")
    assert "no difference shown at p50 (+12.0 ms, not certain among 29 differences)" in said
    assert "slower" not in said


def test_what_was_not_shown_never_has_an_interval_that_claims_it(measured: JsonObject) -> None:
    """±10 ms around 12 beside "no difference shown" would say both."""
    lucky = differing(measured, "long_poll", p50=(12.0, 2.0, 22.0), p95=(40, 30, 50), mean=(30, 20, 40))
    for name in ("p50", "p95", "mean"):
        lucky = changed(lucky, "long_poll", **{f"against_reference__{name}_difference_ms__adjusted_p_value": 0.2})
    said = clause(lucky, "Long poll")
    assert "±" not in said
    assert said.count("not certain among 29 differences") == 3


def test_two_blocks_are_said_to_be_too_few_in_the_verdict_itself(measured: JsonObject) -> None:
    few = differing(measured, "long_poll", p50=(207, -93, 507), p95=(446, 9, 883), mean=(230, -20, 480))
    for name in ("p50", "p95", "mean"):
        few = changed(few, "long_poll", **{f"against_reference__{name}_difference_ms__blocks": 2})
    few = changed(few, "long_poll", against_reference__p95_difference_ms__adjusted_p_value=0.9)
    assert clause(few, "Long poll").startswith(
        "Long poll: 2 blocks are too few to tell a difference at p50 (+207 ± 300 ms), p95 (+446 ms, not certain among "
        "29 differences) and the mean (+230 ± 250 ms), for"
    )
    few = costing(few, "long_poll", "server_cpu_us_per_event", 10.0, 200.0, 0.9)
    few = costing(few, "short_poll", "server_cpu_us_per_event", 10.0, 150.0, 0.9)
    few = changed(few, "long_poll", against_reference__costs__server_cpu_us_per_event__blocks=2)
    assert "\n2 blocks are too few to tell whether polling is cheaper than WebSocket in server CPU per" in said_of(few)


def test_a_wide_interval_around_a_large_difference_is_no_tie(measured: JsonObject) -> None:
    wide = differing(measured, "long_poll", p50=(0.1, -1, 1), p95=(44, -20, 107), mean=(7, -9, 23))
    assert "same" not in clause(wide, "Long poll")
    assert "p95 (+44.0 ± 64.0 ms)" in clause(wide, "Long poll")


def test_a_faster_transport_is_said_to_be_faster(measured: JsonObject) -> None:
    said = clause(differing(measured, "sse", p50=(-9, -10, -8), p95=(-9, -10, -8), mean=(-9, -10, -8)), "SSE")
    assert "faster by 9.00 ms [8.00, 10.0] at p50" in said


def test_a_difference_surely_within_the_margin_is_the_same(measured: JsonObject) -> None:
    small = (0.5, 0.45, 0.55)
    said = clause(differing(measured, "sse", p50=small, p95=small, mean=small), "SSE")
    assert said.startswith("SSE: the same within 1.00 ms at p50 and the mean (+0.500 ± 0.050 ms at p50), for")


def test_on_loopback_half_a_millisecond_is_no_tie(measured: JsonObject) -> None:
    small = (0.5, 0.45, 0.55)
    fast = changed(measured, "sse", latency_ms__p50=1.0, latency_ms__p95=1.2, latency_ms__mean=1.0)
    assert "slower by 0.500 ms" in clause(differing(fast, "sse", p50=small, p95=small, mean=small), "SSE")


def test_the_negative_control_is_a_tie(tmp_path: Path) -> None:
    fabrication = dataclasses.replace(SMALL, transports=("websocket", "sse", "long_poll"), arrival="periodic")
    said = said_of(summarized(fabricate_run(tmp_path, fabrication)))
    assert "a tie: WebSocket, SSE and Long poll bring " in said
    assert said.count("the same within 1.00 ms") + said.count("differs by") == 2


def test_one_slower_transport_is_no_tie(measured: JsonObject) -> None:
    assert "a tie:" not in said_of(measured)


def costing(summary: JsonObject, transport: str, cost: str, value: float, half: float, p_value: float) -> JsonObject:
    """A copy in which a point's cost differs from the reference's 100 by a value known to ± half of it."""
    difference = {
        "value": value, "ci95": [value - half, value + half], "p_value": p_value, "reference": 100.0,
        "adjusted_p_value": p_value, "blocks": 3,
    }  # fmt: skip
    return changed(summary, transport, **{f"against_reference__costs__{cost}": difference})


def test_where_polling_is_cheaper_is_said_with_point_and_interval(measured: JsonObject) -> None:
    cheap = costing(measured, "short_poll", "server_cpu_us_per_event", -37.9, 20.3, 0.03)
    cheap = costing(cheap, "long_poll", "server_cpu_us_per_event", 150.0, 20.0, 0.001)
    cheap = changed(cheap, "short_poll", server_cpu_us_per_event=62.1)
    assert (
        "Polling is cheaper than WebSocket in server CPU per event (Short poll every 1 s: 62.1 against 100 µs, "
        "37.9 [17.6, 58.2] less; so at 1 of 2 points)" in said_of(cheap)
    )


@pytest.mark.parametrize(
    ("half", "expected"),
    [
        (
            20.0,
            "We found no point at which {}: the largest saving that fits the data is 10.0 % (Short poll every 1 s)",
        ),
        (5.0, "There is no point at which {}: it saves nothing"),
        (200.0, "Whether {} is not known: by these data any saving is possible"),
    ],
)
def test_where_no_saving_was_shown_the_largest_that_fits_is_said(
    measured: JsonObject, half: float, expected: str
) -> None:
    dear = costing(measured, "short_poll", "server_cpu_us_per_event", 10.0, half, 0.4)
    dear = costing(dear, "long_poll", "server_cpu_us_per_event", 400.0, 20.0, 0.001)
    said = said_of(dear)
    assert expected.format("polling is cheaper than WebSocket in server CPU per event") in said
    assert "nowhere" not in said


def test_a_saving_that_chance_brings_among_many_is_not_claimed(measured: JsonObject) -> None:
    lucky = costing(measured, "short_poll", "server_cpu_us_per_event", -30.0, 20.0, 0.2)
    lucky = costing(lucky, "long_poll", "server_cpu_us_per_event", 400.0, 20.0, 0.001)
    said = said_of(lucky)
    assert "the largest saving that fits the data is 50.0 % (Short poll every 1 s)" in said
    assert "is cheaper than WebSocket in server CPU per event (" not in said


def test_cheaper_in_a_sweep_names_the_point(tmp_path: Path) -> None:
    """Polls every 5 s of a server on which a poll and an event have known costs: from the records to the sentence."""
    fabrication = dataclasses.replace(
        SMALL, transports=("websocket", "short_poll"), intervals_s=(1.0, 5.0), clients=10, measured_s=4.0, blocks=6,
    )  # fmt: skip
    push = Faults(server_cpu_ratio=0.0, event_cpu_us=80.0)
    poll = Faults(server_cpu_ratio=0.0, event_cpu_us=25.0, poll_cpu_us=700.0)
    faults = {planned.index: push if planned.transport == "websocket" else poll for planned in fabrication.plan()}
    summary = summarized(fabricate_run(tmp_path, fabrication, faults))
    assert "Short poll every 5 s: 3" in said_of(summary)
    assert "so at 1 of 2 points" in said_of(summary)
    [difference] = [
        p["against_reference"]["costs"]["server_cpu_us_per_event"]
        for p in summary["points"]
        if p["parameters"].get("poll_interval_s") == 5.0
    ]
    low, high = difference["ci95"]
    assert low < 25 + 700 / 50 - 80 < high < 0
    assert difference["p_value"] <= difference["adjusted_p_value"] < 0.05


def test_one_trial_tells_nothing_of_costs(measured: JsonObject) -> None:
    lone = {"value": -50.0, "ci95": None, "reference": 100.0, "p_value": None, "blocks": 1}
    for name in ("long_poll", "short_poll"):
        measured = changed(measured, name, against_reference__costs__bytes_per_event=lone)
    assert (
        "Whether polling is cheaper than WebSocket in bytes per event cannot be told from so few trials and events"
        in said_of(measured)
    )


def test_unmeasured_costs_are_left_out(measured: JsonObject) -> None:
    bare = measured
    for name in ("websocket", "sse", "long_poll", "short_poll"):
        bare = changed(bare, name, server_cpu_us_per_event=None)
    for name in ("long_poll", "short_poll"):
        bare = changed(bare, name, against_reference__costs__server_cpu_us_per_event=None)
    assert "CPU" not in said_of(bare)


def test_a_round_trip_has_its_own_words(tmp_path: Path) -> None:
    fabrication = Fabrication(transports=ECHO, intervals_s=(), rates_per_s=(), arrival="periodic", measured_s=4.0)
    said = said_of(summarized(fabricate_run(tmp_path, fabrication)))
    assert "a message is there and back over WebSocket echo in p50 50." in said
    assert "messages there and back" in said.splitlines()[0]
    assert "delivers" not in said
    assert "POST echo, new connection: slower by 50." in said


def test_an_invalid_run_compares_nothing(measured: JsonObject) -> None:
    reasons = ["SSE, trial 001-sse: 1 of 9 deliveries lost", "b", "c"]
    said = said_of({**measured, "valid": False, "invalid_reasons": reasons})
    assert said == "INVALID: SSE, trial 001-sse: 1 of 9 deliveries lost (and 2 more reasons)."


def test_no_verdict_without_the_reference(measured: JsonObject) -> None:
    assert said_of({**measured, "base_point": None}).startswith("No verdict: WebSocket has no finished trial")


def test_one_trial_claims_no_interval(measured: JsonObject) -> None:
    lone = {"value": 500.0, "ci95": None, "p_value": None, "blocks": 1, "noise_floor_ms": None}
    said = changed(
        measured,
        "short_poll",
        against_reference__p50_difference_ms=lone,
        against_reference__p95_difference_ms=lone,
        against_reference__mean_difference_ms=lone,
        latency_ms__p50_ci95=None,
    )
    assert "slower by 500 ms (one trial, no interval) at p50" in clause(said, "Short poll every 1 s")
