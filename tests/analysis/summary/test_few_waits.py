from __future__ import annotations

import dataclasses

import pytest

from analysis.models.model import Conditions
from analysis.models.registry import MODELS
from analysis.summary.few_waits import expected_waits
from contract.records import JsonObject
from tests.fabricate import SMALL, fabricate_run
from tests.runs import summarized


def test_the_closed_form_says_how_many_events_wait() -> None:
    def waits(model: str, rate_per_s: float, events: int) -> float | None:
        where = Conditions(rate_per_s, "poisson", 0.025, 1.0, 30.0)
        return expected_waits(MODELS[model].closed_form(where), events)

    assert waits("push", 10.0, 200) is None
    assert waits("short_poll", 10.0, 200) == 200
    assert waits("long_poll", 2.0, 20) == pytest.approx(1.99, abs=0.01)
    assert waits("long_poll", 10.0, 200) == pytest.approx(90.4, abs=0.1)
    assert expected_waits(None, 200) is None


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> JsonObject:
    fabrication = dataclasses.replace(SMALL, transports=("websocket", "long_poll"), rates_per_s=(1.0,))
    return summarized(fabricate_run(tmp_path_factory.mktemp("run"), fabrication))


def long_poll(summary: JsonObject, rate_per_s: float) -> JsonObject:
    return next(
        point
        for point in summary["points"]
        if point["transport"] == "long_poll" and point["parameters"]["rate_per_s"] == rate_per_s
    )


def test_where_few_events_wait_no_interval_is_made_of_the_trials_spread(summary: JsonObject) -> None:
    point = long_poll(summary, 1.0)
    withheld = point["intervals_withheld"]
    assert withheld["waits"] < withheld["needed"] == 10
    assert "can be expected to wait (expected at least 10)" in withheld["reason"]
    assert point["latency_ms"]["mean"] is not None
    assert point["latency_ms"]["mean_ci95"] is None
    assert point["requests_per_event_ci95"] is None
    assert set(point["bytes_per_event_ci95"].values()) == {None}
    assert point["freshness"]["mean_age_ms_ci95"] is None
    # What does not depend on waits has its own, and what is corrected for them too.
    assert point["server_cpu_us_per_event_ci95"] is not None
    for estimate in point["estimates"].values():
        low, high = estimate["ci95"]
        assert low < estimate["value"] < high
    costs = point["against_reference"]["costs"]
    assert (costs["bytes_per_event"]["ci95"], costs["bytes_per_event"]["p_value"]) == (None, None)
    assert costs["requests_per_event"]["ci95"] is not None


def test_where_enough_wait_all_have_theirs(summary: JsonObject) -> None:
    point = long_poll(summary, 10.0)
    assert point["intervals_withheld"] is None
    assert point["latency_ms"]["mean_ci95"] is not None
