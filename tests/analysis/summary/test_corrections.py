from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.models.model import Conditions
from analysis.models.registry import MODELS
from analysis.summary.corrections import CHAOTIC_EVENTS_PER_WAIT, Correction, corrections, is_corrected
from contract.records import JsonObject
from tests.fabricate import SMALL, fabricate_run
from tests.runs import report_in_words, summarized

REAL = st.floats(-1e6, 1e6)


def conditions(rate_per_s: float = 10.0, arrival: str = "poisson", poll_interval_s: float = 0.0) -> Conditions:
    return Conditions(rate_per_s, arrival, 0.025, poll_interval_s, 30.0)


@pytest.mark.parametrize(
    ("model", "where", "corrected"),
    [
        ("push", conditions(), False),
        ("short_poll", conditions(poll_interval_s=1.0), True),
        ("short_poll", conditions(rate_per_s=100.0, poll_interval_s=1.0), True),
        ("long_poll", conditions(rate_per_s=2.0), True),
        ("long_poll", conditions(rate_per_s=10.0), True),
        ("long_poll", conditions(rate_per_s=20.0), False),
        ("long_poll", conditions(arrival="periodic"), False),
        ("long_poll", conditions(arrival="burst"), False),
    ],
)
def test_the_parameters_decide_whether_a_figure_is_corrected(model: str, where: Conditions, corrected: bool) -> None:
    assert is_corrected(MODELS[model].closed_form(where), where) == corrected


def test_clients_in_step_are_corrected_up_to_so_many_events_in_a_wait() -> None:
    for events, corrected in ((CHAOTIC_EVENTS_PER_WAIT - 0.01, True), (CHAOTIC_EVENTS_PER_WAIT + 0.01, False)):
        where = conditions(rate_per_s=events / 0.05)
        assert is_corrected(MODELS["long_poll"].closed_form(where), where) == corrected


@given(expected=REAL, own=st.lists(REAL, min_size=1, max_size=10), beyond=REAL)
def test_whatever_luck_the_streams_had_what_is_beyond_the_model_remains(
    expected: float, own: list[float], beyond: float
) -> None:
    pairs = {block: (luck + beyond, luck) for block, luck in enumerate(own)}
    found = Correction(expected).per_block(pairs)
    assert found.keys() == pairs.keys()
    assert list(found.values()) == pytest.approx([expected + beyond] * len(own), rel=1e-9, abs=1e-6)


def test_a_few_trials_do_not_show_how_far_an_event_that_comes_as_a_client_asks_moves_a_mean() -> None:
    short, long = (
        MODELS[model].closed_form(conditions(rate_per_s, poll_interval_s=1.0))
        for model, rate_per_s in (("short_poll", 10.0), ("long_poll", 2.0))
    )
    assert short is not None
    assert long is not None
    polled = corrections(short, 0.001, 40, 10)
    # Half a millisecond of every second decides, and moves one of 400 deliveries by a second.
    assert polled["mean_ms"].spread.least == pytest.approx(1000 * (0.0005 / 400) ** 0.5)
    # The first and the last request of ten clients may fall on either side of the window of 40 events.
    assert polled["requests_per_event"].spread.least == pytest.approx((2 * 0.0005 / 10) ** 0.5 / 40)
    held = corrections(long, 0.001, 4, 1)
    assert held["mean_ms"].spread.least == pytest.approx(50 * (0.0005 * long.requests_per_s / 4) ** 0.5)
    assert held["requests_per_event"].spread.least > 0
    assert corrections(long, -0.001, 4, 1)["mean_ms"].spread.least == 0
    overloaded = corrections(short, 100.0, 40, 10)["mean_ms"].spread.least
    assert overloaded == pytest.approx(1000 * (1 / 400) ** 0.5), "more than all events cannot be undecided"


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> JsonObject:
    transports = ("websocket", "long_poll", "short_poll")
    run = fabricate_run(tmp_path_factory.mktemp("run"), dataclasses.replace(SMALL, transports=transports))
    return summarized(run)


def of(summary: JsonObject, transport: str) -> JsonObject:
    return next(point for point in summary["points"] if point["base"] and point["transport"] == transport)


def test_a_corrected_mean_is_the_closed_form_and_what_trials_took_beyond_their_own_schedules(
    summary: JsonObject,
) -> None:
    point = of(summary, "short_poll")
    found, closed_form_ms = point["estimates"]["mean_ms"], point["closed_form"]["mean_ms"]
    assert found["corrected"]
    assert found["value"] == pytest.approx(closed_form_ms + point["residual_ms"]["mean"], abs=0.05)
    plain_half, half = ((high - low) / 2 for low, high in (point["latency_ms"]["mean_ci95"], found["ci95"]))
    assert 0 < half < plain_half / 2, "the streams' luck is most of the plain spread"


def test_a_figure_that_depends_on_no_luck_is_reported_as_measured(summary: JsonObject) -> None:
    point = of(summary, "websocket")
    assert point["estimates"]["mean_ms"] == {
        "value": point["latency_ms"]["mean"], "ci95": point["latency_ms"]["mean_ci95"], "corrected": False,
    }  # fmt: skip
    assert point["estimates"]["requests_per_s"]["value"] == point["requests_per_s"]


def test_differences_are_those_of_the_figures_that_are_reported(summary: JsonObject) -> None:
    point, reference = of(summary, "short_poll"), of(summary, "websocket")
    against = point["against_reference"]
    for found, name in ((against["mean_difference_ms"], "mean_ms"),
                        (against["costs"]["requests_per_event"], "requests_per_event")):  # fmt: skip
        apart = point["estimates"][name]["value"] - reference["estimates"][name]["value"]
        assert found["value"] == pytest.approx(apart, rel=1e-4)


def test_the_table_and_the_plain_figure_stand_beside_each_other(tmp_path: Path) -> None:
    run = fabricate_run(tmp_path, dataclasses.replace(SMALL, transports=("websocket", "short_poll")))
    report_in_words(run)
    row = next(line for line in (run / "report.md").read_text("utf-8").splitlines() if line.startswith("| Short poll"))
    assert "; plain " in row.split("|")[2]
