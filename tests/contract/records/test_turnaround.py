from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contract.records import turnaround_delay_ns, turnaround_delays_ns

SEEDS = st.integers(0, 2**64 - 1)
ANSWERS = st.integers(0, 10**7)
JITTERS_NS = st.integers(1, 10**9)


@given(SEEDS, ANSWERS, JITTERS_NS, st.integers(1, 50))
def test_one_client_draws_what_all_are_said_to_draw(seed: int, answer: int, jitter_ns: int, clients: int) -> None:
    delays_ns = turnaround_delays_ns(seed, clients, answer, jitter_ns)
    assert delays_ns.tolist() == [turnaround_delay_ns(seed, i, answer, jitter_ns) for i in range(clients)]
    assert 0 <= delays_ns.min() <= delays_ns.max() < jitter_ns


def test_delays_are_spread_evenly_and_of_no_consequence_to_each_other() -> None:
    delays_ns = np.stack([turnaround_delays_ns(11, 500, answer, 1_000_000) for answer in range(400)])
    shares = np.histogram(delays_ns, bins=20, range=(0, 1_000_000))[0] / delays_ns.size
    assert np.abs(shares - 0.05).max() < 0.003
    between_answers = np.corrcoef(delays_ns[:-1].ravel(), delays_ns[1:].ravel())[0, 1]
    between_clients = np.corrcoef(delays_ns[:, :-1].ravel(), delays_ns[:, 1:].ravel())[0, 1]
    between_seeds = np.corrcoef(delays_ns[0], turnaround_delays_ns(12, 500, 0, 1_000_000))[0, 1]
    assert abs(between_answers) < 0.01
    assert abs(between_clients) < 0.01
    assert abs(between_seeds) < 0.2
