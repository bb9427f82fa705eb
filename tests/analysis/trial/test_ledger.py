from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.trial.ledger import Ledger, by_client, keep_ledger

NOBODY_IS_LATE_NS = 10**15


def account(rows: list[tuple[int, int]], clients: int = 2, events: int = 3, corrupt: tuple[int, ...] = ()) -> Ledger:
    client = np.array([c for c, _ in rows], dtype=np.int64)
    seq = np.array([s for _, s in rows], dtype=np.int64)
    ok = np.ones(len(rows), dtype=np.int64)
    ok[list(corrupt)] = 0
    arrival = np.arange(len(rows), dtype=np.int64)
    return keep_ledger(client, seq, arrival, ok, clients=clients, events=events, late_after_ns=NOBODY_IS_LATE_NS)


def test_a_clean_trial() -> None:
    ledger = account([(0, 1), (1, 1), (0, 2), (1, 2), (1, 3), (0, 3)])
    assert ledger.totals() == {
        "expected": 6, "delivered": 6, "lost": 0, "duplicate": 0, "reordered": 0, "late": 0,
        "corrupt": 0,
    }  # fmt: skip


def test_one_loss_and_one_duplicate_do_not_cancel() -> None:
    totals = account([(0, 1), (0, 2), (0, 2), (1, 1), (1, 2), (1, 3)]).totals()
    assert (totals["lost"], totals["duplicate"], totals["delivered"]) == (1, 1, 5)


def test_a_loss_is_booked_to_the_client_that_suffered_it() -> None:
    ledger = account([(1, 1), (1, 2), (1, 3)])
    assert ledger.lost.tolist() == [3, 0]


def test_the_event_that_came_too_late_for_its_place_is_the_reordered_one() -> None:
    ledger = account([(0, 2), (0, 1), (0, 3), (1, 1), (1, 2), (1, 3)])
    assert ledger.reordered.tolist() == [1, 0]
    assert ledger.lost.sum() == 0


def test_a_late_copy_is_a_duplicate_and_not_reordered() -> None:
    ledger = account([(0, 1), (0, 2), (0, 1), (0, 3), (1, 1), (1, 2), (1, 3)])
    assert (ledger.duplicate.sum(), ledger.reordered.sum()) == (1, 0)


def test_damaged_and_unknown_events_are_corrupt_and_unknown_ones_are_not_delivered() -> None:
    totals = account([(0, 1), (0, 9), (0, 0), (0, 2)], clients=1, corrupt=(0,)).totals()
    assert totals == {
        "expected": 3, "delivered": 2, "lost": 1, "duplicate": 0, "reordered": 0, "late": 0,
        "corrupt": 3,
    }  # fmt: skip


def test_late_is_delivered_and_not_lost() -> None:
    seq, arrival = np.array([1, 2]), np.array([99, 101])
    ledger = keep_ledger(np.array([0, 0]), seq, arrival, np.array([1, 1]), clients=1, events=2, late_after_ns=100)
    assert (ledger.late.tolist(), ledger.lost.tolist()) == ([1], [0])


def test_nothing_at_all_came() -> None:
    assert account([]).totals()["lost"] == 6


def test_a_client_that_the_trial_does_not_have_is_an_error() -> None:
    with pytest.raises(ValueError, match="outside 0 to 1"):
        account([(2, 1)])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6)), max_size=60))
def test_it_agrees_with_counting_by_hand(rows: list[tuple[int, int]]) -> None:
    totals = account(rows, clients=4, events=6).totals()
    copies = Counter(rows)
    reordered, highest, seen = 0, dict.fromkeys(range(4), 0), set()
    for client, seq in rows:
        reordered += (client, seq) not in seen and seq < highest[client]
        seen.add((client, seq))
        highest[client] = max(highest[client], seq)
    assert totals["delivered"] == len(copies)
    assert totals["lost"] == 24 - len(copies)
    assert totals["duplicate"] == len(rows) - len(copies)
    assert totals["reordered"] == reordered


@given(st.lists(st.integers(0, 70_000)))
def test_the_order_by_client_is_a_stable_sort(clients: list[int]) -> None:
    client = np.array(clients, dtype=np.int64)
    assert by_client(client).tolist() == sorted(range(len(clients)), key=lambda row: clients[row])
