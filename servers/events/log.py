"""The event log: numbered events, each encoded once, with a bounded history that every transport reads by cursor.

A cursor is the seq of the last event a client has; 0 is before the first. Short poll calls `read_after`, long poll
`wait_after`, and SSE and WebSocket loop on a `Follower`. Polls that keep no cursor, and so lose events, call
`read_latest` and `wait_next`. A new stream empties the log and numbers from 1 again: a poll keeps its cursor and goes
on waiting, a follower starts from the beginning of the new stream.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from starlette.requests import ClientDisconnect

from contract import wire
from servers.events.asgi_extensions import OnDisconnect
from servers.events.waiters import Waiter, Waiters

_EVENTS_BETWEEN_YIELDS = 64
"""Number of events in a row after which a client with a backlog lets the others run."""


class CursorTooOldError(Exception):
    """The event after the cursor has left the history; the client must get an error, never a silent gap."""

    def __init__(self, cursor: int, oldest_seq: int) -> None:
        super().__init__(f"cursor {cursor} is too old: the history begins at event {oldest_seq}")


class EncodedEvent:
    """One published event in the encodings of all transports, each made at most once."""

    __slots__ = ("_framed", "_sse", "seq", "text")

    def __init__(self, seq: int, text: str) -> None:
        self.seq = seq
        self.text = text
        """The JSON text of `wire.encode_event`."""
        self._sse: bytes | None = None
        self._framed: dict[Framing, bytes] = {}

    @property
    def sse(self) -> bytes:
        """The event as a server-sent event."""
        if self._sse is None:
            self._sse = wire.encode_sse_event(self.seq, self.text)
        return self._sse

    def framed(self, framing: Framing) -> bytes:
        """Return the event in the framing of a connection."""
        frame = self._framed.get(framing)
        if frame is None:
            frame = self._framed[framing] = framing(self)
        return frame


Framing = Callable[[EncodedEvent], bytes]
"""Returns the exact bytes of an event on a connection."""


class _Sleeper(Waiter):
    """One task that waits for the next event."""

    __slots__ = ("future",)

    def __init__(self, future: asyncio.Future[None], *, asks_again: bool) -> None:
        super().__init__(asks_again=asks_again)
        self.future = future

    def wake(self) -> None:
        if not self.future.done():
            self.future.set_result(None)

    def disconnect(self) -> None:
        """Make the task's wait raise `ClientDisconnect`."""
        if not self.future.done():
            self.future.set_exception(ClientDisconnect())


class EventLog:
    """Events 1, 2, 3, … of one stream, of which the last `history` can be read.

    It belongs to one event loop and is not thread-safe.
    """

    def __init__(self, history: int = wire.DEFAULT_HISTORY_EVENTS, rng: random.Random | None = None) -> None:
        if history < 1:
            raise ValueError(f"history must hold at least 1 event, not {history}")
        self.history = history
        self.generation = 0
        """The number of the stream: it changes when the log is emptied for a new one."""
        self.last_seq = 0
        self.closed = False
        self.waiters = Waiters(rng)
        self._ring: list[EncodedEvent] = []

    @property
    def oldest_seq(self) -> int:
        """The first event that can still be read; 1 in an empty log."""
        return self.last_seq - len(self._ring) + 1

    @property
    def waiting(self) -> int:
        """The number of clients that wait for the next event."""
        return len(self.waiters)

    def append(self, due_ns: int, published_ns: int, payload: str) -> EncodedEvent:
        """Number, encode and keep an event, and wake all waiters."""
        event = self._keep(due_ns, published_ns, payload)
        self._wake_all()
        return event

    def _keep(self, due_ns: int, published_ns: int, payload: str) -> EncodedEvent:
        seq = self.last_seq + 1
        event = EncodedEvent(seq, wire.encode_event(wire.Event(seq, due_ns, published_ns, payload)))
        if len(self._ring) < self.history:
            self._ring.append(event)
        else:
            self._ring[(seq - 1) % self.history] = event
        self.last_seq = seq
        return event

    def get_after(self, cursor: int) -> EncodedEvent | None:
        """Return the event after the cursor, or None if it is not published yet; raise CursorTooOldError."""
        self._check(cursor)
        return self._ring[cursor % self.history] if cursor < self.last_seq else None

    def read_after(self, cursor: int) -> list[EncodedEvent]:
        """Return all events after the cursor in order; raise CursorTooOldError."""
        self._check(cursor)
        return [self._ring[seq % self.history] for seq in range(cursor, self.last_seq)]

    async def wait_after(
        self, cursor: int, hold_s: float | None = None, on_disconnect: OnDisconnect | None = None
    ) -> list[EncodedEvent]:
        """Wait for events after the cursor and return them; none if the hold ends or the log closes first.

        Raise CursorTooOldError as `read_after` does, and ClientDisconnect if the connection of `on_disconnect` ends
        first.
        """
        return await self._wait(lambda: self.read_after(cursor), hold_s, on_disconnect)

    def read_latest(self) -> list[EncodedEvent]:
        """Return only the latest event, for a client that keeps no cursor; nothing if there is none yet."""
        return [self._ring[(self.last_seq - 1) % self.history]] if self.last_seq else []

    async def wait_next(
        self, hold_s: float | None = None, on_disconnect: OnDisconnect | None = None
    ) -> list[EncodedEvent]:
        """Wait for the next event and return only that, for a client that keeps no cursor; end as `wait_after` does."""
        generation, cursor = self.generation, self.last_seq

        def published_since() -> list[EncodedEvent]:
            start = cursor if generation == self.generation else 0
            return self.read_after(max(start, self.oldest_seq - 1))[:1]

        return await self._wait(published_since, hold_s, on_disconnect)

    async def _wait(
        self, read: Callable[[], list[EncodedEvent]], hold_s: float | None, on_disconnect: OnDisconnect | None
    ) -> list[EncodedEvent]:
        loop = asyncio.get_running_loop()
        deadline = None if hold_s is None else loop.time() + hold_s
        while not (events := read()) and not self.closed:
            if deadline is not None and loop.time() >= deadline:
                break
            await self.wait_for_append(deadline, on_disconnect, asks_again=True)
        return events

    async def wait_for_append(
        self, deadline: float | None = None, on_disconnect: OnDisconnect | None = None, *, asks_again: bool = False
    ) -> None:
        """Wait for the next append, for the log to close or for the deadline in the loop's time.

        `asks_again` is that of a `Waiter`. Raise ClientDisconnect as `wait_after` does.
        """
        loop = asyncio.get_running_loop()
        sleeper = _Sleeper(loop.create_future(), asks_again=asks_again)
        self.waiters.add(sleeper)
        timer = None if deadline is None else loop.call_at(deadline, sleeper.wake)
        if on_disconnect is not None:
            on_disconnect(sleeper.disconnect)
        try:
            await sleeper.future
        finally:
            self.waiters.remove(sleeper)
            if on_disconnect is not None:
                on_disconnect(None)
            if timer is not None:
                timer.cancel()

    async def until_woken(self) -> None:
        """Wait until all waiters of the last event have been woken and have run."""
        await asyncio.sleep(0)
        while self.waiters.waking:
            await asyncio.sleep(0)

    def follow(self, cursor: int) -> Follower:
        """Return a follower that starts after the cursor; raise CursorTooOldError."""
        self._check(cursor)
        return Follower(self, cursor)

    def reset(self) -> None:
        """Empty the log for a new stream. No waiter is woken, since there is nothing to read yet."""
        self.generation += 1
        self.last_seq = 0
        self._ring.clear()

    def close(self) -> None:
        """Wake all waiters, which return the events that there are; from now on, no wait blocks."""
        self.closed = True
        self.waiters.wake_all(at_once=True)

    def _check(self, cursor: int) -> None:
        if cursor + 1 < self.oldest_seq:
            raise CursorTooOldError(cursor, self.oldest_seq)

    def _wake_all(self) -> None:
        self.waiters.wake_all()


class Follower:
    """A push client's position in the log. It holds one cursor and no queue, so a slow client costs no memory."""

    __slots__ = ("_generation", "_log", "_streak", "cursor")

    def __init__(self, log: EventLog, cursor: int) -> None:
        self._log = log
        self._generation = log.generation
        self._streak = 0
        self.cursor = cursor
        """The last event returned."""

    @property
    def too_old(self) -> bool:
        """Whether the event it needs next has left the history."""
        cursor = self.cursor if self._generation == self._log.generation else 0
        return cursor + 1 < self._log.oldest_seq

    @property
    def behind(self) -> bool:
        """Whether there is an event to return; raises CursorTooOldError."""
        return self.peek() is not None

    def peek(self) -> EncodedEvent | None:
        """Return the next event (in a new stream from seq 1 again), or None; raise CursorTooOldError."""
        if self._generation != self._log.generation:
            self._generation, self.cursor = self._log.generation, 0
        return self._log.get_after(self.cursor)

    async def next(self) -> EncodedEvent | None:
        """Wait for the next event and return it; None when the log is closed; raise CursorTooOldError."""
        log = self._log
        while not log.closed:
            event = self.peek()
            if event is None:
                self._streak = 0
                await log.wait_for_append()
            elif self._streak == _EVENTS_BETWEEN_YIELDS:
                self._streak = 0
                await asyncio.sleep(0)
            else:
                self._streak += 1
                self.cursor = event.seq
                return event
        return None
