"""The clients that wait for an event: woken in an order shuffled for each event, a few per turn of the event loop."""

from __future__ import annotations

import asyncio
import random
from collections import deque

_WOKEN_PER_TURN = 16
"""uvloop writes the data of one turn of the loop to the kernel at the turn's end. A turn that woke all clients would
delay the first by the work for the last; with much smaller turns their cost, some µs each, would add up.

Polls do not count: the loop reads new requests between two turns, so that the next polls of the first clients would be
served before the last clients were answered."""


class Waiter:
    """A waiting client; `index` is its place among the waiters, -1 once it has been woken or removed."""

    __slots__ = ("asks_again", "index")

    def __init__(self, *, asks_again: bool = False) -> None:
        """Create a waiter; `asks_again` marks a poll, whose client sends the next one as soon as it is answered."""
        self.asks_again = asks_again
        self.index = -1

    def wake(self) -> None:
        """Handle a new event. This is called once for each `add`; the client may have disconnected meanwhile."""
        raise NotImplementedError


class Waiters:
    """All waiters for the next event of one log."""

    def __init__(self, rng: random.Random | None = None) -> None:
        self._random = (rng or random.Random()).random
        self._waiting: list[Waiter] = []
        self._to_wake: deque[Waiter] = deque()
        """Waiters whose event has been published and whose turn has not come."""

    def __len__(self) -> int:
        return len(self._waiting) + len(self._to_wake)

    @property
    def waking(self) -> bool:
        """Whether some waiters are still to be woken for the latest event."""
        return bool(self._to_wake)

    def add(self, waiter: Waiter) -> None:
        """Insert the waiter at a random place.

        The rank in the fan-out decides who is late, so the order is a fresh shuffle for every event. It is shuffled as
        waiters arrive ("inside-out", Knuth, TAOCP vol. 2, 3.4.2), because shuffling when an event is published would
        make everyone wait.
        """
        waiting = self._waiting
        last = len(waiting)
        place = int(self._random() * (last + 1))
        waiting.append(waiter)
        if place < last:
            moved = waiting[place]
            waiting[last] = moved
            moved.index = last
            waiting[place] = waiter
        waiter.index = place

    def remove(self, waiter: Waiter) -> None:
        """Remove a waiter that no event has woken; the last one takes its place, which keeps the order random."""
        if waiter.index < 0:
            return
        last = self._waiting.pop()
        if last is not waiter:
            self._waiting[waiter.index] = last
            last.index = waiter.index
        waiter.index = -1

    def wake_all(self, *, at_once: bool = False) -> None:
        """Wake all present waiters: the first few at once and the rest in later turns, or with `at_once` all."""
        for waiter in self._waiting:
            waiter.index = -1
        idle = not self._to_wake
        self._to_wake.extend(self._waiting)
        self._waiting = []
        if at_once:
            while self._to_wake:
                self._to_wake.popleft().wake()
        elif idle:
            self._wake_some()

    def _wake_some(self) -> None:
        to_wake, room = self._to_wake, _WOKEN_PER_TURN
        while to_wake and room:
            waiter = to_wake.popleft()
            waiter.wake()
            room -= not waiter.asks_again
        if to_wake:
            asyncio.get_running_loop().call_soon(self._wake_some)
