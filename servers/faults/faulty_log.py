"""An event log that applies faults to the events that it returns, for all transports.

It replaces the `EventLog`. The adapters read it as usual and know nothing of the faults; without `--fault` it is not
used.
"""

from __future__ import annotations

import asyncio
import math
import time
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from contract import wire
from contract.faults import Fault
from servers.events.log import EncodedEvent, EventLog, Follower
from servers.faults.client_numbers import Visit, current_visit
from servers.faults.misbehaviour import Memory, SentEvent, due_wakes_ns, events_to_send
from system.asyncio_timer import PreciseCalls

GARBLED_TEXT = "no event"
"""Sent in place of a garbled event; it is not JSON."""
_NOTHING = Memory()

Reply = tuple[EncodedEvent, bool]
"""An event as it is sent, and whether the connection closes after it."""


class FaultyLog(EventLog):
    """Returns to each client the events that `servers.faults.misbehaviour` determines."""

    def __init__(self, faults: Sequence[Fault], history: int) -> None:
        super().__init__(history)
        self._faults = tuple(faults)
        self._due_ns = array("q")
        """Due times, from which delays and stalls count. If a delay of 40 ms were counted from the publication of a
        late event, the event would be late by the lateness of the publication and of the release as well, and by more
        than 40 ms."""
        self._singled_out = frozenset(fault.client for fault in faults)
        self._memories: dict[int, Memory] = {}
        self._answers: dict[tuple[int, Memory, int], tuple[list[Reply], Memory]] = {}
        self._latest: dict[int, EncodedEvent] = {}
        """The event last sent to each client that keeps no cursor: the cursor that its faults need."""
        self._wakes: PreciseCalls | None = None
        self._clock_ns: float = -math.inf
        """The time of the latest publication or wake. An event that is released while the server is busy with a request
        is sent from the next request on, just as an event that falls due meanwhile is published only then; by the
        current time, it would be part of the answer to the present request, and reach a poll sooner than it should."""

    def append(self, due_ns: int, published_ns: int, payload: str) -> EncodedEvent:
        self._due_ns.append(due_ns)
        self._clock_ns = max(self._clock_ns, published_ns)
        self._answers.clear()
        event = self._keep(due_ns, published_ns, payload)
        # Waking all clients for an event that cannot be sent yet would delay the events that are due just then.
        if not any(
            fault.kind == "delay" and fault.client is None and fault.covers(event.seq) for fault in self._faults
        ):
            self._wake_all()
        for wake_ns in due_wakes_ns(self._faults, event.seq, due_ns):
            if self._wakes is None:
                self._wakes = PreciseCalls(asyncio.get_running_loop(), self._release)
            self._wakes.add(wake_ns)
        return event

    def read_after(self, cursor: int) -> list[EncodedEvent]:
        visit = current_visit.get()
        answer = self.events_for(visit.client, cursor)
        visit.closes = bool(answer) and answer[-1][1]
        return [event for event, _ in answer]

    def read_latest(self) -> list[EncodedEvent]:
        client = current_visit.get().client
        # Step by step, like a client with a cursor that reads each event, so that each fault affects the same event.
        while events := self.read_after(max(self._cursor_of(client), self.oldest_seq - 1)):
            self._latest[client] = events[-1]
            if current_visit.get().closes:
                return events[-1:]
        return [self._latest[client]] if client in self._latest else []

    def _cursor_of(self, client: int) -> int:
        return self._latest[client].seq if client in self._latest else 0

    def follow(self, cursor: int) -> Follower:
        self._check(cursor)
        return FaultyFollower(self, cursor, current_visit.get())

    def reset(self) -> None:
        super().reset()
        del self._due_ns[:]
        self._memories.clear()
        self._answers.clear()
        self._latest.clear()
        self._clock_ns = -math.inf
        self._drop_delayed()

    def close(self) -> None:
        self._drop_delayed()
        self._answers.clear()
        super().close()

    def events_for(self, client: int, cursor: int) -> list[Reply]:
        """Return the events to send to this client now, in order; raise CursorTooOldError."""
        self._check(cursor)
        # Clients that no fault names differ only in cursor and memory, and receive something new only when all are
        # woken: computing the answer for each of them would delay the last ones by more than the faults ask for.
        kind = client if client in self._singled_out else 0
        memory = self._memories.get(client, _NOTHING)
        key = (kind, memory, cursor)
        if key not in self._answers:
            faults = [fault for fault in self._faults if fault.concerns(kind)]
            events, after = events_to_send(faults, memory, cursor, self.oldest_seq, self._due_ns, self._clock_ns)
            self._answers[key] = [(self._encoded(event), event.closes) for event in events], after
        answer, self._memories[client] = self._answers[key]
        return answer

    def _release(self) -> None:
        self._clock_ns = time.monotonic_ns()
        self._wake_all()

    def _wake_all(self) -> None:
        self._answers.clear()
        super()._wake_all()

    def _encoded(self, sent: SentEvent) -> EncodedEvent:
        """Return an event as it is sent; its seq is the client's next cursor, as in polls and SSE ids."""
        event = self._ring[(sent.seq - 1) % self.history]
        if sent.condition == "intact" and sent.cursor == sent.seq:
            return event
        if sent.condition == "garbled":
            return EncodedEvent(sent.cursor, GARBLED_TEXT)
        return EncodedEvent(sent.cursor, _corrupted(event.text) if sent.condition == "corrupt" else event.text)

    def closes_for(self, client: int) -> bool:
        """Return whether any fault may close this client's connection."""
        return any(fault.kind == "close" and fault.concerns(client) for fault in self._faults)

    def _drop_delayed(self) -> None:
        if self._wakes is not None:
            self._wakes.close()
            self._wakes = None


class FaultyFollower(Follower):
    """A push client's position in a faulty log. It holds the events that it has read and not yet returned."""

    __slots__ = ("_client", "_ended", "_faulty_log", "_read")

    def __init__(self, log: FaultyLog, cursor: int, visit: Visit) -> None:
        super().__init__(log, cursor)
        self._faulty_log = log
        self._client = visit.client
        # A stream's headers, which announce that its connection ends with it, are sent before its first event.
        visit.closes = log.closes_for(visit.client)
        self._read: deque[Reply] = deque()
        self._ended = False

    async def next(self) -> EncodedEvent | None:
        log = self._faulty_log
        while not log.closed and not self._ended:
            if self._generation != log.generation:
                self._generation, self.cursor = log.generation, 0
                self._read.clear()
            if not self._read:
                self._read.extend(log.events_for(self._client, self.cursor))
                if not self._read:
                    await log.wait_for_append()
                    continue
            event, self._ended = self._read.popleft()
            self.cursor = event.seq
            return event
        return None


def _corrupted(text: str) -> str:
    """Return the same event with another payload of about the same length."""
    event = wire.decode_event(text)
    first = "#" if event.payload[:1] != "#" else "!"
    return wire.encode_event(replace(event, payload=first + event.payload[1:]))
