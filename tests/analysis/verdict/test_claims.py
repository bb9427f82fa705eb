"""What a verdict may claim, out of all that it looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from analysis.statistics.inference import paired_difference
from analysis.summary.results import present
from analysis.verdict.claims import correct_claims, is_shown
from contract.records import JsonObject
from contract.summary import AgainstReference, Point
from tests.analysis import made_summary as made
from tests.fabricate import style

STYLES = [style(name) for name in ("websocket", "sse", "short_poll")]


def point(transport: str, p_values: Mapping[str, float | None], *, base: bool = True, value: float = 1.0) -> Point:
    """A point that differs from the reference by these p values: three of latencies, two of costs; None: by nothing."""

    def difference(name: str) -> JsonObject | None:
        p_value = p_values[name]
        return None if p_value is None else {"value": value, "ci95": None, "p_value": p_value, "blocks": 3}

    latencies = {f"{name}_difference_ms": difference(name) for name in ("p50", "p95", "mean")}
    costs = {"server_cpu_us_per_event": difference("cpu"), "bytes_per_event": difference("bytes")}
    costs["setup_ms"] = {"value": value, "ci95": None, "p_value": 0.0, "blocks": 3}
    against = {
        **{name: found and {**found, "noise_floor_ms": None} for name, found in latencies.items()},
        "costs": {name: found and {**found, "reference": 100.0} for name, found in costs.items()},
        "clock_uncertainty_ms": 0.0,
        "ratio_p50": None,
    }
    return made.typed({**made.point(transport, 25.0, 0.0), "base": base, "against_reference": against})


def against(found: Point) -> AgainstReference:
    assert found.against_reference is not None
    return found.against_reference


def test_latencies_of_base_points_and_costs_of_all_that_poll_are_one_family() -> None:
    reference, sse, base, swept = correct_claims(
        [
            made.typed(made.point("websocket", 25.0, 0.0)),
            point("sse", {"p50": 0.001, "p95": 0.02, "mean": None, "cpu": 0.001, "bytes": 0.001}),
            point("short_poll", {"p50": 0.5, "p95": 0.5, "mean": 0.5, "cpu": 0.002, "bytes": 0.6}),
            point("short_poll", {"p50": 0.001, "p95": 0.5, "mean": 0.5, "cpu": 0.9, "bytes": None}, base=False),
        ],
        STYLES,
        {},
    )
    family = 2 + 5 + 1
    assert reference.against_reference is None
    p50 = present(against(sse).p50_difference_ms)
    assert p50.adjusted_p_value == pytest.approx(family * 0.001)
    assert p50.adjusted_among == family
    assert is_shown(present(against(base).costs["server_cpu_us_per_event"]))
    assert not is_shown(present(against(sse).p95_difference_ms)), "0.02, and the third smallest of eight"
    for unlooked in (
        against(sse).costs["server_cpu_us_per_event"],
        against(base).costs["setup_ms"],
        against(swept).p50_difference_ms,
    ):
        assert unlooked is not None
        assert "adjusted_p_value" not in unlooked
        assert not is_shown(unlooked)


def test_one_trial_shows_nothing() -> None:
    of_three = point("sse", {**dict.fromkeys(("p95", "mean", "cpu", "bytes")), "p50": 0.001})
    untested = replace(present(against(of_three).p50_difference_ms), p_value=None)
    lone = replace(of_three, against_reference=replace(against(of_three), p50_difference_ms=untested))
    [found] = correct_claims([lone], STYLES, {})
    assert not is_shown(present(against(found).p50_difference_ms))


@pytest.mark.parametrize("blocks", [3, 5])
def test_the_best_of_twelve_equal_costs_is_hardly_ever_called_cheaper(blocks: int) -> None:
    """The ratio alone called it so in three of four runs: the same cost at all points, known to 10 %."""
    rng = np.random.default_rng(8)
    claimed = by_ratio = 0
    runs = 600
    for _ in range(runs):
        reference = dict(enumerate(rng.normal(100, 10, blocks)))
        points = []
        ratios = []
        for _ in range(12):
            ours = dict(enumerate(rng.normal(100, 10, blocks)))
            found = paired_difference(ours, reference)
            assert found is not None
            other = dict.fromkeys(("p50", "p95", "mean", "bytes"))
            points.append(point("short_poll", {**other, "cpu": found.p_value()}, base=False, value=found.value))
            ratios.append(float(np.mean(list(ours.values())) / np.mean(list(reference.values()))))
        costs = [present(against(each).costs["server_cpu_us_per_event"]) for each in correct_claims(points, STYLES, {})]
        claimed += any(is_shown(cost) and cost.value < 0 for cost in costs)
        by_ratio += min(ratios) < 0.95
    assert by_ratio > 0.6 * runs
    assert claimed <= 0.05 * runs
