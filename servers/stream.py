"""The event stream as data: due times and payloads, pure and seeded.

The publisher is an open loop: every due time is fixed before the run and does not depend on what the server or
the clients do, so that a slow system makes latency longer and never hides it.
"""

from __future__ import annotations

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
    """Part of the duration; random arrivals have their expected count both in it and after it."""


def due_offsets_ns(spec: StreamSpec) -> npt.NDArray[np.int64]:
    """Due times of all events in ns after the stream's start: shape (events,), non-decreasing, in [0, duration)."""
    duration_ns = round(spec.duration_s * _NS_PER_S)
    warm_up_ns = round(spec.warm_up_s * _NS_PER_S)
    spans_ns = [(0, warm_up_ns), (warm_up_ns, duration_ns)]
    if spec.arrival == "periodic":
        offsets = _periodic(spec.rate_per_s, duration_ns)
    elif spec.arrival == "poisson":
        offsets = _poisson(spec.rate_per_s, spans_ns, np.random.default_rng(spec.seed))
    else:
        starts = _poisson(spec.rate_per_s / BURST_SIZE, spans_ns, np.random.default_rng(spec.seed))
        within = np.arange(BURST_SIZE, dtype=np.int64) * BURST_SPACING_NS
        offsets = np.sort((starts[:, None] + within[None, :]).ravel())
    return offsets[offsets < duration_ns]


def payloads(spec: StreamSpec) -> list[str]:
    """Distinct pseudo-random payloads; event i carries number (i - 1) modulo their count.

    Random characters rather than one repeated letter: a compressing server would shrink the latter to nothing.
    """
    rng = np.random.default_rng([spec.seed, 1])
    picks = rng.integers(0, len(_PAYLOAD_ALPHABET), size=(_DISTINCT_PAYLOADS, spec.payload_bytes))
    return [_PAYLOAD_ALPHABET[row].tobytes().decode("ascii") for row in picks]


def _periodic(rate_per_s: float, duration_ns: int) -> npt.NDArray[np.int64]:
    period_ns = _NS_PER_S / rate_per_s
    # Half a period in, so that neither the stream's start nor its end falls on an event.
    return np.asarray(np.rint(np.arange(0.5, duration_ns / period_ns) * period_ns), dtype=np.int64)


def _poisson(rate_per_s: float, spans_ns: list[tuple[int, int]], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """A Poisson process given its expected count in each span: then its times are independent and uniform there.

    (Kingman, *Poisson Processes*, 2.4.) Unconditioned, the rate of a short stream would be several per cent off by
    luck, and every figure per event with it; gaps are exponential all the same, up to the count being known.
    """
    times: list[npt.NDArray[np.float64]] = []
    for start_ns, end_ns in spans_ns:
        # A fractional expectation is rounded up as often as it asks for, so that the mean rate is exact.
        count = int(rate_per_s * (end_ns - start_ns) / _NS_PER_S + rng.uniform())
        times.append(np.sort(rng.uniform(start_ns, end_ns, count)))
    return np.asarray(np.floor(np.concatenate(times)), dtype=np.int64)
