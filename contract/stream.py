"""The event stream as data: due times and payloads, computed from a seed. Pure.

The publisher is an open loop: every due time is fixed before the run and does not depend on what the server or the
clients do, so that a slow system makes latency longer and never hides it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract.parameters import Arrival

BURST_SIZE = 10
"""Events of one burst; the bursts arrive as a Poisson process, so that the mean rate is kept."""
BURST_SPACING_NS = 1_000_000

_NS_PER_S = 1_000_000_000
_PAYLOAD_ALPHABET = np.frombuffer(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", dtype=np.uint8)
_DISTINCT_PAYLOADS = 16


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """The parameters of a stream: `rate_per_s` events for `duration_s`, with `payload_bytes` ASCII characters each."""

    rate_per_s: float
    arrival: Arrival
    payload_bytes: int
    duration_s: float
    seed: int
    warm_up_s: float = 0.0
    """The first part of the duration. The events after it do not depend on it: a longer warm-up only begins earlier."""
    span_s: float | None = None
    """The span in which random arrivals have their expected count, counted from the end of the warm-up; None: the whole
    time after the warm-up. Of two streams with equal spans, the shorter is the beginning of the longer."""


def due_offsets_ns(spec: StreamSpec) -> npt.NDArray[np.int64]:
    """Return the due times of all events in ns after the stream's start.

    The array has shape (events,), is non-decreasing, and lies in [0, duration). Times are drawn from the end of the
    warm-up forwards and backwards: streams that differ only in warm-up and duration are equal, counted from there, for
    as long as both last.
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
    """Return distinct pseudo-random payloads; event i carries payload (i - 1) modulo their number.

    They are random characters because a compressing server would shrink one repeated letter to nothing. The first event
    after the warm-up carries the same payload however many events the warm-up has.
    """
    rng = np.random.default_rng([spec.seed, 1])
    picks = rng.integers(0, len(_PAYLOAD_ALPHABET), size=(_DISTINCT_PAYLOADS, spec.payload_bytes))
    before = np.count_nonzero(due_offsets_ns(spec) < round(spec.warm_up_s * _NS_PER_S))
    return [_PAYLOAD_ALPHABET[row].tobytes().decode("ascii") for row in np.roll(picks, before, axis=0)]


def _periodic(rate_per_s: float, from_ns: int, to_ns: int) -> npt.NDArray[np.int64]:
    period_ns = _NS_PER_S / rate_per_s
    # Shifted by half a period, so that the end of the warm-up does not fall on an event.
    numbers = np.arange(math.floor(from_ns / period_ns), math.ceil(to_ns / period_ns))
    return np.asarray(np.rint((numbers + 0.5) * period_ns), dtype=np.int64)


def _poisson(rate_per_s: float, from_ns: int, to_ns: int, span_ns: int, seed: int) -> npt.NDArray[np.int64]:
    """Return a Poisson process that has its expected count in each span from 0 on, and in those needed before 0.

    Given the count, times are independent and uniform in each span (Kingman, *Poisson Processes*, 2.4). Without the
    condition, the rate of a short stream would be off by several per cent at random, and with it every figure per
    event; gaps are still exponential except for the known count. Each span has its own generator, so that none depends
    on the number of spans.
    """
    times_ns: list[npt.NDArray[np.float64]] = []
    for span in range(-math.ceil(-from_ns / span_ns), math.ceil(to_ns / span_ns)):
        rng = np.random.default_rng([seed, 3, -span] if span <= 0 else [seed, 4, span])
        # A fractional expectation is rounded up with the probability of its fraction, so that the mean rate is exact.
        count = int(rate_per_s * span_ns / _NS_PER_S + rng.uniform())
        times_ns.append(np.sort(rng.uniform(0, span_ns, count)) + span * span_ns)
    return np.asarray(np.floor(np.concatenate(times_ns)), dtype=np.int64)
