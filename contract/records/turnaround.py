"""Random delays of long-poll clients between an answer and the next request (`turnaround_jitter_ms`).

The delays come from a generator with random access (SplitMix64: Steele, Lea and Flood, Fast splittable pseudorandom
number generators, OOPSLA 2014), so that the model on a trial's own schedule knows each delay that a client had, and
each that it would have had.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from contract.records.tables import Ints

_MASK = (1 << 64) - 1
_INCREMENT, _FIRST_FACTOR, _SECOND_FACTOR = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_RANDOM_BITS = 30
"""Random bits of each delay: the product with the longest delay, of as many bits, fits into 64 bits."""

_Whole = TypeVar("_Whole", int, npt.NDArray[Any])
"""An integer, or an array of unsigned 64-bit integers."""


def turnaround_delay_ns(seed: int, client: int, answer: int, jitter_ns: int) -> int:
    """Return how long a client waits after an answer, counted from 0: at least 0 and less than `jitter_ns`.

    `jitter_ns` is at most a second.
    """
    return _draw(_mix(_mix(seed) ^ client), answer, jitter_ns)


def turnaround_delays_ns(seed: int, clients: int, answer: int, jitter_ns: int) -> Ints:
    """Return `turnaround_delay_ns` of the clients 0, 1, … as one array of shape (clients,)."""
    keys = _mix(np.arange(clients, dtype=np.uint64) ^ np.uint64(_mix(seed)))
    return np.asarray(_draw(keys, answer, jitter_ns), dtype=np.int64)


def _draw(key: _Whole, answer: int, jitter_ns: int) -> _Whole:
    return (_mix(key ^ answer) >> (64 - _RANDOM_BITS)) * jitter_ns >> _RANDOM_BITS


def _mix(state: _Whole) -> _Whole:
    state = (state + _INCREMENT) & _MASK
    state = ((state ^ (state >> 30)) * _FIRST_FACTOR) & _MASK
    state = ((state ^ (state >> 27)) * _SECOND_FACTOR) & _MASK
    return state ^ (state >> 31)
