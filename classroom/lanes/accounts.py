"""Accounts of each client on each lane in the current run: requests, deliveries, and bytes as counted by the relay.

The module is pure: times and byte counts are arguments. A TCP connection belongs to the client that sent the last
request on it. Two pages of one browser may share a connection: when its owner changes, the bytes sent up since the last
answer belong to the new client, and those sent down before to the old one. Everything from a run's announcement to the
end of its drain counts, opening the connections included; what happens between two runs is in no account.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

Address = tuple[str, int]


class Counter(Protocol):
    """A count of bytes that keeps growing."""

    bytes: int


@dataclass(slots=True)
class Request:
    """One request of a client, an opening handshake included."""

    n: int
    """The client's own number for it; 0 if it sent none."""
    run: int
    """The value of `Accounts.run` when it arrived."""
    arrived_ns: int
    answered_ns: int | None = None
    status: int | None = None
    seqs: list[int] = field(default_factory=list)
    """Events in the answer of a poll."""

    def row(self) -> list[object]:
        """Return the request as it is sent to the page and recorded."""
        return [self.n, self.arrived_ns, self.answered_ns, self.status, self.seqs]


@dataclass(slots=True)
class LaneAccount:
    """The account of one client on one lane."""

    requests: list[Request] = field(default_factory=list)
    """In the order of arrival, held ones included."""
    answered: list[Request] = field(default_factory=list)
    """The answered requests, in the order of their answers."""
    written: list[tuple[int, int]] = field(default_factory=list)
    """(seq, written_ns) of each delivery."""
    payload_bytes: int = 0
    """Bytes of the events delivered, as JSON text."""
    settled_up_bytes: int = 0
    settled_down_bytes: int = 0


@dataclass(eq=False, slots=True)
class _Connection:
    lane: int
    up: Counter
    down: Counter
    up_mark: int = 0
    down_mark: int = 0
    owner: int | None = None


class Accounts:
    """The accounts of all clients in one run, and their connections, which last beyond it."""

    def __init__(self) -> None:
        self._lanes: defaultdict[tuple[int | None, int], LaneAccount] = defaultdict(LaneAccount)
        self._connections: dict[tuple[int, Address], _Connection] = {}
        self._owned: defaultdict[tuple[int | None, int], set[_Connection]] = defaultdict(set)
        self.run = 0
        """The number of the run."""
        self._counting = False

    def begin(self) -> None:
        """Start the accounts of a new run."""
        self._lanes.clear()
        self.run += 1
        for connection in self._connections.values():
            connection.up_mark, connection.down_mark = connection.up.bytes, connection.down.bytes
        self._counting = True

    def finish(self) -> None:
        """Close the accounts of the run, which then stay unchanged."""
        for connection in self._connections.values():
            self._settle(connection, connection.owner)
        self._counting = False

    def opened(self, lane: int, address: Address, up: Counter, down: Counter) -> None:
        """Record a connection through the lane's relay; it belongs to no client until one sends a request on it."""
        connection = _Connection(lane, up, down)
        self._connections[lane, address] = connection
        self._owned[None, lane].add(connection)

    def closed(self, lane: int, address: Address) -> None:
        """Record the end of a connection; its bytes stay with its owner."""
        connection = self._connections.pop((lane, address), None)
        if connection is not None:
            self._settle(connection, connection.owner)
            self._disown(connection)

    def assign(self, lane: int, address: Address, client: int | None) -> None:
        """Assign a connection to the client whose request arrived on it; None for an unknown client."""
        connection = self._connections.get((lane, address))
        if connection is None or connection.owner == client:
            return
        self._settle(connection, client)
        self._disown(connection)
        connection.owner = client
        self._owned[client, lane].add(connection)

    def of(self, client: int, lane: int) -> LaneAccount:
        """Return one client's account on one lane, empty if there is nothing yet."""
        return self._lanes[client, lane]

    def arrived(self, client: int, lane: int, request: Request) -> None:
        """Record a request that has arrived; it is in no account if there is no run."""
        if self._counting and request.run == self.run:
            self._lanes[client, lane].requests.append(request)

    def answered(self, client: int, lane: int, request: Request, status: int, now_ns: int) -> None:
        """Record the answer to a request, or the opening of its channel; it is in no account if its run is over."""
        if self._counting and request.run == self.run:
            request.status, request.answered_ns = status, now_ns
            self._lanes[client, lane].answered.append(request)

    def wrote(self, client: int, lane: int, seq: int, event_bytes: int, now_ns: int) -> bool:
        """Record an event that was written to the client's connection; return whether it counts in a run."""
        if self._counting:
            account = self._lanes[client, lane]
            account.written.append((seq, now_ns))
            account.payload_bytes += event_bytes
        return self._counting

    def connections(self, client: int, lane: int) -> int:
        """Return the number of connections that the client has open on the lane."""
        return len(self._owned.get((client, lane), ()))

    def bytes_of(self, client: int | None, lane: int) -> tuple[int, int]:
        """Return bytes up and down of a client on a lane; None: of connections without a known client."""
        account = self._lanes.get((client, lane))
        up_bytes, down_bytes = (account.settled_up_bytes, account.settled_down_bytes) if account else (0, 0)
        for connection in self._owned.get((client, lane), ()) if self._counting else ():
            up_bytes += connection.up.bytes - connection.up_mark
            down_bytes += connection.down.bytes - connection.down_mark
        return up_bytes, down_bytes

    def clients(self) -> list[int]:
        """Return the numbers of all clients with an account in this run, in ascending order."""
        with_connections = (key for key, owned in self._owned.items() if owned)
        return sorted(_known({*self._lanes, *with_connections}))

    def _settle(self, connection: _Connection, asking: int | None) -> None:
        """Add the bytes counted so far: those up to the client that asks, those down to the owner until now."""
        if not self._counting:
            return
        up_bytes, down_bytes = connection.up.bytes, connection.down.bytes
        self._lanes[asking, connection.lane].settled_up_bytes += up_bytes - connection.up_mark
        self._lanes[connection.owner, connection.lane].settled_down_bytes += down_bytes - connection.down_mark
        connection.up_mark, connection.down_mark = up_bytes, down_bytes

    def _disown(self, connection: _Connection) -> None:
        key = (connection.owner, connection.lane)
        self._owned[key].discard(connection)
        if not self._owned[key]:
            del self._owned[key]


def _known(keys: Iterable[tuple[int | None, int]]) -> Iterator[int]:
    yield from {client for client, _ in keys if client is not None}
