"""The parts of a delivery's time, between the stamps due, published, written, arrived and read.

Whole nanoseconds: the parts of each delivery add up to read − due exactly, whatever the clocks did.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contract.records import Deliveries, Ints, Written
from contract.records.measured import all_differ

_UNWRITTEN_NS = -1


@dataclass(frozen=True)
class Parts:
    """Parts of each delivery in ns, each of shape (deliveries,)."""

    server_lag_ns: Ints
    """Published − due."""
    queue_ns: Ints | None
    """Written − published: waiting at the server for its turn, for a poll, or for the loop; None without a trace."""
    delivery_ns: Ints
    """Arrival − written; without a trace arrival − published."""
    client_delay_ns: Ints
    """Read − arrival; 0 if the read itself had to serve as the arrival."""


def split(rows: Deliveries, arrival_ns: Ints, written_ns: Ints | None) -> Parts:
    """Return the parts of deliveries that arrived at `arrival_ns` and were written at `written_ns`, if known."""
    left_ns = rows.published_ns if written_ns is None else written_ns
    return Parts(
        server_lag_ns=rows.published_ns - rows.due_ns,
        queue_ns=None if written_ns is None else written_ns - rows.published_ns,
        delivery_ns=arrival_ns - left_ns,
        client_delay_ns=rows.user_ns - arrival_ns,
    )


def written_at_ns(rows: Deliveries, written: Written | None) -> Ints | None:
    """Return when each delivery was written, joined by client and seq: shape (deliveries,); None unless all are known.

    If it was written more than once (to a client that asked again), the last write before the client read it counts. A
    trace with gaps is not used, since the parts of some deliveries do not represent the others.
    """
    if written is None or not len(rows) or not len(written):
        return None
    if not all_differ(written.client, written.seq):
        return _last_before_the_read(rows, written)
    # Nearly always each was written once: a table of all pairs is faster than a sorted list.
    table = np.full((int(written.client.max()) + 1, int(written.seq.max()) + 1), _UNWRITTEN_NS, dtype=np.int64)
    table[written.client, written.seq] = written.written_ns
    if any(
        column.min() < 0 or column.max() >= size
        for column, size in zip((rows.client, rows.seq), table.shape, strict=True)
    ):
        return None
    found: Ints = table[rows.client, rows.seq]
    return None if (found == _UNWRITTEN_NS).any() else found


def _last_before_the_read(rows: Deliveries, written: Written) -> Ints | None:
    span = int(max(rows.seq.max(), written.seq.max(initial=0))) + 1
    order = np.lexsort((written.written_ns, written.client * span + written.seq))
    keys, times_ns = (written.client * span + written.seq)[order], written.written_ns[order]
    asked = rows.client * span + rows.seq
    first, end = np.searchsorted(keys, asked, "left"), np.searchsorted(keys, asked, "right")
    if (first == end).any():
        return None
    chosen = first.copy()
    for i in np.flatnonzero(end - first > 1):
        before = np.searchsorted(times_ns[first[i] : end[i]], rows.user_ns[i], "right")
        chosen[i] = first[i] + max(int(before) - 1, 0)
    return times_ns[chosen]
