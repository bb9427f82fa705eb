"""How late the load was with what it had scheduled: messages, polls, its own timers."""

from __future__ import annotations

import numpy as np

from analysis.latency import in_window
from loadtests.records import Lateness, RequestKind, TransportStyle, Trial, is_time


def message_lateness(trial: Trial, style: TransportStyle) -> Lateness:
    """Return sent - due of the messages that the clients sent over an open channel within the window.

    Empty where requests go one at a time: a message that waits for its predecessor is late by its nature.
    """
    sent = trial.deliveries if style.role == "persistent" else trial.deliveries.empty()
    chosen = in_window(trial, sent.due_ns) & (sent.seq > 0)
    due_ns = sent.due_ns[chosen]
    return Lateness(due_ns, (sent.published_ns[chosen] - due_ns) / 1e6)


def poll_lateness(trial: Trial) -> Lateness:
    """How late each poll of the window was sent: after its plan, or after the answer before it if that came later."""
    rows = trial.requests
    # The columns that are needed, and not a copy of all: there may be ten million polls.
    sent = np.flatnonzero((rows.kind == RequestKind.POLL) & is_time(rows.start_ns))
    order = sent[np.lexsort((rows.start_ns[sent], rows.client[sent]))]
    client, start_ns, free_ns = rows.client[order], rows.start_ns[order], rows.planned_ns[order]
    before_ns = rows.end_ns[order[:-1]]
    waited = (client[1:] == client[:-1]) & is_time(before_ns)
    np.maximum(free_ns[1:], before_ns, out=free_ns[1:], where=waited)
    measured = in_window(trial, start_ns)
    return Lateness(free_ns[measured], ((start_ns - free_ns) / 1e6)[measured])


def timer_lateness(trial: Trial) -> dict[int, Lateness]:
    """Of the periodic timer inside each load process, by its index."""
    lag = trial.loop_lag.where(in_window(trial, trial.loop_lag.at_ns))
    return {
        int(worker): Lateness(own.at_ns - own.lag_ns, own.lag_ns / 1e6)
        for worker in np.unique(lag.worker)
        for own in [lag.where(lag.worker == worker)]
    }
