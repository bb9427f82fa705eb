"""An event log that misleads its readers as it was asked to: the faults of all transports in one place.

It stands where an `EventLog` stands. The adapters read it as ever and know nothing of it; without `--fault` it is
not there at all.
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
from servers.faults.misbehaviour import Memory, Told, due_wakes_ns, tell
from servers.faults.precise_calls import PreciseCalls

GARBLED_TEXT = "no event"
"""Told in place of a garbled event: no JSON."""
_NOTHING = Memory()

Telling = tuple[EncodedEvent, bool]
"""What is told, and whether the connection closes after it."""


class FaultyLog(EventLog):
    """Tells each client what `servers.faults.misbehaviour` says that it is told."""

    def __init__(self, faults: Sequence[Fault], history: int) -> None:
        super().__init__(history)
        self._faults = tuple(faults)
        self._due_ns = array("q")
        """Delays and stalls count from here: whoever delays a late event by 40 ms from its publication on is late
        twice, by the lateness of the publication and by that of the release, and has not added 40 ms but more.
        """
        self._singled_out = frozenset(fault.client for fault in faults)
        self._memories: dict[int, Memory] = {}
        self._answers: dict[tuple[int, Memory, int], tuple[list[Telling], Memory]] = {}
        self._latest: dict[int, EncodedEvent] = {}
        """By client that keeps no cursor, what it was told last: its cursor, kept for it by its faults alone."""
        self._wakes: PreciseCalls | None = None
        self._clock_ns: float = -math.inf
        """Stands still between publications and wakes. What is released while the server is busy with a request is
        told from the next one on, as what falls due meanwhile is published only then; by the time of day, it would be
        told already in the answer to the request at hand, and reach a poller sooner than it was asked to.
        """

    def append(self, due_ns: int, published_ns: int, payload: str) -> EncodedEvent:
        self._due_ns.append(due_ns)
        self._clock_ns = max(self._clock_ns, published_ns)
        self._answers.clear()
        event = self._keep(due_ns, published_ns, payload)
        # To wake everyone for what nobody may be told yet would hold up what is due to be told just then.
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
        told = self.tell(visit.client, cursor)
        visit.closes = bool(told) and told[-1][1]
        return [event for event, _ in told]

    def read_latest(self) -> list[EncodedEvent]:
        client = current_visit.get().client
        # Told one after the other, as a client with a cursor would be, so that each fault happens where it would.
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

    def tell(self, client: int, cursor: int) -> list[Telling]:
        """What this client is told now, in the order of the bytes; CursorTooOldError."""
        self._check(cursor)
        # Clients that nobody singled out differ by cursor and memory alone, and are told something new only when
        # all are woken: working it out for each of them would delay the last ones more than they were asked to be.
        kind = client if client in self._singled_out else 0
        memory = self._memories.get(client, _NOTHING)
        key = (kind, memory, cursor)
        if key not in self._answers:
            faults = [fault for fault in self._faults if fault.concerns(kind)]
            told, after = tell(faults, memory, cursor, self.oldest_seq, self._due_ns, self._clock_ns)
            self._answers[key] = [(self._encoded(telling), telling.closes) for telling in told], after
        told_now, self._memories[client] = self._answers[key]
        return told_now

    def _release(self) -> None:
        self._clock_ns = time.monotonic_ns()
        self._wake_all()

    def _wake_all(self) -> None:
        self._answers.clear()
        super()._wake_all()

    def _encoded(self, telling: Told) -> EncodedEvent:
        """The bytes in which it is told. Their seq is the cursor after it, as polls and SSE ids have it."""
        event = self._ring[(telling.seq - 1) % self.history]
        if telling.condition == "intact" and telling.cursor == telling.seq:
            return event
        if telling.condition == "garbled":
            return EncodedEvent(telling.cursor, GARBLED_TEXT)
        return EncodedEvent(telling.cursor, _corrupted(event.text) if telling.condition == "corrupt" else event.text)

    def closes_for(self, client: int) -> bool:
        """Whether any fault may close this client's connection."""
        return any(fault.kind == "close" and fault.concerns(client) for fault in self._faults)

    def _drop_delayed(self) -> None:
        if self._wakes is not None:
            self._wakes.close()
            self._wakes = None


class FaultyFollower(Follower):
    """A push client's place in a faulty log. It holds what it has read and not yet handed out."""

    __slots__ = ("_client", "_ended", "_faulty_log", "_read")

    def __init__(self, log: FaultyLog, cursor: int, visit: Visit) -> None:
        super().__init__(log, cursor)
        self._faulty_log = log
        self._client = visit.client
        # A stream's headers, which say that its connection ends with it, leave before its first event.
        visit.closes = log.closes_for(visit.client)
        self._read: deque[Telling] = deque()
        self._ended = False

    async def next(self) -> EncodedEvent | None:
        log = self._faulty_log
        while not log.closed and not self._ended:
            if self._generation != log.generation:
                self._generation, self.cursor = log.generation, 0
                self._read.clear()
            if not self._read:
                self._read.extend(log.tell(self._client, self.cursor))
                if not self._read:
                    await log.wait_for_append()
                    continue
            event, self._ended = self._read.popleft()
            self.cursor = event.seq
            return event
        return None


def _corrupted(text: str) -> str:
    """The same event with another payload of about the same length."""
    event = wire.decode_event(text)
    first = "#" if event.payload[:1] != "#" else "!"
    return wire.encode_event(replace(event, payload=first + event.payload[1:]))
