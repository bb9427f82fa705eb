"""The model of docs/method/method.md on a trial's own schedule: exact, delivery by delivery, with no randomness left.

Due times, phases and holds of a trial are data. From them follows when each client must get each event if nothing
but the network took time; `analysis.models.queue_model` adds what server and load take. All clients advance together,
one request each per step. Times are integer nanoseconds on the trial's clock.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.models.closed_form import poll_period_s
from analysis.statistics.long_columns import NarrowColumn, Times, blocks
from contract.records import (
    Ints,
    RequestKind,
    TransportStyle,
    Trial,
    is_time,
    turnaround_delays_ns,
    worker_of_clients,
)

Bools = npt.NDArray[np.bool_]
_NEVER_NS = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Schedule:
    """What was fixed before anything was sent."""

    due_ns: Ints
    """Shape (events,), non-decreasing: when each event is due, before any phase of an echo."""
    phase_ns: Ints
    """Shape (clients,)."""
    first_ask_ns: Ints
    """Shape (clients,): when each client sent its first poll."""
    t0_ns: int
    window_ns: tuple[int, int]
    one_way_ns: int
    interval_ns: int = 0
    hold_ns: int = 0
    turnaround_ns: int = 0
    """Between an answer's arrival at the client and its next request: part of a long poll's deaf gap."""
    turnaround_jitter_ns: int = 0
    """Of a long poll: up to how long a client waits on top of that, at random."""
    turnaround_seed: int = 0
    """Of these delays (`contract.records.turnaround_delays_ns`)."""
    connect_ns: int = 0
    """What each poll's own connection takes before the request can leave; 0 where connections are kept."""
    one_at_a_time: bool = False
    """Of a round trip: whether a message waits for the answer to the one before it."""
    keeps_cursor: bool = True
    """Of a poll: whether it asks for what is after a cursor; else it sees the latest or the next event alone."""
    pauses: bool = False
    """Of a short poll: whether the interval is counted from the last answer and not from the last poll."""
    load_process: Ints | None = None
    """Shape (clients,): which process of the load each client is in; None where there is only one."""

    def turnaround_delays_ns(self, answer: int) -> Ints:
        """Return how long each client waits after its answer of this number, from 0, before its next request."""
        clients = len(self.phase_ns)
        if not self.turnaround_jitter_ns:
            return np.zeros(clients, dtype=np.int64)
        return turnaround_delays_ns(self.turnaround_seed, clients, answer, self.turnaround_jitter_ns)


@dataclass(frozen=True)
class Prediction:
    """Latency of every event at every client, and what was asked for it."""

    latency_ns: Ints
    """Shape (clients, events); of no meaning where the event does not reach the client."""
    requests: Ints
    """Shape (clients,): requests sent within [window start, window end)."""
    reached: Bools
    """Shape (clients, events): False for what a client without a cursor misses."""

    def latencies_ns(self, counted: Bools) -> Times:
        """Of those of the `counted`, of shape (clients, events), that reach their clients."""
        wanted = counted & self.reached
        latencies_ns = NarrowColumn(int(np.count_nonzero(wanted)))
        for clients in blocks(*wanted.shape):
            latencies_ns.append(self.latency_ns[clients][wanted[clients]])
        return latencies_ns.whole()


def schedule_of(trial: Trial, style: TransportStyle) -> Schedule:
    """The schedule of a recorded trial; its clients are numbered from 0."""
    parameters = trial.info.parameters
    clients = int(parameters["clients"])
    one_way_ns = round(parameters["one_way_delay_ms"] * 1e6)
    phase_ns = np.zeros(clients, dtype=np.int64)
    phase_ns[trial.clients.client] = trial.clients.phase_ns
    polls = trial.requests
    sent = (polls.kind == RequestKind.POLL) & is_time(polls.start_ns)
    first_ask_ns = np.full(clients, _NEVER_NS, dtype=np.int64)
    np.minimum.at(first_ask_ns, polls.client[sent], polls.start_ns[sent])
    return Schedule(
        due_ns=trial.published.due_ns,
        phase_ns=phase_ns,
        # A client that never asked has no predicted deliveries of its own: it is taken to have asked at the start.
        first_ask_ns=np.where(first_ask_ns == _NEVER_NS, trial.info.t0_ns, first_ask_ns),
        t0_ns=trial.info.t0_ns,
        window_ns=(trial.info.window_start_ns, trial.info.window_end_ns),
        one_way_ns=one_way_ns,
        interval_ns=round(parameters.get("poll_interval_s", 0) * 1e9),
        hold_ns=round(parameters.get("hold_s", 0) * 1e9),
        # What is pushed asks for nothing, and a median of all deliveries takes long.
        turnaround_ns=_turnaround_ns(trial) if style.role == "polling" else 0,
        turnaround_jitter_ns=round(parameters.get("turnaround_jitter_ms", 0) * 1e6),
        turnaround_seed=trial.info.own_seed,
        connect_ns=0 if parameters.get("keep_alive", True) else 2 * one_way_ns,
        one_at_a_time=style.role == "polling",
        keeps_cursor=parameters.get("cursor", True),
        pauses=parameters.get("pacing") == "pause",
        load_process=worker_of_clients(trial.info.workers, np.arange(clients)) if trial.info.workers else None,
    )


def _turnaround_ns(trial: Trial) -> int:
    """The median of what the clients took to read what had arrived; 0 where no kernel stamp tells."""
    rows = trial.deliveries
    stamped = is_time(rows.kernel_realtime_ns)
    if not stamped.any() or not len(trial.clock):
        return 0
    delay_ns = NarrowColumn(int(np.count_nonzero(stamped)))
    for block in blocks(len(rows)):
        own = stamped[block]
        arrival_ns = trial.clock.to_monotonic(rows.kernel_realtime_ns[block][own])
        delay_ns.append(rows.user_ns[block][own] - arrival_ns)
    return max(0, round(float(np.median(delay_ns.whole()))))


def predict(model: str, schedule: Schedule) -> Prediction:
    """Evaluate one kind of model (`TransportStyle.model`) on a schedule; KeyError if unknown."""
    return _MODELS[model](schedule)


def _push(schedule: Schedule) -> Prediction:
    shape = (len(schedule.phase_ns), len(schedule.due_ns))
    latency_ns = np.broadcast_to(np.int64(schedule.one_way_ns), shape)
    return _all_reached(latency_ns, np.zeros(shape[0], dtype=np.int64))


def _all_reached(latency_ns: Ints, requests: Ints) -> Prediction:
    return Prediction(latency_ns, requests, np.broadcast_to(np.True_, latency_ns.shape))


def _short_poll(schedule: Schedule) -> Prediction:
    """The first poll at the server at or after the event, and one transit.

    Polls stand at t0 + phase + kP. P is the interval; when an answer takes longer than that, the client is always
    behind its schedule and sends as each answer arrives, so that P is the whole exchange. With a pause after each
    answer P is their sum. Without a cursor a poll sees an event unless another one was due by then.
    """
    exchange_ns = schedule.connect_ns + 2 * schedule.one_way_ns + (schedule.turnaround_ns if schedule.pauses else 0)
    period_ns = round(poll_period_s(schedule.interval_ns, exchange_ns, pause_after_answer=schedule.pauses))
    first_sent_ns = schedule.t0_ns + schedule.phase_ns
    first_at_server_ns = first_sent_ns + schedule.connect_ns + schedule.one_way_ns
    after_first_ns = schedule.due_ns[None, :] - first_at_server_ns[:, None]
    wait_ns = np.where(after_first_ns > 0, -after_first_ns % period_ns, -after_first_ns)
    polls_before = [np.maximum(0, -((first_sent_ns - edge_ns) // period_ns)) for edge_ns in schedule.window_ns]
    reached = schedule.keeps_cursor | (_next_due_ns(schedule)[1:] > schedule.due_ns + wait_ns)
    return Prediction(wait_ns + schedule.one_way_ns, polls_before[1] - polls_before[0], reached)


def _next_due_ns(schedule: Schedule) -> Ints:
    """When the first event at or after each place in the stream is due: shape (events + 1,)."""
    return np.append(schedule.due_ns, _NEVER_NS)


def _long_poll(schedule: Schedule) -> Prediction:
    """A request at the server at t is answered at t if events wait, else at the next event, or empty at t + hold.

    The answer is one transit on its way, and the next request, sent after the client's turnaround, another, behind
    its connection where it has one of its own.
    """
    if not schedule.keeps_cursor:
        return _long_poll_without_cursor(schedule)
    events = len(schedule.due_ns)
    next_due_ns = _next_due_ns(schedule)
    to_server_ns = schedule.connect_ns + schedule.one_way_ns
    between_ns = schedule.one_way_ns + schedule.turnaround_ns + to_server_ns
    at_server_ns = schedule.first_ask_ns + to_server_ns
    cursor = np.zeros(len(at_server_ns), dtype=np.int64)
    requests = np.zeros(len(at_server_ns), dtype=np.int64)
    answers_ns, batches = [], []
    for answer in itertools.count():
        sent_ns = at_server_ns - to_server_ns
        if cursor.min(initial=events) == events and sent_ns.min(initial=_NEVER_NS) >= schedule.window_ns[1]:
            break
        requests += (sent_ns >= schedule.window_ns[0]) & (sent_ns < schedule.window_ns[1])
        answer_ns = np.minimum(at_server_ns + schedule.hold_ns, np.maximum(at_server_ns, next_due_ns[cursor]))
        seen = np.searchsorted(schedule.due_ns, answer_ns, side="right")
        answers_ns.append(answer_ns)
        batches.append(seen - cursor)
        cursor = seen
        at_server_ns = answer_ns + between_ns + schedule.turnaround_delays_ns(answer)
    # Client by client, answer by answer, each answer's time once per event in it: one row of events per client.
    each_ns = np.repeat(np.stack(answers_ns, axis=1).ravel(), np.stack(batches, axis=1).ravel())
    arrival_ns = each_ns.reshape(len(cursor), events) + schedule.one_way_ns
    return _all_reached(arrival_ns - schedule.due_ns, requests)


def _long_poll_without_cursor(schedule: Schedule) -> Prediction:
    """A request at the server at t is answered with the first event due after t alone; who was due before is missed."""
    events = len(schedule.due_ns)
    next_due_ns = _next_due_ns(schedule)
    to_server_ns = schedule.connect_ns + schedule.one_way_ns
    between_ns = schedule.one_way_ns + schedule.turnaround_ns + to_server_ns
    at_server_ns = schedule.first_ask_ns + to_server_ns
    clients = np.arange(len(at_server_ns))
    requests = np.zeros(len(at_server_ns), dtype=np.int64)
    reached = np.zeros((len(at_server_ns), events + 1), dtype=np.bool_)
    for answer in itertools.count():
        sent_ns = at_server_ns - to_server_ns
        upcoming = np.searchsorted(schedule.due_ns, at_server_ns, side="right")
        if upcoming.min(initial=events) == events and sent_ns.min(initial=_NEVER_NS) >= schedule.window_ns[1]:
            break
        requests += (sent_ns >= schedule.window_ns[0]) & (sent_ns < schedule.window_ns[1])
        held_until_ns = at_server_ns + schedule.hold_ns
        reached[clients, upcoming] |= next_due_ns[upcoming] <= held_until_ns
        answer_ns = np.minimum(held_until_ns, next_due_ns[upcoming])
        at_server_ns = answer_ns + between_ns + schedule.turnaround_delays_ns(answer)
    latency_ns = np.full((len(at_server_ns), events), schedule.one_way_ns)
    return Prediction(latency_ns, requests, reached[:, :events])


def _round_trip(schedule: Schedule) -> Prediction:
    return _two_way(schedule, 2 * schedule.one_way_ns)


def _round_trip_new_connection(schedule: Schedule) -> Prediction:
    return _two_way(schedule, 4 * schedule.one_way_ns)


def _two_way(schedule: Schedule, transit_ns: int) -> Prediction:
    """A message is back one round trip (a new connection: two) after it was sent: when due, or once it may be.

    With one at a time, answer k comes at max over j ≤ k of due_j + (k - j + 1) · transit (Lindley 1952).
    """
    due_ns = schedule.due_ns[None, :] + schedule.phase_ns[:, None]
    clients = len(schedule.phase_ns)
    if not schedule.one_at_a_time:
        latency_ns = np.broadcast_to(np.int64(transit_ns), due_ns.shape)
        return _all_reached(latency_ns, np.zeros(clients, dtype=np.int64))
    earlier_ns = np.arange(len(schedule.due_ns), dtype=np.int64) * transit_ns
    sent_ns = np.maximum.accumulate(due_ns - earlier_ns, axis=1) + earlier_ns
    within = (sent_ns >= schedule.window_ns[0]) & (sent_ns < schedule.window_ns[1])
    return _all_reached(sent_ns + transit_ns - due_ns, within.sum(axis=1))


_MODELS: dict[str, Callable[[Schedule], Prediction]] = {
    "push": _push,
    "short_poll": _short_poll,
    "long_poll": _long_poll,
    "round_trip": _round_trip,
    "round_trip_new_connection": _round_trip_new_connection,
}
