"""The deliveries of a trial that are measured: first copies of the events that are due in its measured window."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from contract.records.run_folder import Trial
from contract.records.tables import Ints

_DENSE = 16
"""The cells per row for which a table of all pairs of client and seq is worth its memory."""


def is_measured(trial: Trial) -> npt.NDArray[np.bool_]:
    """Return True for each row of the deliveries whose latency is measured."""
    rows = trial.deliveries
    known = (rows.seq >= 1) & (rows.seq <= len(trial.published))
    return known & in_window(trial, rows.due_ns) & first_copies(rows.client, rows.seq)


def in_window(trial: Trial, times_ns: Ints) -> npt.NDArray[np.bool_]:
    """Return True for times within the measured window, its end excluded."""
    return (times_ns >= trial.info.window_start_ns) & (times_ns < trial.info.window_end_ns)


def first_copies(client: Ints, seq: Ints) -> npt.NDArray[np.bool_]:
    """Return True for each row that is the first of its client and seq."""
    if all_differ(client, seq):
        return np.ones(len(seq), dtype=np.bool_)
    first = np.zeros(len(seq), dtype=np.bool_)
    order = np.lexsort((seq, client))
    ordered_client, ordered_seq = client[order], seq[order]
    new = np.ones(len(seq), dtype=np.bool_)
    new[1:] = (ordered_client[1:] != ordered_client[:-1]) | (ordered_seq[1:] != ordered_seq[:-1])
    first[order[new]] = True
    return first


def all_differ(client: Ints, seq: Ints) -> bool:
    """Return whether no two rows have the same client and seq, without sorting, since they nearly never do.

    Also False if numbers are too far apart for a table of all pairs; then only sorting can answer it.
    """
    if not len(seq):
        return True
    if client.min() < 0 or seq.min() < 0:
        return False
    clients, seqs = int(client.max()) + 1, int(seq.max()) + 1
    if clients * seqs > _DENSE * len(seq) + 1_000_000:
        return False
    seen = np.zeros((clients, seqs), dtype=np.bool_)
    seen[client, seq] = True
    return int(np.count_nonzero(seen)) == len(seq)
