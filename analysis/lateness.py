"""How late what was scheduled really happened: publications, polls, the load's own timers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.latency import in_window
from loadtests.records import Ints, RequestKind, TransportStyle, Trial, is_time

HICCUP_NS = 100_000_000
"""What is late within one such span has one cause: every machine stops for a moment now and then."""


@dataclass(frozen=True)
class Lateness:
    """Scheduled things of a trial's window, in any order: when each was due, and by how much it was late."""

    due_ns: Ints
    late_ms: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.due_ns)

    def beyond(self, limit_ms: float) -> int:
        """How many were later than the limit, but for those of the one hiccup that explains the most of them."""
        late_ns = np.sort(self.due_ns[self.late_ms > limit_ms])
        if not len(late_ns):
            return 0
        in_one_hiccup = np.searchsorted(late_ns, late_ns + HICCUP_NS) - np.arange(len(late_ns))
        return int(len(late_ns) - in_one_hiccup.max())


def publish_lateness(trial: Trial, style: TransportStyle) -> Lateness:
    """Published - due of the events of the window (echo on an open channel: sent - due, by each client).

    Empty where requests go one at a time: a message that waits for its predecessor is late by its nature.
    """
    if style.model.startswith("round_trip"):
        sent = trial.deliveries if style.role == "persistent" else trial.deliveries.empty()
        chosen = in_window(trial, sent.due_ns) & (sent.seq > 0)
        due_ns = sent.due_ns[chosen]
        return Lateness(due_ns, (sent.published_ns[chosen] - due_ns) / 1e6)
    rows = trial.published.where(in_window(trial, trial.published.due_ns) & is_time(trial.published.published_ns))
    return Lateness(rows.due_ns, (rows.published_ns - rows.due_ns) / 1e6)


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
