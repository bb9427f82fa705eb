"""The lateness of the load's scheduled actions: messages, polls and its own timers."""

from __future__ import annotations

import numpy as np

from contract.records import (
    EXPLAINED_RATIO,
    Ints,
    Lateness,
    RequestKind,
    Requests,
    Trial,
    is_time,
    load_work,
    worker_of_clients,
)
from contract.records.measured import in_window
from contract.transports import TransportStyle


def message_lateness(trial: Trial, style: TransportStyle) -> Lateness:
    """Return the lateness (sent - due) of the messages that clients sent over an open channel within the window.

    Empty if requests are sent one at a time, since a message that waits for the one before is late by design.
    """
    sent = trial.deliveries.empty() if style.polling else trial.deliveries
    chosen = in_window(trial, sent.due_ns) & (sent.seq > 0)
    due_ns = sent.due_ns[chosen]
    return Lateness(due_ns, (sent.published_ns[chosen] - due_ns) / 1e6)


def poll_lateness(trial: Trial) -> Lateness:
    """Return how long after its planned time, or the previous answer if later, each poll of the window was sent.

    A poll on a new connection counts as sent when it began to connect, so that the network's delay is no lateness.
    """
    rows = trial.requests
    # Only the columns that are needed, not a copy of all: there may be ten million polls.
    sent = np.flatnonzero((rows.kind == RequestKind.POLL) & is_time(rows.start_ns))
    order = sent[np.lexsort((rows.start_ns[sent], rows.client[sent]))]
    client, start_ns, free_ns = rows.client[order], rows.start_ns[order], rows.planned_ns[order]
    begun_ns = _begun_ns(rows, order)
    before_ns = rows.end_ns[order[:-1]]
    waited = (client[1:] == client[:-1]) & is_time(before_ns)
    np.maximum(free_ns[1:], before_ns, out=free_ns[1:], where=waited)
    measured = in_window(trial, start_ns)
    return Lateness(free_ns[measured], (np.maximum(begun_ns - free_ns, 0) / 1e6)[measured])


def _begun_ns(rows: Requests, polls: Ints) -> Ints:
    """Return when each of these polls began: when it was sent, or when its own connection was started."""
    begun_ns = rows.start_ns[polls]
    connects = np.flatnonzero((rows.kind == RequestKind.CONNECT) & is_time(rows.end_ns))
    both = np.concatenate([connects, polls])
    at_ns = np.concatenate([rows.end_ns[connects], begun_ns])
    order = np.lexsort((rows.kind[both], at_ns, rows.client[both]))
    before, after = order[:-1], order[1:]
    together = (
        (before < len(connects))
        & (after >= len(connects))
        & (at_ns[before] == at_ns[after])
        & (rows.client[both[before]] == rows.client[both[after]])
    )
    begun_ns[after[together] - len(connects)] = rows.start_ns[both[before[together]]]
    return begun_ns


def turnaround_lateness(trial: Trial) -> Lateness:
    """Return how long after an answer's arrival the next poll was sent, beyond what the load's own work explains.

    Only answers in the window count. Empty if polls follow a schedule, or without kernel stamps of arrivals.
    """
    polls = trial.requests.where((trial.requests.kind == RequestKind.POLL) & is_time(trial.requests.start_ns))
    if not len(polls) or not trial.has_kernel_stamps or bool((polls.planned_ns != polls.start_ns).any()):
        return Lateness.none()
    rows = trial.deliveries
    arrived_ns = trial.arrivals_ns(rows)
    worker = worker_of_clients(trial.info.workers, rows.client)
    due_ns, late_ms = [np.empty(0, dtype=np.int64)], [np.empty(0)]
    for index in np.unique(worker).tolist():
        own = worker == index
        # Events of one answer arrive together.
        answers = np.unique(np.stack([rows.client[own], arrived_ns[own], rows.user_ns[own]]), axis=1)
        _, at_ns, read_ns = answers[:, in_window(trial, answers[1])]
        if (work := load_work(trial, index, answers[1])) is None:
            continue
        explained_ns = EXPLAINED_RATIO * (work.unfinished_ns(at_ns) + work.work_ns[0])
        due_ns.append(at_ns)
        late_ms.append(np.maximum(0.0, read_ns - at_ns - explained_ns) / 1e6)
    return Lateness(np.concatenate(due_ns), np.concatenate(late_ms))


def timer_lateness(trial: Trial) -> dict[int, Lateness]:
    """Return the lateness of the periodic timer in each load process, by the index of the process."""
    lag = trial.loop_lag.where(in_window(trial, trial.loop_lag.at_ns))
    return {
        int(worker): Lateness(own.at_ns - own.lag_ns, own.lag_ns / 1e6)
        for worker in np.unique(lag.worker)
        for own in [lag.where(lag.worker == worker)]
    }
