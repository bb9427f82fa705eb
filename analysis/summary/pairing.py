"""Differences between points, paired within blocks: both sides met the same stream in the same mood of the machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from analysis.statistics import stats
from analysis.statistics.distribution import NS_PER_MS
from analysis.statistics.estimates import with_bounds
from analysis.summary.pooled_costs import per_block
from analysis.summary.pooled_latency import with_latency
from analysis.summary.results import value_at
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
"""Figures of `analysis.summary.pooled_costs` that are compared with the reference's, and where a point has them."""


@dataclass(frozen=True)
class PerBlock:
    """What differences between points are paired on: the latencies and costs of the block's one trial."""

    latency_ms: dict[int, dict[str, float]]
    """`mean`, `p50`, … by block, of the trials that measured anything."""
    pilot_blocks: int | None = None
    """Blocks that give the spread; trials of later ones were added because of it. None: all give it."""
    excess_ms: dict[int, dict[str, float]] = field(default_factory=dict)
    """`mean` and `max` of latency - the model's on the trial's own schedule, by block, of those whose clocks agree."""
    uncertainty_ms: float = 0.0
    """How far all latencies of a trial may be off together for its clocks' sake, of the trial where that is most."""
    costs: dict[str, dict[int, float]] = field(default_factory=dict)
    """Each of COSTS by block, of the trials that measured it."""

    @classmethod
    def of(cls, trials: Sequence[TrialMeasures], pilot_blocks: int | None = None) -> PerBlock:
        """From a point's trials."""
        excess = {
            trial.info.block: {"mean": float(over_ns.mean()) / NS_PER_MS, "max": float(over_ns.max()) / NS_PER_MS}
            for trial in with_latency(trials)
            if len(over_ns := trial.latencies.residual_ns)
        }
        return cls(
            {trial.info.block: trial.latency_ms for trial in trials if trial.latency_ms},
            pilot_blocks,
            excess,
            max((trial.clock_uncertainty_ms for trial in trials), default=0.0),
            {name: per_block(trials, name) for name in COSTS},
        )

    def statistic_ms(self, name: str) -> dict[int, float]:
        """One statistic of the latencies, by block."""
        return {block: latency_ms[name] for block, latency_ms in self.latency_ms.items()}


def against(point: JsonObject, blocks: PerBlock, reference: JsonObject, reference_blocks: PerBlock) -> JsonObject:
    """How a point differs from the reference's at the same parameters.

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
    """Its interval is as much wider as both sides' clocks are uncertain; None where it is not known.

    So it is where one side has too few events for the statistic.

    A latency of 0.3 ms may be unknown for its clock's sake, and the 500 ms to it from another transport well known.
    """
    if any(value_at(side, "quantiles_withheld", "needed", name) for side in (point, reference)):
        return None
    pooled = [side["latency_ms"][name] for side in (point, reference)]
    found = stats.paired_difference(
        blocks.statistic_ms(name),
        reference_blocks.statistic_ms(name),
        blocks.pilot_blocks,
        None if None in pooled else pooled[0] - pooled[1],
    )
    uncertainty_ms = blocks.uncertainty_ms + reference_blocks.uncertainty_ms
    if found is None or uncertainty_ms > UNCERTAINTY_LIMIT_RATIO * abs(found.value):
        return None
    return _as_json(found, uncertainty_ms)


def _cost_difference(
    point: JsonObject, blocks: PerBlock, reference: JsonObject, reference_blocks: PerBlock, name: str
) -> JsonObject | None:
    ours, theirs = (value_at(side, *COSTS[name]) for side in (point, reference))
    if ours is None or theirs is None:
        return None
    found = stats.paired_difference(
        blocks.costs.get(name, {}), reference_blocks.costs.get(name, {}), blocks.pilot_blocks, ours - theirs
    )
    return None if found is None else {**_as_json(found, 0.0), "reference": theirs}


def _as_json(found: stats.Difference, uncertainty: float) -> JsonObject:
    bounds = None if found.ci95 is None else (found.ci95[0] - uncertainty, found.ci95[1] + uncertainty)
    return {**with_bounds(found.value, bounds), "p_value": found.p_value(uncertainty), "blocks": found.pairs}
