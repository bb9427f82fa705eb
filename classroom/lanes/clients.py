"""All pages and devices of the classroom, each with a number from the server that cannot be guessed."""

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
    """The classroom has its largest number of clients."""

    def __init__(self) -> None:
        super().__init__(f"the classroom is full: it takes {MAX_CLIENTS} pages and devices")


@dataclass(eq=False)
class Client:
    """One page or device."""

    number: int
    transports: tuple[str, ...]
    """The lanes that it may use."""
    teacher: bool
    seen_ns: int
    entered_ns: float = -math.inf
    """When its newest page opened: events that were due before could only arrive late."""
    sockets: int = 0
    """The live sockets that it has open; a client without one is deleted after a while."""
    replaced: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when another live socket takes over from the one that waits for it."""
    _rates: dict[int, RateLimit] = field(default_factory=dict)

    def may_ask(self, lane: int) -> bool:
        """Return whether one more request on the lane is within its rate, and record that the client was seen."""
        self.seen_ns = time.monotonic_ns()
        rate = self._rates.setdefault(lane, RateLimit(REQUESTS_PER_S, self.seen_ns))
        return rate.allows(self.seen_ns)


class Clients:
    """All clients, by their number."""

    def __init__(self) -> None:
        self._clients: dict[int, Client] = {}

    def __len__(self) -> int:
        return len(self._clients)

    def __iter__(self) -> Iterator[Client]:
        return iter(self._clients.values())

    def admit(
        self, transports: Iterable[str] = TRANSPORTS, *, teacher: bool = False, known: int | None = None
    ) -> Client:
        """Admit a client, with the number by which it was known unless another has it; raise ClassroomFullError."""
        now_ns = time.monotonic_ns()
        self.forget_who_left(now_ns)
        if len(self._clients) >= MAX_CLIENTS + (TEACHER_PAGES if teacher else 0):
            raise ClassroomFullError
        number = secrets.randbelow(MAX_CLIENT) if known is None else known
        while number in self._clients:
            number = secrets.randbelow(MAX_CLIENT)
        client = Client(number, tuple(transports), teacher, now_ns)
        self._clients[number] = client
        return client

    def get(self, number: int) -> Client | None:
        """Return the client with this number, if there is one."""
        return self._clients.get(number)

    def forget_who_left(self, now_ns: int) -> None:
        """Delete every client whose page has been gone for a while."""
        for client in list(self._clients.values()):
            if not client.sockets and now_ns - client.seen_ns > GRACE_S * 1e9:
                del self._clients[client.number]
