"""The figures that decisions rest on have a value per trial and an interval."""

from __future__ import annotations

import pytest

from analysis.statistics.distribution import TAIL_FACTOR
from analysis.summarize import summarize_run
from analysis.summary.point_figures import POINT_FIGURES
from contract.summary import Point
from tests import fabricate
from tests.analysis import made_summary as made


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> tuple[Point, ...]:
    folder = fabricate.fabricate_run(tmp_path_factory.mktemp("results") / "run")
    return summarize_run(folder).points


def test_every_figure_of_a_point_has_those_of_its_trials_and_an_interval_around_it(points: tuple[Point, ...]) -> None:
    seen = set()
    for point in points:
        assert point.by_block is not None
        assert point.by_block["block"] == (0, 1, 2)
        for name, figure in POINT_FIGURES.items():
            value = figure.value(point)
            if value is None:
                assert name not in point.by_block
                continue
            seen.add(name)
            trials = figure.by_block(point)
            assert list(trials) == [0, 1, 2], name
            assert min(trials.values()) <= value * (1 + 1e-5), name
            assert value <= max(trials.values()) * (1 + 1e-5) + 1e-9, name
            bounds = figure.interval(point)
            assert bounds is not None, name
            assert bounds[0] <= value <= bounds[1], name
    assert {"latency_ms.p90", "bytes_per_event.total", "freshness.mean_age_ms", "setup_ms.p50"} <= seen


def test_a_summary_from_before_trials_were_kept_has_none() -> None:
    point = made.typed({**made.point("sse", 25, 0), "by_block": None})
    assert POINT_FIGURES["latency_ms.p50"].by_block(point) == {}
    assert POINT_FIGURES["latency_ms.p50"].interval(point) == (0.97 * 25, 1.04 * 25)
    assert POINT_FIGURES["latency_ms.p90"].interval(point) is None


def test_an_interval_that_no_summary_states_has_its_spread_from_the_pilot() -> None:
    by_block = {"block": [0, 1, 2, 3], "latency_ms.p90": [39, 41, 40, 90]}
    point = made.typed({**made.point("sse", 25, 0), "by_block": by_block})
    alone = POINT_FIGURES["latency_ms.p90"].interval(point, pilot_blocks=3)
    assert alone is not None
    assert alone[1] - alone[0] == pytest.approx(TAIL_FACTOR * 2 * 4.302653 * 1 / 2, rel=1e-6)
