"""The precision that was reached for each point, if the scenario asks for one."""

from __future__ import annotations

from collections.abc import Sequence

from contract.records import RunInfo, TrialInfo
from contract.summary import Latency, Point, Precision

_ROUNDING_RATIO = 1e-9


def point_precision(run: RunInfo, number: int, trials: Sequence[TrialInfo], latency_ms: Latency) -> Precision | None:
    """Return the precision of a point's p50; None if the scenario asks for none, or the pilot is unfinished.

    `trials` are the point's finished trials.
    """
    asked_ratio = run.scenario.get("precision")
    required = next((found for found in run.precision if found.point == number), None)
    if asked_ratio is None or required is None:
        return None
    p50, bounds = latency_ms.p50, latency_ms.p50_ci95
    # The upper half: the lower one may be cut off at the network's own delay.
    reached_ms = None if bounds is None or p50 is None else bounds[1] - p50
    return Precision(
        asked_ratio=asked_ratio,
        asked_ms=required.wanted_ms,
        reached_ratio=reached_ms / p50 if reached_ms is not None and p50 else None,
        reached_ms=reached_ms,
        trials_needed=required.trials_needed,
        trials_added=sum(trial.block >= run.scenario["repeats"] for trial in trials),
        reached=reached_ms is not None and reached_ms <= required.wanted_ms * (1 + _ROUNDING_RATIO),
    )


def not_known(points: Sequence[Point]) -> list[tuple[Point, Precision]]:
    """Return the points that have not reached the precision of the scenario, with the precision that they reached."""
    return [(point, found) for point in points if (found := point.precision) is not None and not found.reached]
