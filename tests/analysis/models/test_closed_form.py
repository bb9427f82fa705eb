from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.models import closed_form
from analysis.models.closed_form import Conditions, Expectation, expect

DELAY_S = 0.025


def expectation(kind: str, **conditions: object) -> Expectation:
    defaults = {
        "rate_per_s": 10.0, "arrival": "poisson", "one_way_delay_s": DELAY_S, "poll_interval_s": 1.0, "hold_s": 30.0,
    }  # fmt: skip
    found = expect(kind, Conditions(**{**defaults, **conditions}))  # type: ignore[arg-type]
    assert found is not None
    return found


# The table of docs/method/method.md: R = 50 ms, I = 1 s, T = 30 s, Poisson events.
@pytest.mark.parametrize(
    ("rate", "short_requests", "long_mean_ms", "long_p99_ms", "long_per_s", "long_requests"),
    [
        (0.1, 10, 25.1, 25.0, 0.105, 1.052),
        (1, 1, 26.2, 65.0, 0.999, 0.999),
        (10, 0.1, 36.3, 73.9, 9.04, 0.904),
        (100, 0.01, 50.0, 74.5, 19.97, 0.200),
    ],
)
def test_expected_values(
    rate: float, short_requests: float, long_mean_ms: float, long_p99_ms: float, long_per_s: float, long_requests: float
) -> None:
    short = expectation("short_poll", rate_per_s=rate)
    assert short.requests_per_event == pytest.approx(short_requests)
    assert [short.mean_s, short.quantile_s(0.99), short.max_s] == pytest.approx([0.525, 1.015, 1.025])
    long = expectation("long_poll", rate_per_s=rate)
    assert long.mean_s * 1000 == pytest.approx(long_mean_ms, abs=0.05)
    assert long.quantile_s(0.99) * 1000 == pytest.approx(long_p99_ms, abs=0.05)
    assert long.requests_per_s == pytest.approx(long_per_s, rel=3e-3)
    assert long.requests_per_event == pytest.approx(long_requests, abs=5e-4)
    push = expectation("push", rate_per_s=rate)
    assert [push.mean_s, push.quantile_s(0.99), push.max_s, push.requests_per_event] == [DELAY_S] * 3 + [0]


def test_the_long_polls_cliff_for_periodic_events() -> None:
    back_in_time = expectation("long_poll", arrival="periodic", rate_per_s=19.9)
    too_late = expectation("long_poll", arrival="periodic", rate_per_s=40.0)
    assert (back_in_time.mean_s, back_in_time.requests_per_event) == (DELAY_S, 1.0)
    assert too_late.mean_s == pytest.approx(DELAY_S + 0.05 / 2)
    assert too_late.requests_per_event == pytest.approx(0.025 / 0.05)


def test_negative_control_ties() -> None:
    assert expectation("long_poll", arrival="periodic", rate_per_s=10.0).max_s == expectation("push").max_s


def test_limits_of_the_long_poll() -> None:
    assert expectation("long_poll", rate_per_s=1e-9).requests_per_s == pytest.approx(1 / (30 + 0.05))
    assert expectation("long_poll", rate_per_s=1e5).requests_per_s == pytest.approx(1 / 0.05)
    assert expectation("long_poll", rate_per_s=1e5).mean_s == pytest.approx(DELAY_S + 0.05 / 2)
    assert expectation("long_poll").max_s == pytest.approx(1.5 * 0.05)


@pytest.mark.parametrize(
    ("kind", "conditions"),
    [
        ("long_poll", {"arrival": "burst"}),
        ("long_poll", {"arrival": "periodic", "rate_per_s": 1.0, "hold_s": 0.2}),
        ("round_trip", {"arrival": "poisson", "asks_per_message": True}),
        ("round_trip", {"arrival": "periodic", "rate_per_s": 30.0, "asks_per_message": True}),
    ],
)
def test_no_formula_is_said_to_be_none(kind: str, conditions: dict[str, object]) -> None:
    defaults = {"rate_per_s": 10.0, "one_way_delay_s": DELAY_S, "hold_s": 30.0}
    assert expect(kind, Conditions(**{**defaults, **conditions})) is None  # type: ignore[arg-type]


def test_round_trips() -> None:
    assert expectation("round_trip").mean_s == pytest.approx(2 * DELAY_S)
    assert expectation("round_trip").requests_per_event == 0
    posted = expectation("round_trip_new_connection", arrival="periodic", rate_per_s=5.0, asks_per_message=True)
    assert posted.mean_s == pytest.approx(4 * DELAY_S)
    assert (posted.requests_per_event, posted.requests_per_s) == (1, 5)


def test_a_poll_faster_than_its_answer_is_paced_by_the_answer() -> None:
    assert expectation("short_poll", poll_interval_s=0.01).requests_per_s == pytest.approx(1 / 0.05)
    assert closed_form.poll_period_s(1.0, 0.05, pause_after_answer=True) == pytest.approx(1.05)


def test_without_keep_alive_a_round_trip_comes_on_top() -> None:
    kept, new = (expectation("long_poll", connects_per_poll=each) for each in (False, True))
    twice_as_far = expectation("long_poll", one_way_delay_s=2 * DELAY_S)
    assert new == dataclasses.replace(twice_as_far, floor_s=DELAY_S)
    assert new.max_s == pytest.approx(kept.max_s + 2 * DELAY_S)
    kept, new = (expectation("short_poll", connects_per_poll=each) for each in (False, True))
    assert new == kept, "the schedule keeps its pace, and an answer is one transit old as before"
    assert expectation("short_poll", poll_interval_s=0.01, connects_per_poll=True).requests_per_s == pytest.approx(10)


def test_empty_polls() -> None:
    assert expectation("short_poll", arrival="periodic", rate_per_s=0.25).empty_ratio == pytest.approx(0.75)
    assert expectation("short_poll", arrival="periodic", rate_per_s=4.0).empty_ratio == 0
    assert expectation("short_poll", rate_per_s=1.0).empty_ratio == pytest.approx(math.exp(-1))


def test_what_is_lost_without_a_cursor() -> None:
    assert closed_form.loss_without_cursor_ratio(10.0, 0.05) == pytest.approx(1 / 3)
    assert closed_form.missed_by_latest_only_ratio(Conditions(4.0, "periodic", 0.0, 1.0)) == pytest.approx(0.75)
    assert closed_form.missed_by_latest_only_ratio(Conditions(1.0, "poisson", 0.0, 1.0)) == pytest.approx(math.exp(-1))


@given(st.floats(0.01, 100), st.floats(0.001, 2))
def test_a_long_poll_without_a_cursor_loses_what_the_textbook_says(rate: float, delay_s: float) -> None:
    conditions = Conditions(rate, "poisson", delay_s, hold_s=1e9, keeps_cursor=False)
    expected = closed_form.loss_without_cursor_ratio(rate, 2 * delay_s)
    assert closed_form.expected_loss_ratio("long_poll", conditions) == pytest.approx(expected)
    assert expectation("long_poll", rate_per_s=rate, keeps_cursor=False).quantile_s(0.99) == DELAY_S


def test_a_long_poll_without_a_cursor_and_periodic_events() -> None:
    def lost(rate: float, hold_s: float = 30.0) -> float | None:
        conditions = Conditions(rate, "periodic", DELAY_S, hold_s=hold_s, keeps_cursor=False)
        return closed_form.expected_loss_ratio("long_poll", conditions)

    assert lost(10.0) == 0
    assert lost(20.0) == pytest.approx(1 / 2)  # an event that comes with the request is not after it
    assert lost(50.0) == pytest.approx(2 / 3)
    assert lost(1.0, hold_s=0.2) is None


@pytest.mark.parametrize("kind", ["push", "short_poll", "long_poll", "round_trip"])
def test_nothing_is_lost_with_a_cursor(kind: str) -> None:
    assert closed_form.expected_loss_ratio(kind, Conditions(10.0, "burst", DELAY_S, 1.0, 30.0)) == 0


def test_a_short_poll_without_a_cursor() -> None:
    assert expectation("short_poll", arrival="periodic", keeps_cursor=False).mean_s == pytest.approx(DELAY_S + 0.05)
    for arrival, loss_known in (("poisson", True), ("burst", False)):
        conditions = Conditions(10.0, arrival, DELAY_S, 1.0, 30.0, keeps_cursor=False)
        assert expect("short_poll", conditions) is None
        assert (closed_form.expected_loss_ratio("short_poll", conditions) is not None) == loss_known


def test_a_pause_after_each_answer_adds_the_answer_to_the_period() -> None:
    paused = expectation("short_poll", pauses=True)
    assert paused.mean_s == pytest.approx(1.0 / 2 + 2 * DELAY_S)
    assert paused.quantile_s(0.99) == pytest.approx(0.99 * 1.05 + DELAY_S)
    assert paused.max_s == pytest.approx(1.0 + 1.5 * 2 * DELAY_S)
    assert paused.requests_per_s == pytest.approx(1 / 1.05)


def test_what_a_request_takes_is_no_latency() -> None:
    conditions = Conditions(1.0, "poisson", DELAY_S, 1.0, 30.0)
    assert closed_form.expected_answer_s("short_poll", conditions) == pytest.approx(2 * DELAY_S)
    assert closed_form.expected_answer_s("long_poll", conditions) == pytest.approx(1 / 0.999, rel=1e-3)
    assert closed_form.expected_answer_s("push", conditions) is None
    kept_out = dataclasses.replace(conditions, connects_per_poll=True)
    cycle_s = 1 / expectation("long_poll", rate_per_s=1.0, connects_per_poll=True).requests_per_s
    assert closed_form.expected_answer_s("long_poll", kept_out) == pytest.approx(cycle_s - 2 * DELAY_S)
    assert closed_form.expected_answer_s("long_poll", dataclasses.replace(conditions, arrival="burst")) is None


def test_waits() -> None:
    assert closed_form.mean_poll_wait_s(1.0) == 0.5
    assert closed_form.mean_poll_wait_s(1.0, coefficient_of_variation=1.0) == 1.0
    assert closed_form.commensurate_mean_wait_s(1.0, 1.0) == (0.0, 1.0)
    assert closed_form.poll_batch_events(1.0, 1.0) == pytest.approx(1 / (1 - math.exp(-1)))
    assert closed_form.poll_batch_events(1e-9, 1.0) == pytest.approx(1.0)


@given(
    st.sampled_from(["push", "short_poll", "long_poll", "round_trip"]),
    st.floats(0.01, 1000),
    st.floats(0, 0.5),
    st.floats(0.01, 10),
    st.floats(1, 60),
)
def test_every_closed_form_is_consistent(kind: str, rate: float, delay: float, poll: float, hold: float) -> None:
    found = expect(kind, Conditions(rate, "poisson", delay, poll, hold))
    assert found is not None
    steps = [i / 1000 for i in range(1001)]
    quantiles = [found.quantile_s(share) for share in steps]
    assert quantiles == sorted(quantiles)
    assert quantiles[0] == pytest.approx(found.floor_s)
    assert quantiles[-1] == pytest.approx(found.max_s)
    assert sum(quantiles) / len(quantiles) == pytest.approx(found.mean_s, rel=2e-3, abs=1e-9)
    assert found.requests_per_event == pytest.approx(found.requests_per_s / rate)
