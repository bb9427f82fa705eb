"""Differences between points, paired within blocks: both sides had the same stream at about the same time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.statistics import stats
from analysis.statistics.distribution import NS_PER_MS, spread_of
from analysis.statistics.estimates import with_bounds
from analysis.summary.corrections import Estimate
from analysis.summary.pooled_costs import least_spread, per_block
from analysis.summary.pooled_latency import with_latency
from analysis.summary.results import latency_statistic, reported, value_at
from analysis.trial.clocks import UNCERTAINTY_LIMIT_RATIO
from analysis.trial.measures import TrialMeasures
from contract.records import JsonObject

COSTS: dict[str, tuple[str, ...]] = {
    "requests_per_event": ("requests_per_event",),
    "bytes_per_event": ("bytes_per_event", "total"),
    "server_cpu_us_per_event": ("server_cpu_us_per_event",),
    "load_cpu_us_per_event": ("load_cpu_us_per_event",),
    "server_connected_rss_bytes": ("server_connected_rss_bytes",),
    "empty_ratio": ("empty_ratio",),
    "mean_age_ms": ("freshness", "mean_age_ms"),
    "setup_ms": ("setup_ms", "p50"),
}
"""Figures of `analysis.summary.pooled_costs` that are compared with the reference's, and their places in a point."""


@dataclass(frozen=True)
class PerBlock:
    """The values on which differences between points are paired: latencies and costs of each block's trial."""

    latency_ms: dict[int, dict[str, float]]
    """`mean`, `p50`, … by block, of the trials with deliveries."""
    pilot_blocks: int | None = None
    """Blocks that give the spread; trials of later ones were added because of it. None: all of them."""
    excess_ms: dict[int, dict[str, float]] = field(default_factory=dict)
    """`mean` and `max` of latency - the model's on the trial's own schedule, by block, of trials whose clocks agree."""
    uncertainty_ms: float = 0.0
    """By how much clocks may shift all latencies of a trial together, for the trial where that is largest."""
    costs: dict[str, dict[int, float]] = field(default_factory=dict)
    """Each of COSTS by block, of the trials that measured it."""
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    """The figures that are reported instead of plain ones."""
    least_spreads: Mapping[str, float] = field(default_factory=dict)
    """The smallest possible standard deviation between trials, whatever these show, by estimate or cost; 0 for all
    others."""

    least_latency_ms: float = 0.0
    """The latency of the network alone."""

    @classmethod
    def of(
        cls,
        trials: Sequence[TrialMeasures],
        pilot_blocks: int | None = None,
        estimates: Mapping[str, Estimate] | None = None,
    ) -> PerBlock:
        """Return the values of a point's trials, with its estimates."""
        excess = {
            trial.info.block: {"mean": float(over_ns.mean()) / NS_PER_MS, "max": float(over_ns.max()) / NS_PER_MS}
            for trial in with_latency(trials)
            if len(over_ns := trial.latencies.residual_ns)
        }
        costs = {name: per_block(trials, name) for name in COSTS}
        least = {
            name: least_spread(trials, name, float(np.mean(list(own.values())))) for name, own in costs.items() if own
        }
        least |= {name: estimate.spread.least for name, estimate in (estimates or {}).items()}
        return cls(
            {trial.info.block: trial.latency_ms for trial in trials if trial.latency_ms},
            pilot_blocks,
            excess,
            max((trial.clock_uncertainty_ms for trial in trials), default=0.0),
            costs,
            estimates or {},
            least,
            max((trial.least_latency_ms for trial in trials), default=0.0),
        )

    def statistic_ms(self, name: str) -> Mapping[int, float]:
        """Return one statistic of the latencies by block, as it is reported."""
        if name == "mean" and "mean_ms" in self.estimates:
            return self.estimates["mean_ms"].per_block
        return {block: latency_ms[name] for block, latency_ms in self.latency_ms.items()}

    def cost(self, name: str) -> Mapping[int, float]:
        """Return one of COSTS by block, as it is reported."""
        return self.estimates[name].per_block if name in self.estimates else self.costs.get(name, {})


def against(point: JsonObject, blocks: PerBlock, reference: JsonObject, reference_blocks: PerBlock) -> JsonObject:
    """Return how a point differs from the reference's at the same parameters.

    Each difference is that of the two points' figures, and its interval is paired within blocks.
    """
    ours, theirs = point["latency_ms"]["p50"], reference["latency_ms"]["p50"]
    return {
        **{
            f"{name}_difference_ms": _latency_difference(point, blocks, reference, reference_blocks, name)
            for name in ("p50", "p95", "mean")
        },
        "clock_uncertainty_ms": blocks.uncertainty_ms + reference_blocks.uncertainty_ms,
        "ratio_p50": ours / theirs if ours is not None and theirs else None,
        "costs": {name: _cost_difference(point, blocks, reference, reference_blocks, name) for name in COSTS},
    }


def _latency_difference(
    point: JsonObject, blocks: PerBlock, reference: JsonObject, reference_blocks: PerBlock, name: str
) -> JsonObject | None:
    """Return a latency difference, its interval widened by both sides' clock uncertainty; None if it is not known.

    That is the case if one side has too few events for the statistic, or if the clocks are too uncertain for the
    difference: a latency of 0.3 ms may then be unknown, and the 500 ms between it and another transport well known.
    """
    if any(value_at(side, "quantiles_withheld", "needed", name) for side in (point, reference)):
        return None
    ours, theirs = (_Figure(*latency_statistic(side, name)) for side in (point, reference))
    estimate = {"mean": "mean_ms"}.get(name, name)
    least = math.hypot(*(side.least_spreads.get(estimate, 0.0) for side in (blocks, reference_blocks)))
    found = stats.paired_difference(
        blocks.statistic_ms(name),
        reference_blocks.statistic_ms(name),
        blocks.pilot_blocks,
        None if ours.value is None or theirs.value is None else ours.value - theirs.value,
        stats.Spread(least, spread_of(name).factor),
    )
    uncertainty_ms = blocks.uncertainty_ms + reference_blocks.uncertainty_ms
    if found is None or uncertainty_ms > UNCERTAINTY_LIMIT_RATIO * abs(found.value):
        return None
    return _as_json(found, (ours, theirs), (blocks.least_latency_ms, math.inf), uncertainty_ms)


def _cost_difference(
    point: JsonObject, blocks: PerBlock, reference: JsonObject, reference_blocks: PerBlock, name: str
) -> JsonObject | None:
    ours, theirs = (_Figure(*_cost(side, name)) for side in (point, reference))
    if ours.value is None or theirs.value is None:
        return None
    found = stats.paired_difference(
        blocks.cost(name),
        reference_blocks.cost(name),
        blocks.pilot_blocks,
        ours.value - theirs.value,
        stats.Spread(math.hypot(*(side.least_spreads.get(name, 0.0) for side in (blocks, reference_blocks)))),
    )
    possible = stats.SHARE if name.endswith("_ratio") else stats.AT_LEAST_ZERO
    return None if found is None else {**_as_json(found, (ours, theirs), possible), "reference": theirs.value}


def _cost(point: JsonObject, name: str) -> tuple[float | None, list[float] | None]:
    """Return one of COSTS with its interval, as they are reported."""
    if name == "requests_per_event":
        return reported(point, name)
    if name == "bytes_per_event":
        return value_at(point, *COSTS[name]), value_at(point, "bytes_per_event_ci95", "total")
    *parents, key = COSTS[name]
    return value_at(point, *parents, key), value_at(point, *parents, f"{key}_ci95")


@dataclass(frozen=True)
class _Figure:
    """A figure of a point as it is reported."""

    value: float | None
    ci95: Sequence[float] | None

    @property
    def withheld(self) -> bool:
        """Whether the figure is known but its interval is not."""
        return self.value is not None and self.ci95 is None

    @property
    def bounds(self) -> stats.Interval:
        """The bounds of the figure."""
        return (-math.inf, math.inf) if self.ci95 is None else (self.ci95[0], self.ci95[1])


def _as_json(
    found: stats.Difference, both: tuple[_Figure, _Figure], possible: stats.Interval, uncertainty: float = 0.0
) -> JsonObject:
    """Return a difference without interval and test if the interval of one of the two figures is withheld.

    Our figure cannot be beyond what is `possible`, nor the reference's beyond its own interval, and this limits their
    difference.
    """
    low, high = both[1].bounds
    bounds = stats.cut_off(found.ci95, found.value, (possible[0] - high, possible[1] - low))
    if bounds is None or any(figure.withheld for figure in both):
        return {**with_bounds(found.value, None), "p_value": None, "blocks": found.pairs}
    bounds = bounds[0] - uncertainty, bounds[1] + uncertainty
    return {**with_bounds(found.value, bounds), "p_value": found.p_value(uncertainty), "blocks": found.pairs}
