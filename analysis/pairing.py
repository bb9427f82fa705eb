"""Differences between points, paired within blocks: both sides met the same stream in the same mood of the machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from analysis import stats
from analysis.clocks import UNCERTAINTY_LIMIT_RATIO
from analysis.distribution import NS_PER_MS
from analysis.pooled_latency import with_latency
from analysis.trial_measures import TrialMeasures
from loadtests.records import JsonObject


@dataclass(frozen=True)
class PerBlock:
    """What differences between points are paired on: the latencies of the block's one trial."""

    latency_ms: dict[int, dict[str, float]]
    """`mean`, `p50`, … by block, of the trials that measured anything."""
    pilot_blocks: int | None = None
    """Blocks that give the spread; trials of later ones were added because of it. None: all give it."""
    excess_ms: dict[int, dict[str, float]] = field(default_factory=dict)
    """`mean` and `max` of latency - the model's on the trial's own schedule, by block, of those whose clocks agree."""
    uncertainty_ms: float = 0.0
    """How far all latencies of a trial may be off together for its clocks' sake, of the trial where that is most."""

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
        )


def against(point: JsonObject, blocks: PerBlock, reference: JsonObject, reference_blocks: PerBlock) -> JsonObject:
    """How a point differs from the reference's at the same parameters, paired within blocks."""
    ours, theirs = point["latency_ms"]["p50"], reference["latency_ms"]["p50"]
    return {
        **{f"{name}_difference_ms": _difference(blocks, reference_blocks, name) for name in ("p50", "p95", "mean")},
        "clock_uncertainty_ms": blocks.uncertainty_ms + reference_blocks.uncertainty_ms,
        "ratio_p50": ours / theirs if ours is not None and theirs else None,
    }


def _difference(blocks: PerBlock, reference_blocks: PerBlock, name: str) -> JsonObject | None:
    """The paired difference, its interval as much wider as both sides' clocks are uncertain; None where none is known.

    A latency of 0.3 ms may be unknown for its clock's sake, and the 500 ms to it from another transport well known.
    """
    ours, theirs = (
        {block: latency_ms[name] for block, latency_ms in of.latency_ms.items()} for of in (blocks, reference_blocks)
    )
    found = stats.paired_difference(ours, theirs, blocks.pilot_blocks)
    uncertainty_ms = blocks.uncertainty_ms + reference_blocks.uncertainty_ms
    if found is None or uncertainty_ms > UNCERTAINTY_LIMIT_RATIO * abs(found.value):
        return None
    ci95 = None if found.ci95 is None else [found.ci95[0] - uncertainty_ms, found.ci95[1] + uncertainty_ms]
    return {"value": found.value, "ci95": ci95}
