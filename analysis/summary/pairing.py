"""Differences between points, paired within blocks, where both had the same stream at about the same time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.statistics import inference
from analysis.statistics.distribution import NS_PER_MS, spread_of
from analysis.summary.corrections import Estimate
from analysis.summary.pooled_costs import least_spread, per_block
from analysis.summary.pooled_latency import with_latency
from analysis.summary.results import Quantity, latency_statistic, reported_quantity
from analysis.trial.clocks import UNCERTAINTY_LIMIT_RATIO
from analysis.trial.measures import TrialMeasures
from contract.summary import AgainstReference, CostDifference, Interval, LatencyDifference, Point

COSTS: dict[str, Quantity] = {
    "requests_per_event": reported_quantity("requests_per_event"),
    "bytes_per_event": Quantity(lambda p: p.bytes_per_event.total, lambda p: p.bytes_per_event_ci95.total),
    "server_cpu_us_per_event": Quantity(lambda p: p.server_cpu_us_per_event, lambda p: p.server_cpu_us_per_event_ci95),
    "load_cpu_us_per_event": Quantity(lambda p: p.load_cpu_us_per_event, lambda p: p.load_cpu_us_per_event_ci95),
    "server_connected_rss_bytes": Quantity(
        lambda p: p.server_connected_rss_bytes, lambda p: p.server_connected_rss_bytes_ci95
    ),
    "empty_ratio": Quantity(lambda p: p.empty_ratio, lambda p: p.empty_ratio_ci95),
    "mean_age_ms": Quantity(
        lambda p: None if p.freshness is None else p.freshness.mean_age_ms,
        lambda p: None if p.freshness is None else p.freshness.mean_age_ms_ci95,
    ),
    "setup_ms": Quantity(lambda p: p.setup_ms.p50, lambda p: p.setup_ms.p50_ci95),
}
"""Figures of `analysis.summary.pooled_costs` that are compared with the reference's."""


@dataclass(frozen=True)
class PerBlock:
    """The values of a point's trials by block, from which paired differences are computed."""

    latency_ms: dict[int, dict[str, float]]
    """`mean`, `p50`, … by block, of the trials with deliveries."""
    pilot_blocks: int | None = None
    """The first blocks, from which the spread is computed; later trials were added because of it. None: all blocks."""
    excess_ms: dict[int, dict[str, float]] = field(default_factory=dict)
    """`mean` and `max` of latency - the model's on the trial's own schedule, by block, of trials whose clocks agree."""
    uncertainty_ms: float = 0.0
    """The largest common error of a trial's latencies by its clocks, ms; of all trials the largest."""
    costs: dict[str, dict[int, float]] = field(default_factory=dict)
    """Each of COSTS by block, of the trials that measured it."""
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    """The figures that are reported instead of the plain ones, by name."""
    least_spreads: Mapping[str, float] = field(default_factory=dict)
    """The least standard deviation between trials to use, by name of an estimate or cost; 0 if absent."""

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


def against(point: Point, blocks: PerBlock, reference: Point, reference_blocks: PerBlock) -> AgainstReference:
    """Return the differences of a point from the reference's point at the same parameters.

    Each is the difference of the two points' figures; its interval is from the paired differences within blocks.
    """
    both = _Both((point, reference), (blocks, reference_blocks))
    ours, theirs = point.latency_ms.p50, reference.latency_ms.p50
    return AgainstReference(
        p50_difference_ms=both.latency_difference("p50"),
        p95_difference_ms=both.latency_difference("p95"),
        mean_difference_ms=both.latency_difference("mean"),
        clock_uncertainty_ms=both.uncertainty_ms,
        ratio_p50=ours / theirs if ours is not None and theirs else None,
        costs={name: both.cost_difference(name) for name in COSTS},
    )


@dataclass(frozen=True)
class _Both:
    """A point and the reference's, in this order, with the values of their trials."""

    points: tuple[Point, Point]
    blocks: tuple[PerBlock, PerBlock]

    @property
    def uncertainty_ms(self) -> float:
        """The clock uncertainty of both together."""
        return self.blocks[0].uncertainty_ms + self.blocks[1].uncertainty_ms

    def latency_difference(self, name: str) -> LatencyDifference | None:
        """Return a latency difference, its interval widened by the clocks' uncertainty; None if it is not known.

        It is not known if one point has too few events for the statistic, or if the clocks are too uncertain for the
        difference. (With uncertain clocks a latency of 0.3 ms may be unknown, and a difference of 500 ms well known.)
        """
        if any(p.quantiles_withheld is not None and name in p.quantiles_withheld.needed for p in self.points):
            return None
        ours, theirs = (_Figure(*latency_statistic(point, name)) for point in self.points)
        found = inference.paired_difference(
            self.blocks[0].statistic_ms(name),
            self.blocks[1].statistic_ms(name),
            self.blocks[0].pilot_blocks,
            None if ours.value is None or theirs.value is None else ours.value - theirs.value,
            inference.Spread(self._least_spread({"mean": "mean_ms"}.get(name, name)), spread_of(name).factor),
        )
        if found is None or self.uncertainty_ms > UNCERTAINTY_LIMIT_RATIO * abs(found.value):
            return None
        possible_ms = (self.blocks[0].least_latency_ms, math.inf)
        bounds, p_value = _tested(found, (ours, theirs), possible_ms, self.uncertainty_ms)
        return LatencyDifference(
            value=found.value, ci95=bounds, p_value=p_value, blocks=found.pairs, noise_floor_ms=None
        )

    def cost_difference(self, name: str) -> CostDifference | None:
        """Return the difference of one of COSTS; None where either point has no such figure."""
        cost = COSTS[name]
        ours, theirs = (_Figure(cost.value(point), cost.ci95(point)) for point in self.points)
        if ours.value is None or theirs.value is None:
            return None
        found = inference.paired_difference(
            self.blocks[0].cost(name),
            self.blocks[1].cost(name),
            self.blocks[0].pilot_blocks,
            ours.value - theirs.value,
            inference.Spread(self._least_spread(name)),
        )
        if found is None:
            return None
        bounds, p_value = _tested(
            found, (ours, theirs), inference.SHARE if name.endswith("_ratio") else inference.AT_LEAST_ZERO
        )
        return CostDifference(
            value=found.value, ci95=bounds, p_value=p_value, blocks=found.pairs, reference=theirs.value
        )

    def _least_spread(self, name: str) -> float:
        return math.hypot(*(side.least_spreads.get(name, 0.0) for side in self.blocks))


@dataclass(frozen=True)
class _Figure:
    """A figure of a point as it is reported."""

    value: float | None
    ci95: Interval | None

    @property
    def withheld(self) -> bool:
        """Whether the figure is known but its interval is not."""
        return self.value is not None and self.ci95 is None

    @property
    def bounds(self) -> Interval:
        """The bounds of the figure."""
        return (-math.inf, math.inf) if self.ci95 is None else self.ci95


def _tested(
    found: inference.Difference, both: tuple[_Figure, _Figure], possible: Interval, uncertainty: float = 0.0
) -> tuple[Interval | None, float | None]:
    """Return a difference's interval and p value; None if the interval of one of the two figures is withheld.

    The bounds of the point's figure, `possible`, and the interval of the reference's figure limit the difference.
    """
    low, high = both[1].bounds
    bounds = inference.cut_off(found.ci95, found.value, (possible[0] - high, possible[1] - low))
    if bounds is None or any(figure.withheld for figure in both):
        return None, None
    return (bounds[0] - uncertainty, bounds[1] + uncertainty), found.p_value(uncertainty)
