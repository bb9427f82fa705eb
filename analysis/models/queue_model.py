"""The model on a trial's own schedule with queues: server and load each do one thing at a time.

The plain model of `analysis.models.own_schedule` has a network and nothing else. Here the server is a queue with a
single server (Lindley 1952, The theory of queues with a single server), first come, first served: an answer keeps it
busy for its service time and leaves at the end of that, and an event that falls due while it is busy is published when
its turn comes. The load is another such queue: it reads one answer after the other, and a client's next request leaves
when its answer has been dealt with. Service times are CPU times divided by what was done with them; no latency enters.
Times are integer nanoseconds on the trial's clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.models.own_schedule import Prediction, Schedule
from contract.records import Ints

_NEVER_BUSY_NS = np.iinfo(np.int64).min
_PUBLICATION, _HOLD_END, _REQUEST = range(3)
"""In the order in which the server takes up what comes at the same time."""


@dataclass(frozen=True)
class ServiceTimes:
    """How long server and load are busy with one thing."""

    answer_ns: int
    """Of the server, with one answer, or with one delivery on an open channel."""
    waking_ns: int = 0
    """The part of `answer_ns` that falls due when a held request is answered; the rest falls due when it comes."""
    read_ns: int = 0
    """Of the load, with one answer and the request that follows it."""


def predict_queued(model: str, schedule: Schedule, times: ServiceTimes, seed: int) -> Prediction:
    """Evaluate one kind of model (`TransportStyle.model`) with queues; KeyError if unknown.

    The seed draws the order in which held requests are answered, as the server draws one for each event.
    """
    return _MODELS[model](schedule, times, seed)


def queue_starts_ns(at_ns: Ints, work_ns: int) -> Ints:
    """Return when a single server takes up each of the jobs that come at these times, of equal work, in their order."""
    earlier_ns = np.arange(len(at_ns), dtype=np.int64) * work_ns
    return np.asarray(np.maximum.accumulate(at_ns - earlier_ns) + earlier_ns)


def _push(schedule: Schedule, times: ServiceTimes, _: int) -> Prediction:
    """An event is sent to one client after the other; its copies form one job, which may have to wait for others'."""
    clients = len(schedule.phase_ns)
    start_ns = queue_starts_ns(schedule.due_ns, clients * times.answer_ns)
    # Which client comes first differs from event to event; for the distribution over all clients it does not matter.
    rank_ns = times.answer_ns * np.arange(1, clients + 1)
    latency_ns = (start_ns - schedule.due_ns)[None, :] + (schedule.one_way_ns + rank_ns)[:, None]
    return Prediction(latency_ns, np.zeros(clients, dtype=np.int64), np.broadcast_to(np.True_, latency_ns.shape))


class _PolledServer:
    """A server that is polled, its clients and their load, from one thing that happens to the next."""

    def __init__(self, schedule: Schedule, times: ServiceTimes, seed: int, *, holds: bool) -> None:
        """`holds`: whether a request that finds no event waits for one."""
        self._schedule, self._times, self._holds = schedule, times, holds
        clients, events = len(schedule.phase_ns), len(schedule.due_ns)
        self._to_server_ns = schedule.connect_ns + schedule.one_way_ns
        self._random = np.random.default_rng(seed)
        self._coming = [(due_ns, _PUBLICATION, seq, 0) for seq, due_ns in enumerate(schedule.due_ns.tolist(), 1)]
        self._free_ns = _NEVER_BUSY_NS
        self._load = _Load(schedule, times.read_ns)
        self._published = 0
        self._cursor = [0] * clients
        self._asked = [0] * clients
        self._held: dict[int, int] = {}
        """The number of the request that is held, by client."""
        self._requests = np.zeros(clients, dtype=np.int64)
        self._latency_ns = np.zeros((clients, events), dtype=np.int64)
        self._reached = np.zeros((clients, events), dtype=np.bool_)

    def run(self, first_sent_ns: Sequence[int], next_sent_ns: Callable[[int, int], int]) -> Prediction:
        """Run the whole stream; `next_sent_ns(client, time)` is when a client asks whose answer was read at that time.

        It is called once per answer.
        """
        heapq.heapify(self._coming)
        for client, sent_ns in enumerate(first_sent_ns):
            self._send(client, sent_ns)
        while self._coming:
            at_ns, kind, number, request = heapq.heappop(self._coming)
            start_ns = max(at_ns, self._free_ns)
            answered: Sequence[int] = ()
            if kind == _PUBLICATION:
                self._free_ns, self._published = start_ns, number
                answered = self._random.permutation(list(self._held)).tolist()
                self._held.clear()
            elif kind == _REQUEST and self._has_to_wait(number):
                self._free_ns = start_ns + self._times.answer_ns - self._times.waking_ns
                self._held[number] = request
                heapq.heappush(self._coming, (at_ns + self._schedule.hold_ns, _HOLD_END, number, request))
            elif kind == _REQUEST:
                # One that need not be held costs all of it at once.
                self._free_ns = start_ns + self._times.answer_ns - self._times.waking_ns
                answered = (number,)
            elif self._held.get(number) == request:
                self._free_ns = start_ns
                del self._held[number]
                answered = (number,)
            for client in answered:
                self._free_ns += self._times.waking_ns
                read_ns = self._answer(client, self._free_ns)
                self._send(client, next_sent_ns(client, read_ns))
        return Prediction(self._latency_ns, self._requests, self._reached)

    def _send(self, client: int, sent_ns: int) -> None:
        start_ns, end_ns = self._schedule.window_ns
        if sent_ns >= end_ns and self._cursor[client] == len(self._schedule.due_ns):
            return
        self._requests[client] += start_ns <= sent_ns < end_ns
        self._asked[client] += 1
        heapq.heappush(self._coming, (sent_ns + self._to_server_ns, _REQUEST, client, self._asked[client]))

    def _has_to_wait(self, client: int) -> bool:
        if self._holds and not self._schedule.keeps_cursor:
            # What was published before its request is missed.
            self._cursor[client] = self._published
        return self._holds and self._cursor[client] == self._published

    def _answer(self, client: int, left_ns: int) -> int:
        """Deliver what the client has not got, in an answer that leaves at this time; return when it has been read."""
        arrival_ns = left_ns + self._schedule.one_way_ns
        first = self._cursor[client] if self._schedule.keeps_cursor else max(self._cursor[client], self._published - 1)
        if first < self._published:
            told = slice(first, self._published)
            self._latency_ns[client, told] = arrival_ns - self._schedule.due_ns[told]
            self._reached[client, told] = True
            self._cursor[client] = self._published
        return self._load.read(client, arrival_ns)


class _Load:
    """The load's processes, each of which reads one answer after the other."""

    def __init__(self, schedule: Schedule, read_ns: int) -> None:
        self._read_ns = read_ns
        alone = np.zeros(len(schedule.phase_ns), dtype=np.int64)
        self._process: list[int] = (alone if schedule.load_process is None else schedule.load_process).tolist()
        self._free_ns: dict[int, int] = dict.fromkeys(self._process, _NEVER_BUSY_NS)

    def read(self, client: int, arrival_ns: int) -> int:
        """Read an answer; return when that is done. Answers have to be given in the order in which they arrive."""
        process = self._process[client]
        self._free_ns[process] = max(self._free_ns[process], arrival_ns) + self._read_ns
        return self._free_ns[process]


def _long_poll(schedule: Schedule, times: ServiceTimes, seed: int) -> Prediction:
    delays_ns: list[list[int]] = []
    answers = [0] * len(schedule.phase_ns)

    def next_sent_ns(client: int, read_ns: int) -> int:
        answer = answers[client]
        answers[client] += 1
        if answer == len(delays_ns):
            delays_ns.append(schedule.turnaround_delays_ns(answer).tolist())
        return read_ns + delays_ns[answer][client]

    return _PolledServer(schedule, times, seed, holds=True).run(schedule.first_ask_ns.tolist(), next_sent_ns)


def _short_poll(schedule: Schedule, times: ServiceTimes, seed: int) -> Prediction:
    first_ns: list[int] = (schedule.t0_ns + schedule.phase_ns).tolist()
    planned_ns = list(first_ns)
    interval_ns = schedule.interval_ns

    def next_sent_ns(client: int, read_ns: int) -> int:
        if schedule.pauses:
            return read_ns + interval_ns
        # A client that is behind its schedule leaves out the polls that it is too late for, but for the last of them.
        late_ns = max(0, read_ns - planned_ns[client] - interval_ns)
        planned_ns[client] += interval_ns * (1 + late_ns // interval_ns)
        return max(planned_ns[client], read_ns)

    return _PolledServer(schedule, times, seed, holds=False).run(first_ns, next_sent_ns)


def _round_trip(schedule: Schedule, times: ServiceTimes, _: int) -> Prediction:
    return _two_way(schedule, times, schedule.one_way_ns)


def _round_trip_new_connection(schedule: Schedule, times: ServiceTimes, _: int) -> Prediction:
    return _two_way(schedule, times, 3 * schedule.one_way_ns)


def _two_way(schedule: Schedule, times: ServiceTimes, to_server_ns: int) -> Prediction:
    """Messages of all clients queue at the server; with one at a time a client's next one waits for its answer."""
    due_ns = schedule.due_ns[None, :] + schedule.phase_ns[:, None]
    if not schedule.one_at_a_time:
        return _open_channel(due_ns, to_server_ns, schedule.one_way_ns, times.answer_ns)
    start_ns, end_ns = schedule.window_ns
    requests = np.zeros(len(due_ns), dtype=np.int64)
    latency_ns = np.zeros(due_ns.shape, dtype=np.int64)
    load = _Load(schedule, times.read_ns)
    planned_ns = due_ns.tolist()
    coming = [(own_ns[0], client, 0) for client, own_ns in enumerate(planned_ns) if own_ns]
    heapq.heapify(coming)
    free_ns = _NEVER_BUSY_NS
    while coming:
        # All messages take equally long to the server, so they come in the order in which they are sent.
        sent_ns, client, place = heapq.heappop(coming)
        requests[client] += start_ns <= sent_ns < end_ns
        free_ns = max(free_ns, sent_ns + to_server_ns) + times.answer_ns
        arrival_ns = free_ns + schedule.one_way_ns
        latency_ns[client, place] = arrival_ns - planned_ns[client][place]
        read_ns = load.read(client, arrival_ns)
        if place + 1 < len(planned_ns[client]):
            heapq.heappush(coming, (max(read_ns, planned_ns[client][place + 1]), client, place + 1))
    return Prediction(latency_ns, requests, np.broadcast_to(np.True_, latency_ns.shape))


def _open_channel(due_ns: Ints, to_server_ns: int, to_client_ns: int, answer_ns: int) -> Prediction:
    order = np.argsort(due_ns, axis=None, kind="stable")
    left_ns = np.empty(due_ns.size, dtype=np.int64)
    left_ns[order] = queue_starts_ns(due_ns.ravel()[order] + to_server_ns, answer_ns) + answer_ns
    latency_ns = left_ns.reshape(due_ns.shape) + to_client_ns - due_ns
    return Prediction(latency_ns, np.zeros(len(due_ns), dtype=np.int64), np.broadcast_to(np.True_, latency_ns.shape))


HOLDING = frozenset({"long_poll"})
"""The kinds whose server holds requests, so that what a request costs it falls due in two parts."""

_MODELS: dict[str, Callable[[Schedule, ServiceTimes, int], Prediction]] = {
    "push": _push,
    "short_poll": _short_poll,
    "long_poll": _long_poll,
    "round_trip": _round_trip,
    "round_trip_new_connection": _round_trip_new_connection,
}
