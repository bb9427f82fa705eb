"""The event stream as data: due times and payloads, pure and seeded.

The publisher is an open loop: every due time is fixed before the run and does not depend on what the server or
the clients do, so that a slow system makes latency longer and never hides it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

Arrival = Literal["periodic", "poisson", "burst"]
ARRIVALS: tuple[str, ...] = get_args(Arrival)

BURST_SIZE = 10
"""Events of one burst; bursts themselves arrive as a Poisson process, so that the mean rate is kept."""
BURST_SPACING_NS = 1_000_000

_NS_PER_S = 1_000_000_000
_PAYLOAD_ALPHABET = np.frombuffer(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", dtype=np.uint8)
_DISTINCT_PAYLOADS = 16


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """What is published: `rate_per_s` events for `duration_s`, of `payload_bytes` ASCII characters each."""

    rate_per_s: float
    arrival: Arrival
    payload_bytes: int
    duration_s: float
    seed: int
    warm_up_s: float = 0.0
    """The first part of the duration. What follows does not depend on it: a longer warm-up only begins earlier."""
    span_s: float | None = None
    """Random arrivals have their expected count in every span of this length, counted from the end of the warm-up;
    None: in one as long as what follows the warm-up. Of two streams with equal spans the longer only ends later."""


def due_offsets_ns(spec: StreamSpec) -> npt.NDArray[np.int64]:
    """Due times of all events in ns after the stream's start: shape (events,), non-decreasing, in [0, duration).

    Times are drawn from the end of the warm-up on, and backwards from there: streams that differ in their warm-up and
    duration alone are equal, seen from there, for as long as both last.
    """
    warm_up_ns = round(spec.warm_up_s * _NS_PER_S)
    measured_ns = round(spec.duration_s * _NS_PER_S) - warm_up_ns
    span_ns = measured_ns if spec.span_s is None else round(spec.span_s * _NS_PER_S)
    if spec.arrival == "periodic":
        times_ns = _periodic(spec.rate_per_s, -warm_up_ns, measured_ns)
    elif spec.arrival == "poisson":
        times_ns = _poisson(spec.rate_per_s, -warm_up_ns, measured_ns, span_ns, spec.seed)
    else:
        within_ns = np.arange(BURST_SIZE, dtype=np.int64) * BURST_SPACING_NS
        # A burst that began before the stream still has its last events in it.
        from_ns = -warm_up_ns - int(within_ns[-1])
        starts_ns = _poisson(spec.rate_per_s / BURST_SIZE, from_ns, measured_ns, span_ns, spec.seed)
        times_ns = np.sort((starts_ns[:, None] + within_ns[None, :]).ravel())
    return times_ns[(times_ns >= -warm_up_ns) & (times_ns < measured_ns)] + warm_up_ns


def payloads(spec: StreamSpec) -> list[str]:
    """Distinct pseudo-random payloads; event i carries number (i - 1) modulo their count.

    Random characters rather than one repeated letter: a compressing server would shrink the latter to nothing. The
    first event after the warm-up carries the same one however many there were before it.
    """
    rng = np.random.default_rng([spec.seed, 1])
    picks = rng.integers(0, len(_PAYLOAD_ALPHABET), size=(_DISTINCT_PAYLOADS, spec.payload_bytes))
    before = np.count_nonzero(due_offsets_ns(spec) < round(spec.warm_up_s * _NS_PER_S))
    return [_PAYLOAD_ALPHABET[row].tobytes().decode("ascii") for row in np.roll(picks, before, axis=0)]


def _periodic(rate_per_s: float, from_ns: int, to_ns: int) -> npt.NDArray[np.int64]:
    period_ns = _NS_PER_S / rate_per_s
    # Half a period off zero, so that the end of the warm-up does not fall on an event.
    numbers = np.arange(math.floor(from_ns / period_ns), math.ceil(to_ns / period_ns))
    return np.asarray(np.rint((numbers + 0.5) * period_ns), dtype=np.int64)


def _poisson(rate_per_s: float, from_ns: int, to_ns: int, span_ns: int, seed: int) -> npt.NDArray[np.int64]:
    """A Poisson process given its expected count in each span from 0 on and in each of those before that are needed.

    Then its times are independent and uniform in each span (Kingman, *Poisson Processes*, 2.4). Unconditioned, the
    rate of a short stream would be several per cent off by luck, and every figure per event with it; gaps are
    exponential all the same, up to the count being known. Each span has a generator of its own, so that none depends
    on how many there are.
    """
    times_ns: list[npt.NDArray[np.float64]] = []
    for span in range(-math.ceil(-from_ns / span_ns), math.ceil(to_ns / span_ns)):
        rng = np.random.default_rng([seed, 3, -span] if span <= 0 else [seed, 4, span])
        # A fractional expectation is rounded up as often as it asks for, so that the mean rate is exact.
        count = int(rate_per_s * span_ns / _NS_PER_S + rng.uniform())
        times_ns.append(np.sort(rng.uniform(0, span_ns, count)) + span * span_ns)
    return np.asarray(np.floor(np.concatenate(times_ns)), dtype=np.int64)
