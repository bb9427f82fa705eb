"""What each client did and cost on each lane in the current run: requests, deliveries, and bytes as the relay saw them.

Pure: times and byte counts come in from outside. A TCP connection belongs to whoever asked on it last; two pages of one
browser may share one. Then what went up since the last answer is the new one's, what came down before is the old one's.
What happens between the announcement of a run and the end of its drain counts, opening the connections included; what
happens between two runs is in no account.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

Address = tuple[str, int]


class Counter(Protocol):
    """A count of bytes that goes on."""

    bytes: int


@dataclass(slots=True)
class Request:
    """One request of a client, an opening handshake included."""

    n: int
    """The client's own number for it; 0 where it gave none."""
    run: int
    """Of `Accounts.run` when it arrived."""
    arrived_ns: int
    answered_ns: int | None = None
    status: int | None = None
    seqs: list[int] = field(default_factory=list)
    """Events in the answer of a poll."""

    def row(self) -> list[object]:
        """As it goes to the page and into the record."""
        return [self.n, self.arrived_ns, self.answered_ns, self.status, self.seqs]


@dataclass(slots=True)
class LaneAccount:
    """One client on one lane."""

    requests: list[Request] = field(default_factory=list)
    """In the order of arrival, held ones included."""
    answered: list[Request] = field(default_factory=list)
    """Those that were answered, in the order of answering."""
    written: list[tuple[int, int]] = field(default_factory=list)
    """(seq, written_ns) of each delivery."""
    payload_bytes: int = 0
    """Of the events delivered, as JSON text."""
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
    """The accounts of all clients in one run, and the connections that they go on with in the next."""

    def __init__(self) -> None:
        self._lanes: defaultdict[tuple[int | None, int], LaneAccount] = defaultdict(LaneAccount)
        self._connections: dict[tuple[int, Address], _Connection] = {}
        self._owned: defaultdict[tuple[int | None, int], set[_Connection]] = defaultdict(set)
        self.run = 0
        """Counts the runs."""
        self._counting = False

    def begin(self) -> None:
        """A new run: everything counts from here."""
        self._lanes.clear()
        self.run += 1
        for connection in self._connections.values():
            connection.up_mark, connection.down_mark = connection.up.bytes, connection.down.bytes
        self._counting = True

    def finish(self) -> None:
        """The run is over: the accounts stay as they are."""
        for connection in self._connections.values():
            self._settle(connection, connection.owner)
        self._counting = False

    def opened(self, lane: int, address: Address, up: Counter, down: Counter) -> None:
        """A connection came through the lane's relay; nobody's until someone asks on it."""
        connection = _Connection(lane, up, down)
        self._connections[lane, address] = connection
        self._owned[None, lane].add(connection)

    def closed(self, lane: int, address: Address) -> None:
        """A connection is gone, its bytes stay with its owner."""
        connection = self._connections.pop((lane, address), None)
        if connection is not None:
            self._settle(connection, connection.owner)
            self._disown(connection)

    def asked(self, lane: int, address: Address, client: int | None) -> None:
        """A request of this client (None: of nobody known) arrived on a connection."""
        connection = self._connections.get((lane, address))
        if connection is None or connection.owner == client:
            return
        self._settle(connection, client)
        self._disown(connection)
        connection.owner = client
        self._owned[client, lane].add(connection)

    def of(self, client: int, lane: int) -> LaneAccount:
        """One client's account on one lane; an empty one where there was nothing yet."""
        return self._lanes[client, lane]

    def arrived(self, client: int, lane: int, request: Request) -> None:
        """Book a request that has come; of no account if no run is on."""
        if self._counting and request.run == self.run:
            self._lanes[client, lane].requests.append(request)

    def answered(self, client: int, lane: int, request: Request, status: int, now_ns: int) -> None:
        """Book the answer to a request, or the opening of its channel; of no account if its run is over."""
        if self._counting and request.run == self.run:
            request.status, request.answered_ns = status, now_ns
            self._lanes[client, lane].answered.append(request)

    def wrote(self, client: int, lane: int, seq: int, event_bytes: int, now_ns: int) -> bool:
        """Book an event that was handed to the client's connection; whether a run is on in which it counts."""
        if self._counting:
            account = self._lanes[client, lane]
            account.written.append((seq, now_ns))
            account.payload_bytes += event_bytes
        return self._counting

    def connections(self, client: int, lane: int) -> int:
        """Connections that the client has open on the lane."""
        return len(self._owned.get((client, lane), ()))

    def bytes_of(self, client: int | None, lane: int) -> tuple[int, int]:
        """Bytes up and down of a client on a lane; of None: of connections on which nobody known has asked."""
        account = self._lanes.get((client, lane))
        up_bytes, down_bytes = (account.settled_up_bytes, account.settled_down_bytes) if account else (0, 0)
        for connection in self._owned.get((client, lane), ()) if self._counting else ():
            up_bytes += connection.up.bytes - connection.up_mark
            down_bytes += connection.down.bytes - connection.down_mark
        return up_bytes, down_bytes

    def clients(self) -> list[int]:
        """Everyone who has an account in this run, in the order of their numbers."""
        with_connections = (key for key, owned in self._owned.items() if owned)
        return sorted(_known({*self._lanes, *with_connections}))

    def _settle(self, connection: _Connection, asking: int | None) -> None:
        """Book what is counted so far: up to who asks, down to who owned it until now."""
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
