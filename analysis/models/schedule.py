"""The schedule of a trial, and a model's prediction on it.

Due times, phases and holds of a trial are known data. They determine when each client receives each event if only the
network takes time; `analysis.models.queues` adds the time of server and load. Times are integer nanoseconds on the
trial's clock.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract.records import Ints, RequestKind, Trial, is_time, turnaround_delays_ns, worker_of_clients
from contract.transports import TransportStyle

Bools = npt.NDArray[np.bool_]
NEVER_NS = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Schedule:
    """The schedule of a trial, fixed before anything was sent."""

    due_ns: Ints
    """Shape (events,), non-decreasing: when each event is due, before any phase of an echo."""
    phase_ns: Ints
    """Shape (clients,)."""
    first_poll_ns: Ints
    """Shape (clients,): when each client sent its first poll."""
    t0_ns: int
    window_ns: tuple[int, int]
    one_way_ns: int
    interval_ns: int | None = None
    """Of short polls; None for others."""
    hold_ns: int | None = None
    """Of long polls; None for others."""
    turnaround_ns: int = 0
    """For long polls: the time between an answer's arrival at the client and its next request."""
    turnaround_jitter_ns: int = 0
    """For long polls: the longest random time that a client waits in addition to `turnaround_ns`."""
    turnaround_seed: int = 0
    """The seed of the random turnaround delays (`contract.records.turnaround_delays_ns`)."""
    connect_ns: int = 0
    """Time to open each poll's own connection before the request can leave; 0 if connections are kept."""
    one_at_a_time: bool = False
    """For round trips: whether a message waits for the answer to the one before it."""
    keeps_cursor: bool = True
    """For polls: whether they request the events after a cursor instead of only the latest or the next event."""
    pauses: bool = False
    """For short polls: whether the interval counts from the last answer and not from the last poll."""
    load_process: Ints | None = None
    """Shape (clients,): the load process of each client; None if there is only one."""

    @property
    def next_due_ns(self) -> Ints:
        """The due time of each event, and NEVER_NS after the last one: shape (events + 1,)."""
        return np.append(self.due_ns, NEVER_NS)

    def turnaround_delays_ns(self, answer: int) -> Ints:
        """Return how long each client waits after its answer number `answer`, from 0, before its next request."""
        clients = len(self.phase_ns)
        if not self.turnaround_jitter_ns:
            return np.zeros(clients, dtype=np.int64)
        return turnaround_delays_ns(self.turnaround_seed, clients, answer, self.turnaround_jitter_ns)


@dataclass(frozen=True)
class Prediction:
    """Latency of every event at every client, and the number of requests."""

    latency_ns: Ints
    """Shape (clients, events); meaningless where the event does not reach the client."""
    requests: Ints
    """Shape (clients,): requests sent within [window start, window end)."""
    reached: Bools
    """Shape (clients, events): False for events that a client without a cursor misses."""

    @classmethod
    def of_all(cls, latency_ns: Ints, requests: Ints) -> Prediction:
        """Return a prediction in which every event reaches every client."""
        return cls(latency_ns, requests, np.broadcast_to(np.True_, latency_ns.shape))

    def latencies_ns(self, counted: Bools) -> Ints:
        """Return the latencies of the `counted` events, a mask of shape (clients, events), that reach their clients."""
        return self.latency_ns[counted & self.reached]


def schedule_of(trial: Trial, style: TransportStyle) -> Schedule:
    """Return the schedule of a recorded trial; its clients are numbered from 0."""
    parameters = trial.info.parameters
    clients = parameters.clients
    one_way_ns = round(parameters.one_way_delay_ms * 1e6)
    phase_ns = np.zeros(clients, dtype=np.int64)
    phase_ns[trial.clients.client] = trial.clients.phase_ns
    polls = trial.requests
    sent = (polls.kind == RequestKind.POLL) & is_time(polls.start_ns)
    first_poll_ns = np.full(clients, NEVER_NS, dtype=np.int64)
    np.minimum.at(first_poll_ns, polls.client[sent], polls.start_ns[sent])
    return Schedule(
        due_ns=trial.published.due_ns,
        phase_ns=phase_ns,
        # A client that never polled is assumed to have polled at the start.
        first_poll_ns=np.where(first_poll_ns == NEVER_NS, trial.info.t0_ns, first_poll_ns),
        t0_ns=trial.info.t0_ns,
        window_ns=(trial.info.window_start_ns, trial.info.window_end_ns),
        one_way_ns=one_way_ns,
        interval_ns=_nanoseconds(parameters.poll_interval_s),
        hold_ns=_nanoseconds(parameters.hold_s),
        # Push clients send no requests, and computing a median of all deliveries takes long.
        turnaround_ns=_turnaround_ns(trial) if style.polling else 0,
        turnaround_jitter_ns=round(parameters.turnaround_jitter_ms * 1e6),
        turnaround_seed=trial.info.own_seed,
        connect_ns=0 if parameters.keep_alive else 2 * one_way_ns,
        one_at_a_time=style.polling,
        keeps_cursor=parameters.cursor,
        pauses=parameters.pacing == "pause",
        load_process=worker_of_clients(trial.info.workers, np.arange(clients)) if trial.info.workers else None,
    )


def _nanoseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e9)


def _turnaround_ns(trial: Trial) -> int:
    """Return the median time from the arrival of data to its reading by the client; 0 without kernel stamps."""
    rows = trial.deliveries
    stamped = is_time(rows.kernel_realtime_ns)
    if not stamped.any() or not len(trial.clock):
        return 0
    delay_ns = rows.user_ns[stamped] - trial.clock.to_monotonic(rows.kernel_realtime_ns[stamped])
    return max(0, round(float(np.median(delay_ns))))
