"""How far the conversion of kernel stamps to the monotonic clock can be trusted, from the pairs it is made with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loadtests.records import ClockPairs


@dataclass(frozen=True)
class ClockConversion:
    """The conversion of one trial, judged."""

    error_ns: float
    """No stamp was moved to a wrong place by more than this; see `judge_conversion`."""
    drift_ppm: float | None
    """How much faster the realtime clock went than the monotonic one, first pair to last; None with one pair."""


def judge_conversion(pairs: ClockPairs) -> ClockConversion | None:
    """Error bound and drift of `ClockPairs.to_monotonic`, each of the load process where it is largest.

    None without a pair.

    Each offset is known to half the bracket of its two monotonic readings. Between two pairs the offset is
    interpolated; as long as the clock is slewed one way there, the true one lies between the two, and the error is at
    most their difference. The bound is the worst sum of both over all neighbours.
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
