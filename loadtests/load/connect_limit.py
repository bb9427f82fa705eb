"""A limit on clients that connect at the same time: thousands at once would overrun a listening socket and time out."""

from __future__ import annotations

from gevent.lock import Semaphore

CONNECTING_AT_ONCE = 256
"""Fewer than any system's backlog for a listening socket holds (Linux 4096 since 5.4), and few enough that each is
served long before it times out; many enough that the server never waits for the next one."""


class ConnectLimit:
    """Admits clients in the order in which they arrive, so that at most `at_once` of them are not ready yet."""

    def __init__(self, at_once: int = CONNECTING_AT_ONCE) -> None:
        self._at_once = at_once
        self._let_in = at_once
        self._room = Semaphore(at_once)

    def enter(self) -> None:
        """Wait for a place to connect."""
        self._room.acquire()

    def make_room(self, ready: int) -> None:
        """Admit as many more clients as have become ready; `ready` is their number so far."""
        for _ in range(ready + self._at_once - self._let_in):
            self._room.release()
        self._let_in = max(self._let_in, ready + self._at_once)
