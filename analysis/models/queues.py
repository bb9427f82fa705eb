"""The queues of server and load, which models with queues add to the delay of the network.

The server is a queue with a single server (Lindley
1952, The theory of queues with a single server), first come, first served: an answer keeps it busy for its service time
and leaves at the end of that, and an event that is due while it is busy is published afterwards. The load is
another such queue: it reads one answer after the other, and a client's next request leaves when its answer has been
read. Service times are CPU times divided by the number of answers; latencies are not used. Times are integer
nanoseconds on the trial's clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.models.schedule import Prediction, Schedule
from contract.parameters import required
from contract.records import Ints

NEVER_BUSY_NS = np.iinfo(np.int64).min
_PUBLICATION, _HOLD_END, _REQUEST = range(3)
"""The order in which the server handles what arrives at the same time."""


@dataclass(frozen=True)
class ServiceTimes:
    """The time for which server and load are busy with one answer."""

    answer_ns: int
    """The server's time for one answer, or for one delivery on an open channel."""
    waking_ns: int = 0
    """The part of `answer_ns` that is spent when a held request is answered; the rest is spent when it arrives."""
    read_ns: int = 0
    """The load's time for one answer and the request that follows it."""


def queue_starts_ns(at_ns: Ints, work_ns: int) -> Ints:
    """Return when a single server starts each of several equal jobs that arrive at `at_ns`, which ascends."""
    earlier_ns = np.arange(len(at_ns), dtype=np.int64) * work_ns
    return np.asarray(np.maximum.accumulate(at_ns - earlier_ns) + earlier_ns)


class PolledServer:
    """A polled server with its clients and their load, simulated event by event."""

    def __init__(self, schedule: Schedule, times: ServiceTimes, seed: int, *, holds: bool) -> None:
        """Create a server; `holds` says whether a request that finds no event waits for one."""
        self._schedule, self._times, self._holds = schedule, times, holds
        clients, events = len(schedule.phase_ns), len(schedule.due_ns)
        self._to_server_ns = schedule.connect_ns + schedule.one_way_ns
        self._random = np.random.default_rng(seed)
        self._arrivals = [(due_ns, _PUBLICATION, seq, 0) for seq, due_ns in enumerate(schedule.due_ns.tolist(), 1)]
        self._free_ns = NEVER_BUSY_NS
        self._load = LoadQueues(schedule, times.read_ns)
        self._published = 0
        self._cursor = [0] * clients
        self._sent = [0] * clients
        self._held: dict[int, int] = {}
        """The held requests: by client, the number of its request."""
        self._requests = np.zeros(clients, dtype=np.int64)
        self._latency_ns = np.zeros((clients, events), dtype=np.int64)
        self._reached = np.zeros((clients, events), dtype=np.bool_)

    def run(self, first_sent_ns: Sequence[int], next_sent_ns: Callable[[int, int], int]) -> Prediction:
        """Run the whole stream, and return the prediction.

        `next_sent_ns(client, time)` returns when a client that has read an answer at `time` sends its next request; it
        is called once per answer.
        """
        heapq.heapify(self._arrivals)
        for client, sent_ns in enumerate(first_sent_ns):
            self._send(client, sent_ns)
        while self._arrivals:
            at_ns, kind, number, request = heapq.heappop(self._arrivals)
            start_ns = max(at_ns, self._free_ns)
            answered: Sequence[int] = ()
            if kind == _PUBLICATION:
                self._free_ns, self._published = start_ns, number
                answered = self._random.permutation(list(self._held)).tolist()
                self._held.clear()
            elif kind == _REQUEST and self._has_to_wait(number):
                self._free_ns = start_ns + self._times.answer_ns - self._times.waking_ns
                self._held[number] = request
                heapq.heappush(self._arrivals, (at_ns + required(self._schedule.hold_ns), _HOLD_END, number, request))
            elif kind == _REQUEST:
                # A request that need not be held costs both parts at once.
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
        self._sent[client] += 1
        heapq.heappush(self._arrivals, (sent_ns + self._to_server_ns, _REQUEST, client, self._sent[client]))

    def _has_to_wait(self, client: int) -> bool:
        if self._holds and not self._schedule.keeps_cursor:
            # Without a cursor, it misses the events published before its request.
            self._cursor[client] = self._published
        return self._holds and self._cursor[client] == self._published

    def _answer(self, client: int, left_ns: int) -> int:
        """Deliver the client's missing events in an answer that leaves at `left_ns`; return when it has been read."""
        arrival_ns = left_ns + self._schedule.one_way_ns
        first = self._cursor[client] if self._schedule.keeps_cursor else max(self._cursor[client], self._published - 1)
        if first < self._published:
            sent = slice(first, self._published)
            self._latency_ns[client, sent] = arrival_ns - self._schedule.due_ns[sent]
            self._reached[client, sent] = True
            self._cursor[client] = self._published
        return self._load.read(client, arrival_ns)


class LoadQueues:
    """The load's processes, each of which reads one answer after the other."""

    def __init__(self, schedule: Schedule, read_ns: int) -> None:
        self._read_ns = read_ns
        alone = np.zeros(len(schedule.phase_ns), dtype=np.int64)
        self._process: list[int] = (alone if schedule.load_process is None else schedule.load_process).tolist()
        self._free_ns: dict[int, int] = dict.fromkeys(self._process, NEVER_BUSY_NS)

    def read(self, client: int, arrival_ns: int) -> int:
        """Return when an answer has been read. Call this in the order in which answers arrive."""
        process = self._process[client]
        self._free_ns[process] = max(self._free_ns[process], arrival_ns) + self._read_ns
        return self._free_ns[process]
