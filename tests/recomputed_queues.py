"""The model with queues of docs/method/method.md, computed once more: server and load each do one thing at a time.

As in `tests.recomputed` there is nothing of analysis/: what is to come is a list that is searched for what comes first.
NumPy draws the order in which held polls are answered, from the trial's seed (docs/using/formats.md).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from tests.recomputed import LOAD, SERVER, RawTrial

PUBLICATION, END_OF_HOLD, REQUEST = range(3)
"""In this order where they come at the same time."""
NEVER_NS = -(2**62)
HOP_NS = 100_000
SPIN_NS, LEAST_IDLE_NS = 1_500_000, 150_000_000


Coming = TypeVar("Coming", bound="tuple[int, ...]")


@dataclass
class QueuedTrial:
    """A trial's service times, and what the model makes of its schedule with them."""

    trial: RawTrial
    latencies_ns: dict[tuple[int, int], int] = field(default_factory=dict)
    """By client and index of event."""
    requests: int = 0
    """Sent in the window."""

    def __post_init__(self) -> None:
        _, polls = self.trial.polls_answered_in_window
        answers = polls or self.trial.read_in_window
        window_ns = self.trial.window_ns[1] - self.trial.window_ns[0]
        answer_ns = max(0.0, self.trial.cpu_ns(SERVER) - idle_share(self.trial) * window_ns) / answers
        self.one_way_ns = self.trial.one_way_ns + HOP_NS * (1 if self.trial.info["relay"] is None else 2)
        self.answer_ns = round(answer_ns)
        self.waking_ns = round((self.trial.info["waking_ratio"] or 0.0) * answer_ns)
        self.read_ns = round(self.trial.cpu_ns(LOAD) / answers)
        self._server_free_ns = self._load_free_ns = NEVER_NS
        if self.trial.model == "push":
            self._push()
        elif self.trial.round_trip:
            self._round_trips()
        else:
            self._polls()

    @property
    def latencies_in_window_ns(self) -> list[int]:
        return [self.latencies_ns[pair] for pair in self.trial.due]

    def _push(self) -> None:
        """Every client's copy leaves one after the other, client 0 first."""
        for event, published in enumerate(self.trial.published):
            self._server_free_ns = max(self._server_free_ns, published["due_ns"])
            for client in range(len(self.trial.clients)):
                self._server_free_ns += self.answer_ns
                arrival_ns = self._server_free_ns + self.one_way_ns
                self.latencies_ns[client, event] = arrival_ns - published["due_ns"]

    def _round_trips(self) -> None:
        transits = 3 if self.trial.model == "round_trip_new_connection" else 1
        waits = self.trial.style["role"] == "polling"
        clients, events = range(len(self.trial.clients)), len(self.trial.published)
        coming = [(self.trial.due_ns(client, 0), client, 0) for client in clients]
        if not waits:
            coming = [
                (self.trial.due_ns(client, event), client, event) for client in clients for event in range(events)
            ]
        while coming:
            sent_ns, client, event = take_first(coming)
            self._server_free_ns = max(self._server_free_ns, sent_ns + transits * self.one_way_ns)
            self._server_free_ns += self.answer_ns
            arrival_ns = self._server_free_ns + self.one_way_ns
            self.latencies_ns[client, event] = arrival_ns - self.trial.due_ns(client, event)
            if waits:
                self.requests += self.trial.in_window(sent_ns)
                read_ns = self._read(arrival_ns)
                if event + 1 < events:
                    coming.append((max(read_ns, self.trial.due_ns(client, event + 1)), client, event + 1))

    def _read(self, arrival_ns: int) -> int:
        self._load_free_ns = max(self._load_free_ns, arrival_ns) + self.read_ns
        return self._load_free_ns

    def _polls(self) -> None:
        first_sent_ns, next_sent_ns = self._short_polls() if self.trial.model == "short_poll" else self._long_polls()
        holds = self.trial.model == "long_poll"
        draws = np.random.default_rng(1000 * self.trial.info["seed"] + self.trial.info["point"])
        coming = [(row["due_ns"], PUBLICATION, i + 1, 0) for i, row in enumerate(self.trial.published)]
        published, cursors = 0, [0] * len(self.trial.clients)
        asked, held = [0] * len(self.trial.clients), dict[int, int]()

        def send(client: int, sent_ns: int) -> None:
            if sent_ns < self.trial.window_ns[1] or cursors[client] < len(self.trial.published):
                self.requests += self.trial.in_window(sent_ns)
                asked[client] += 1
                coming.append((sent_ns + self.one_way_ns, REQUEST, client, asked[client]))

        for client, sent_ns in enumerate(first_sent_ns):
            send(client, sent_ns)
        while coming:
            at_ns, kind, number, request = take_first(coming)
            start_ns = max(at_ns, self._server_free_ns)
            answered: list[int] = []
            if kind == PUBLICATION:
                published, self._server_free_ns = number, start_ns
                answered = draws.permutation(list(held)).tolist()
                held = {}
            elif kind == END_OF_HOLD:
                if held.get(number) == request:
                    self._server_free_ns = start_ns
                    del held[number]
                    answered = [number]
            else:
                self._server_free_ns = start_ns + self.answer_ns - self.waking_ns
                if holds and cursors[number] == published:
                    held[number] = request
                    hold_ns = round(self.trial.parameters["hold_s"] * 1e9)
                    coming.append((at_ns + hold_ns, END_OF_HOLD, number, request))
                else:
                    answered = [number]
            for client in answered:
                self._server_free_ns += self.waking_ns
                arrival_ns = self._server_free_ns + self.one_way_ns
                for event in range(cursors[client], published):
                    self.latencies_ns[client, event] = arrival_ns - self.trial.published[event]["due_ns"]
                cursors[client] = published
                send(client, next_sent_ns(client, self._read(arrival_ns)))

    def _long_polls(self) -> tuple[list[int], Callable[[int, int], int]]:
        first_ns = [self.trial.first_poll_ns(client) for client in range(len(self.trial.clients))]
        return first_ns, lambda _, read_ns: read_ns

    def _short_polls(self) -> tuple[list[int], Callable[[int, int], int]]:
        """By the schedule; polls whose successor is due already are left out."""
        interval_ns = round(self.trial.parameters["poll_interval_s"] * 1e9)
        t0_ns: int = self.trial.info["t0_ns"]
        planned_ns = [t0_ns + row["phase_ns"] for row in self.trial.clients]

        def next_sent_ns(client: int, read_ns: int) -> int:
            planned_ns[client] += interval_ns
            while planned_ns[client] + interval_ns <= read_ns:
                planned_ns[client] += interval_ns
            return max(planned_ns[client], read_ns)

        return list(planned_ns), next_sent_ns


def idle_share(trial: RawTrial) -> float:
    """CPU time of the server over time, between those samples of the stream between which nothing happens."""
    first_ns, last_ns = trial.info["t0_ns"], trial.window_ns[1]
    samples = [row for row in trial.table("samples") if row["role"] == SERVER and first_ns <= row["at_ns"] <= last_ns]
    happens_ns = [time_ns for row in trial.published for time_ns in (row["due_ns"] - SPIN_NS, row["due_ns"])]
    happens_ns += [row["start_ns"] + trial.one_way_ns for row in trial.requests]
    happens_ns += [row["end_ns"] - trial.one_way_ns for row in trial.requests]
    happens_ns += [row["user_ns"] - trial.one_way_ns for row in trial.deliveries]
    cpu_ns = idle_ns = 0
    for before, after in itertools.pairwise(samples):
        if not any(before["at_ns"] < time_ns <= after["at_ns"] for time_ns in happens_ns):
            cpu_ns += after["cpu_ns"] - before["cpu_ns"]
            idle_ns += after["at_ns"] - before["at_ns"]
    return cpu_ns / idle_ns if idle_ns >= LEAST_IDLE_NS else 0.0


def take_first(coming: list[Coming]) -> Coming:
    """The smallest, which is no longer in the list then."""
    first = min(coming)
    coming.remove(first)
    return first
