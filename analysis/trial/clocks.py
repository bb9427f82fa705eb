"""The uncertainty of clocks: the kernel's against the monotonic clock, and the server's against the clients'."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.statistics.distribution import NS_PER_MS
from analysis.trial.latency import MeasuredLatencies, median_ms
from contract.records import ClockPairs, Trial
from contract.transports import TransportStyle

UNCERTAINTY_LIMIT_RATIO = 0.1
"""The largest clock uncertainty, as a share of a median one-way latency or of a difference, at which these are
reported."""


@dataclass(frozen=True)
class ClockConversion:
    """The accuracy of converting a trial's kernel stamps to the monotonic clock."""

    error_ns: float
    """The largest error of a converted stamp; see `judge_conversion`."""
    drift_ppm: float | None
    """The drift of the realtime clock against the monotonic one, first pair to last; None with one pair."""


def judge_conversion(pairs: ClockPairs) -> ClockConversion | None:
    """Compute error bound and drift of `ClockPairs.to_monotonic`, the largest of all load processes.

    Return None without a pair.

    Each offset is known to half the bracket of its two monotonic readings. Between two pairs the offset is
    interpolated; as long as the clock is slewed in one direction there, the true offset lies between the two, and the
    error is at most their difference. The bound is the largest sum of both over all neighbours.
    """
    judged = [_judge_process(pairs.where(pairs.worker == worker)) for worker in np.unique(pairs.worker)]
    if not judged:
        return None
    drifts_ppm = [found.drift_ppm for found in judged if found.drift_ppm is not None]
    return ClockConversion(max(found.error_ns for found in judged), max(drifts_ppm, key=abs, default=None))


def _judge_process(pairs: ClockPairs) -> ClockConversion:
    reading_ns = pairs.bracket_ns / 2
    if len(pairs) == 1:
        return ClockConversion(float(reading_ns[0]), None)
    offset_ns = pairs.realtime_ns - pairs.monotonic_ns
    steps_ns = np.abs(np.diff(offset_ns))
    error_ns = float(np.max(np.maximum(reading_ns[1:], reading_ns[:-1]) + steps_ns))
    span_ns = int(pairs.monotonic_ns[-1] - pairs.monotonic_ns[0])
    return ClockConversion(error_ns, float(offset_ns[-1] - offset_ns[0]) / span_ns * 1e6 if span_ns else None)


def reason_to_withhold(trial: Trial, style: TransportStyle, latencies: MeasuredLatencies) -> str | None:
    """Return why a trial's one-way figures are withheld; None if the clocks are known well enough.

    Round trips need only one clock.
    """
    if style.kind.clients_send or not len(latencies):
        return None
    uncertainty_ms, p50_ms = trial.clock_uncertainty_ns / NS_PER_MS, median_ms(latencies.latency_ns)
    if uncertainty_ms <= UNCERTAINTY_LIMIT_RATIO * p50_ms:
        return None
    worst = max(trial.info.workers, key=lambda worker: worker.uncertainty_ns, default=None)
    whose = "the load's clock" if worst is None else f"the clock of {worst.name}"
    return (
        f"{whose} is known against the server's to ±{uncertainty_ms:.3g} ms, more than {UNCERTAINTY_LIMIT_RATIO:.0%} "
        f"of the median of {p50_ms:.3g} ms (use a network with shorter round trips, a server whose clock is finer and "
        "steadier, or load from the server's machine)"
    )
