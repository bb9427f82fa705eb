"""How many clients connect at a time: thousands at once would overrun a listening socket and give up waiting."""

from __future__ import annotations

from gevent.lock import Semaphore

CONNECTING_AT_ONCE = 256
"""Fewer than any system's backlog for a listening socket holds (Linux 4096 since 5.4), and few enough that each is
served long before its patience ends; many enough that the server never waits for the next one."""


class Admission:
    """Lets clients in, in the order they come, so that no more than `at_once` of them are not ready yet."""

    def __init__(self, at_once: int = CONNECTING_AT_ONCE) -> None:
        self._at_once = at_once
        self._let_in = at_once
        self._room = Semaphore(at_once)

    def enter(self) -> None:
        """Wait for room to connect."""
        self._room.acquire()

    def make_room(self, ready: int) -> None:
        """So many clients are ready: as many more may come in."""
        for _ in range(ready + self._at_once - self._let_in):
            self._room.release()
        self._let_in = max(self._let_in, ready + self._at_once)
