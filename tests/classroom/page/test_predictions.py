from __future__ import annotations

import pytest

from classroom.lanes.definitions import LANES
from classroom.page.predictions import predict
from classroom.run_settings import RunSettings
from tests.classroom.conftest import RunningClassroom

BY_TRANSPORT = {lane.transport: lane for lane in LANES}


def predicted(transport: str, settings: RunSettings) -> dict[str, float | None]:
    figures = predict(BY_TRANSPORT[transport], settings)
    assert figures is not None
    return figures


def test_the_formulas_are_those_of_the_reports() -> None:
    settings = RunSettings(rate_per_s=2, poll_interval_s=0.5, one_way_delay_ms=25)
    for push in ("websocket", "sse"):
        figures = predicted(push, settings)
        assert (figures["mean_ms"], figures["p99_ms"], figures["requests_per_event"]) == (25, 25, 0)
    short = predicted("short_poll", settings)
    assert (short["mean_ms"], short["p50_ms"], short["requests_per_s"], short["requests_per_event"]) == pytest.approx(
        (275, 275, 2, 1)
    )
    long = predicted("long_poll", settings)
    assert 25 < (long["mean_ms"] or 0) < 75


def test_no_figure_is_made_up_where_no_formula_is_known() -> None:
    assert predict(BY_TRANSPORT["long_poll"], RunSettings(arrival="burst")) is None
    assert predict(BY_TRANSPORT["long_poll"], RunSettings(arrival="burst", cursor=False)) is None


def test_polls_without_a_cursor_are_expected_to_miss_events_and_nobody_else() -> None:
    settings = RunSettings(rate_per_s=10, one_way_delay_ms=25)
    for lane in LANES:
        assert predicted(lane.transport, settings)["missed_ratio"] == 0
        missed_ratio = predicted(lane.transport, settings.model_copy(update={"cursor": False}))["missed_ratio"]
        assert missed_ratio is not None
        assert (missed_ratio > 0) == lane.polls
    without = settings.model_copy(update={"cursor": False})
    assert predicted("short_poll", without)["p50_ms"] is None
    assert predicted("long_poll", without)["missed_ratio"] == pytest.approx(0.5 / 1.5, rel=1e-3)


def test_the_page_asks_with_the_settings_of_its_url(classroom: RunningClassroom) -> None:
    answer = classroom.request("GET", "/api/model?rate_per_s=0.2&poll_interval_s=1").json()
    assert list(answer["transports"]) == [lane.transport for lane in LANES]
    assert answer["transports"]["short_poll"]["requests_per_event"] == pytest.approx(5)
    assert answer["settings"]["rate_per_s"] == 0.2


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("rate_per_s=0", "query.rate_per_s"),
        ("rate_per_s=x", "not 'x'"),
        ("speed=1", "query.speed"),
        ("cursor=2", "cursor"),
    ],
)
def test_bad_queries(classroom: RunningClassroom, query: str, said: str) -> None:
    response = classroom.request("GET", f"/api/model?{query}")
    assert response.status_code == 422
    assert said in response.json()["detail"]


@pytest.mark.parametrize("knob", ["rate_per_s", "poll_interval_s", "one_way_delay_ms"])
def test_a_curve_is_the_formula_at_each_setting(classroom: RunningClassroom, knob: str) -> None:
    settings = RunSettings(rate_per_s=10, arrival="periodic", one_way_delay_ms=40)
    query = settings.model_dump(include={"rate_per_s", "arrival", "one_way_delay_ms"}) | {"knob": knob}
    curve = classroom.request("GET", "/api/model/curve", params=query).json()
    assert curve["knob"] == knob
    assert sorted(curve["at"]) == curve["at"]
    for transport, means in curve["mean_ms"].items():
        assert means == [predicted(transport, settings.model_copy(update={knob: at}))["mean_ms"] for at in curve["at"]]
        assert curve["now_ms"][transport] == predicted(transport, settings)["mean_ms"]
        assert len(means) == len(curve["at"]) > 90


def test_the_long_polls_cliff_is_on_the_curve(classroom: RunningClassroom) -> None:
    query = {"rate_per_s": 10, "arrival": "periodic", "knob": "one_way_delay_ms"}
    curve = classroom.request("GET", "/api/model/curve", params=query).json()
    means = dict(zip(curve["at"], curve["mean_ms"]["long_poll"], strict=True))
    assert means[52] - means[48] > 40  # a round trip has become longer than the time between two events


def test_a_curve_of_what_has_no_slider(classroom: RunningClassroom) -> None:
    response = classroom.request("GET", "/api/model/curve", params={"knob": "seed"})
    assert response.status_code == 422
    assert "expected one of rate_per_s, poll_interval_s, one_way_delay_ms, not 'seed'" in response.json()["detail"]
