"""Counts of lost, duplicate, reordered, late and corrupt deliveries, per client.

Totals prove nothing (one loss and one duplicate cancel), so everything is counted by client and seq.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract.records import Ints
from contract.records.measured import first_copies

LATE_GRACE_S = 1.0
"""Events that arrive later than this after the longest time that their transport may take count as late."""


@dataclass(frozen=True)
class Ledger:
    """Counts per client, each of shape (clients,)."""

    expected: Ints
    delivered: Ints
    """Distinct events of the stream that arrived, in whatever order, time and condition."""
    lost: Ints
    duplicate: Ints
    """Copies beyond the first."""
    reordered: Ints
    """First copies that arrived after an event with a larger seq."""
    late: Ints
    """First copies that arrived after `late_after_ns`: delivered, not lost."""
    corrupt: Ints
    """Deliveries with another payload than the stream's, or with a seq that it does not have."""

    def totals(self) -> dict[str, int]:
        """Return the counts summed over the clients."""
        return {name: int(counts.sum()) for name, counts in vars(self).items()}


def keep_ledger(
    client: Ints,
    seq: Ints,
    arrival_ns: Ints,
    payload_ok: Ints,
    *,
    clients: int,
    events: int,
    late_after_ns: int,
) -> Ledger:
    """Account for deliveries to clients 0 … clients - 1, each of which must receive the seqs 1 … events.

    Rows are in the order of arrival within each client. Raise ValueError for a client outside that range.
    """
    if len(client) and not (client.min() >= 0 and client.max() < clients):
        raise ValueError(f"deliveries name clients outside 0 to {clients - 1}")
    known = (seq >= 1) & (seq <= events)
    first = first_copies(client, seq) & known

    def per_client(rows: npt.NDArray[np.bool_]) -> Ints:
        if not rows.any():  # most of these counts should be zero
            return np.zeros(clients, dtype=np.int64)
        return np.bincount(client if rows.all() else client[rows], minlength=clients).astype(np.int64)

    expected = np.full(clients, events, dtype=np.int64)
    delivered = per_client(first)
    return Ledger(
        expected=expected,
        delivered=delivered,
        lost=expected - delivered,
        duplicate=per_client(known & ~first),
        reordered=per_client(first & _overtaken(client, seq if known.all() else np.where(known, seq, 0))),
        late=per_client(first & (arrival_ns > late_after_ns)),
        corrupt=per_client((payload_ok != 1) | ~known),
    )


def by_client(client: Ints) -> npt.NDArray[np.intp]:
    """Return the order that groups the rows by client and keeps their order within each."""
    # For 16 bits, NumPy's stable sort is a radix sort, ten times as fast.
    narrow = len(client) and client.min() >= 0 and client.max() <= np.iinfo(np.uint16).max
    return np.argsort(client.astype(np.uint16) if narrow else client, kind="stable")


def steps_between_clients(client: Ints) -> Ints:
    """Return the rows, in the order `by_client`, whose next row is another client's; clients are 0 or more."""
    ends = np.cumsum(np.bincount(client))
    between: Ints = ends[(ends > 0) & (ends < len(client))] - 1
    return between


def _overtaken(client: Ints, seq: Ints) -> npt.NDArray[np.bool_]:
    """Return True for each row whose client received a larger seq before it."""
    order = by_client(client)
    ordered = seq[order]
    fell = ordered[1:] < ordered[:-1]
    fell[steps_between_clients(client)] = False
    overtaken = np.zeros(len(seq), dtype=np.bool_)
    if fell.any():
        # One running maximum serves all clients when each one's seqs lie above the last one's.
        ordered += client[order] * (int(seq.max()) + 1)
        overtaken[order] = ordered < np.maximum.accumulate(ordered)
    return overtaken
