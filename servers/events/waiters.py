"""Who waits for the next event: woken in an order that is shuffled anew for each, a few per turn of the event loop."""

from __future__ import annotations

import asyncio
import random
from collections import deque

_WOKEN_PER_TURN = 16
"""What a turn of the loop writes reaches the kernel at its end (uvloop), so a turn that wakes everyone keeps the first
client waiting for the last one's work. Much smaller ones would pay for the turns themselves, some µs each.

Who asks again as soon as it is answered does not count: between two turns the loop reads what has arrived, so the next
requests of the first would be served before the last were told.
"""


class Waiter:
    """One who waits; `index` is its place among the waiters, -1 once woken or gone."""

    __slots__ = ("asks_again", "index")

    def __init__(self, *, asks_again: bool = False) -> None:
        """`asks_again`: a poll, whose client sends the next one as soon as it is answered."""
        self.asks_again = asks_again
        self.index = -1

    def wake(self) -> None:
        """There is something new. Called once for each time that it was added; it may have gone meanwhile."""
        raise NotImplementedError


class Waiters:
    """All who wait for the next event of one log."""

    def __init__(self, rng: random.Random | None = None) -> None:
        self._random = (rng or random.Random()).random
        self._waiting: list[Waiter] = []
        self._to_wake: deque[Waiter] = deque()
        """Their event is there, their turn is not."""

    def __len__(self) -> int:
        return len(self._waiting) + len(self._to_wake)

    @property
    def waking(self) -> bool:
        """Whether some are still to be woken for what was published last."""
        return bool(self._to_wake)

    def add(self, waiter: Waiter) -> None:
        """Put the waiter at a random place.

        The rank in the fan-out decides who is late, so the order is a fresh shuffle for every event. It is shuffled
        as waiters arrive ("inside-out", Knuth, TAOCP vol. 2, 3.4.2), because a shuffle at the time of publishing
        would make everyone wait for it.
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
        """Take a waiter out that was not woken by an event; the last one fills its place, which keeps it random."""
        if waiter.index < 0:
            return
        last = self._waiting.pop()
        if last is not waiter:
            self._waiting[waiter.index] = last
            last.index = waiter.index
        waiter.index = -1

    def wake_all(self, *, at_once: bool = False) -> None:
        """Wake everyone who waits now: the first few at once, or all of them."""
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
