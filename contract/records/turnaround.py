"""The random delay between an answer and the next request of a client, where a scenario asks for one.

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
    return _drawn(_mixed(_mixed(seed) ^ client), answer, jitter_ns)


def turnaround_delays_ns(seed: int, clients: int, answer: int, jitter_ns: int) -> Ints:
    """Return these delays of the clients 0, 1, … at once: shape (clients,)."""
    keys = _mixed(np.arange(clients, dtype=np.uint64) ^ np.uint64(_mixed(seed)))
    return np.asarray(_drawn(keys, answer, jitter_ns), dtype=np.int64)


def _drawn(key: _Whole, answer: int, jitter_ns: int) -> _Whole:
    return (_mixed(key ^ answer) >> (64 - _RANDOM_BITS)) * jitter_ns >> _RANDOM_BITS


def _mixed(state: _Whole) -> _Whole:
    state = (state + _INCREMENT) & _MASK
    state = ((state ^ (state >> 30)) * _FIRST_FACTOR) & _MASK
    state = ((state ^ (state >> 27)) * _SECOND_FACTOR) & _MASK
    return state ^ (state >> 31)
