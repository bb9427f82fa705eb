"""What a verdict may claim, out of all that it looks at."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.statistics.stats import paired_difference
from analysis.verdict.claims import correct_claims, is_shown
from contract.records import JsonObject
from tests.fabricate import style

STYLES = [style(name) for name in ("websocket", "sse", "short_poll")]


def point(transport: str, p_values: dict[str, float | None], *, base: bool = True) -> JsonObject:
    """A point that differs from the reference by these p values: three of latencies, two of costs."""
    found = {name: None if p_value is None else {"p_value": p_value} for name, p_value in p_values.items()}
    latencies = {f"{name}_difference_ms": found[name] for name in ("p50", "p95", "mean")}
    costs = {"server_cpu_us_per_event": found["cpu"], "bytes_per_event": found["bytes"], "setup_ms": {"p_value": 0.0}}
    return {"transport": transport, "base": base, "against_reference": {**latencies, "costs": costs}}


def test_latencies_of_base_points_and_costs_of_all_that_poll_are_one_family() -> None:
    sse = point("sse", {"p50": 0.001, "p95": 0.02, "mean": None, "cpu": 0.001, "bytes": 0.001})
    base = point("short_poll", {"p50": 0.5, "p95": 0.5, "mean": 0.5, "cpu": 0.002, "bytes": 0.6})
    swept = point("short_poll", {"p50": 0.001, "p95": 0.5, "mean": 0.5, "cpu": 0.9, "bytes": None}, base=False)
    reference: JsonObject = {"transport": "websocket", "base": True, "against_reference": None}
    correct_claims([reference, sse, base, swept], STYLES)
    family = 2 + 5 + 1
    assert sse["against_reference"]["p50_difference_ms"]["adjusted_p_value"] == pytest.approx(family * 0.001)
    assert sse["against_reference"]["p50_difference_ms"]["adjusted_among"] == family
    assert is_shown(base["against_reference"]["costs"]["server_cpu_us_per_event"])
    assert not is_shown(sse["against_reference"]["p95_difference_ms"]), "0.02, and the third smallest of eight"
    for unlooked in (
        sse["against_reference"]["costs"]["server_cpu_us_per_event"],
        base["against_reference"]["costs"]["setup_ms"],
        swept["against_reference"]["p50_difference_ms"],
    ):
        assert "adjusted_p_value" not in unlooked
        assert not is_shown(unlooked)


def test_one_trial_shows_nothing() -> None:
    lone = point("sse", dict.fromkeys(("p50", "p95", "mean", "cpu", "bytes")))
    lone["against_reference"]["p50_difference_ms"] = {"p_value": None}
    correct_claims([lone], STYLES)
    assert not is_shown(lone["against_reference"]["p50_difference_ms"])


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
            points.append(point("short_poll", {**other, "cpu": found.p_value()}, base=False))
            points[-1]["against_reference"]["costs"]["server_cpu_us_per_event"]["value"] = found.value
            ratios.append(float(np.mean(list(ours.values())) / np.mean(list(reference.values()))))
        correct_claims(points, STYLES)
        costs = [entry["against_reference"]["costs"]["server_cpu_us_per_event"] for entry in points]
        claimed += any(is_shown(cost) and cost["value"] < 0 for cost in costs)
        by_ratio += min(ratios) < 0.95
    assert by_ratio > 0.6 * runs
    assert claimed <= 0.05 * runs
