"""The formulas beside a result are the closed forms: what is put in comes to the figure itself."""

from __future__ import annotations

from typing import Any

import pytest

from classroom.lanes.definitions import LANES
from classroom.page.predictions import predict
from classroom.run_settings import RunSettings
from tests.classroom.conftest import RunningClassroom


def value_of(numbers: str) -> float:
    """What an expression of the page comes to."""
    for shown, python in (("÷", "/"), ("×", "*"), ("−", "-"), ("½", "0.5")):
        numbers = numbers.replace(shown, python)
    assert set(numbers) <= set("0123456789.+-*/() "), numbers
    return float(eval(numbers, {"__builtins__": {}}))


@pytest.mark.parametrize(
    "query",
    [
        {"rate_per_s": "0.2", "poll_interval_s": "1"},
        {"rate_per_s": "5", "poll_interval_s": "0.5"},
        {"rate_per_s": "50", "poll_interval_s": "1"},
        {"rate_per_s": "10", "arrival": "periodic", "one_way_delay_ms": "40"},
        {"rate_per_s": "10", "arrival": "periodic", "one_way_delay_ms": "60"},
        {"rate_per_s": "2", "poll_interval_s": "0.1", "one_way_delay_ms": "200"},
        {"rate_per_s": "3", "one_way_delay_ms": "0"},
    ],
    ids=str,
)
def test_each_formula_comes_to_its_figure(classroom: RunningClassroom, query: dict[str, str]) -> None:
    answer: dict[str, Any] = classroom.request("GET", "/api/model", params=query).json()
    settings = RunSettings(**answer["settings"])
    for lane in LANES:
        figures, formulas = predict(lane, settings), answer["formulas"][lane.transport]
        assert figures is not None
        assert {"mean_ms", "p50_ms"} <= formulas.keys()
        assert ("requests_per_event" in formulas) == lane.polls
        for field, formula in formulas.items():
            _, numbers = formula.split(" = ")
            assert value_of(numbers) == pytest.approx(figures[field], rel=2e-3), (lane.transport, field)


def test_where_no_formula_is_known_none_is_shown(classroom: RunningClassroom) -> None:
    answer = classroom.request("GET", "/api/model", params={"arrival": "burst"}).json()
    assert answer["formulas"]["long_poll"] is None
    assert answer["formulas"]["short_poll"]["mean_ms"] == "one way + longest wait ÷ 2 = 50 + 1000 ÷ 2"


def test_the_first_questions_formula(classroom: RunningClassroom) -> None:
    answer = classroom.request("GET", "/api/model", params={"rate_per_s": "0.2"}).json()
    assert answer["formulas"]["short_poll"]["requests_per_event"] == (
        "1 ÷ (events a second × seconds between requests) = 1 ÷ (0.2 × 1)"
    )
