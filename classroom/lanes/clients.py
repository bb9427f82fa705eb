"""All pages and devices of the classroom: each has a number that the server handed out and nobody can guess."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from classroom.lanes.definitions import MAX_CLIENT, TRANSPORTS
from classroom.limits import GRACE_S, MAX_CLIENTS, REQUESTS_PER_S, TEACHER_PAGES, RateLimit


class ClassroomFullError(Exception):
    """There are as many clients as the classroom takes."""

    def __init__(self) -> None:
        super().__init__(f"the classroom is full: it takes {MAX_CLIENTS} pages and devices")


@dataclass(eq=False)
class Client:
    """One page or device."""

    number: int
    transports: tuple[str, ...]
    """Lanes that it may use."""
    teacher: bool
    seen_ns: int
    entered_ns: float = -math.inf
    """When its newest page opened: what was due before it could only hear of late."""
    sockets: int = 0
    """Live sockets it has open; a client without one is forgotten after a while."""
    replaced: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when another live socket takes over from the one that waits for it."""
    _rates: dict[int, RateLimit] = field(default_factory=dict)

    def may_ask(self, lane: int) -> bool:
        """Whether one more request on the lane is within its rate; the client is seen by it."""
        self.seen_ns = time.monotonic_ns()
        rate = self._rates.setdefault(lane, RateLimit(REQUESTS_PER_S, self.seen_ns))
        return rate.allows(self.seen_ns)


class Clients:
    """All clients, found by their number."""

    def __init__(self) -> None:
        self._clients: dict[int, Client] = {}

    def __len__(self) -> int:
        return len(self._clients)

    def __iter__(self) -> Iterator[Client]:
        return iter(self._clients.values())

    def admit(self, transports: Iterable[str] = TRANSPORTS, *, teacher: bool = False) -> Client:
        """A new client; ClassroomFullError."""
        now_ns = time.monotonic_ns()
        self.forget_who_left(now_ns)
        if len(self._clients) >= MAX_CLIENTS + (TEACHER_PAGES if teacher else 0):
            raise ClassroomFullError
        number = secrets.randbelow(MAX_CLIENT)
        while number in self._clients:
            number = secrets.randbelow(MAX_CLIENT)
        client = Client(number, tuple(transports), teacher, now_ns)
        self._clients[number] = client
        return client

    def get(self, number: int) -> Client | None:
        """The client of this number, if there is one."""
        return self._clients.get(number)

    def forget_who_left(self, now_ns: int) -> None:
        """Drop every client whose page is gone for a while."""
        for client in list(self._clients.values()):
            if not client.sockets and now_ns - client.seen_ns > GRACE_S * 1e9:
                del self._clients[client.number]
