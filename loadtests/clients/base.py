"""The base of all clients: a state machine without sockets and clocks.

The driver calls it with bytes and times; after each call it reads `output` (bytes
to send), `timer_ns` (when to call back, if at all) and `wants_connection` (whether a connection should be open), and
acts on them. So every client can be tested from bytes alone, and none has a better socket than another.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

from contract import wire
from contract.parameters import Parameters
from contract.records import Outcome, RequestKind
from loadtests.clients.event_reader import GARBLED, Arrival, event_reader
from loadtests.clients.recorder import DELIVERY_ROW, REQUEST_ROW, Recorder

RETRY_DELAY_NS = 100_000_000
"""The pause before a broken connection is opened again: long enough not to flood a server that is shutting down."""
ANSWER_TIMEOUT_NS = 10_000_000_000
"""How long an answer may take, on top of a hold, before it is recorded as a timeout."""

_pack_delivery = DELIVERY_ROW.pack


@dataclass(frozen=True, slots=True)
class ClientSetup:
    """The settings of one client."""

    index: int
    host: str
    """`host:port` for the Host header."""
    parameters: Parameters
    payloads: tuple[str, ...]
    """Event i must carry payload (i - 1) modulo their number."""
    due_offsets_ns: tuple[int, ...]
    """The due times of all events after the stream's start; their number is the seq of the last event."""
    phase_ns: int = 0
    cursor: int = 0
    """The seq after which the client requests events."""
    named: bool = False
    """Whether the client sends its number in its requests, for the server's trace; it costs bytes."""
    turnaround_seed: int = 0
    """The seed of the random delays before its next requests, used with `turnaround_jitter_ms`."""


def compresses(setup: ClientSetup) -> bool:
    """Return whether the client accepts compressed messages and answers."""
    return setup.parameters.compression == "deflate"


class Client(abc.ABC):
    """One simulated client of one transport.

    A process may hold ten thousand of them, so they share common data, and create rarely used state only when needed.
    """

    __slots__ = (
        "_connect_start_ns",
        "_missing",
        "cursor",
        "cut_off",
        "index",
        "output",
        "reader",
        "ready",
        "recorder",
        "setup",
        "timer_ns",
        "wants_connection",
    )
    only_listens: ClassVar[bool] = False
    """Whether, once it is ready, its messages do not depend on when it reads the data that has arrived."""

    def __init__(self, setup: ClientSetup, recorder: Recorder) -> None:
        self.setup = setup
        self.index = setup.index
        self.recorder = recorder
        self.reader = event_reader(setup.payloads)
        self.output = bytearray()
        self.timer_ns: int | None = None
        self.wants_connection = True
        self.ready = False
        """Whether it is connected and, if the transport has a channel, the channel is open."""
        self.cut_off = False
        """Whether the server has given up on this client, so that it will receive nothing more."""
        self.cursor = setup.cursor
        self._missing: frozenset[int] = frozenset()
        self._connect_start_ns: int | None = None
        """When the connection that is being opened was started; None if none is being opened."""

    @property
    def expected_events(self) -> int:
        """The seq of the last event."""
        return len(self.setup.due_offsets_ns)

    @property
    def settled(self) -> bool:
        """Whether the client has every event, or can never get the missing ones."""
        return self.cut_off or (self.cursor >= self.expected_events and not self._missing)

    @property
    def is_connecting(self) -> bool:
        """Whether a connection is being opened."""
        return self._connect_start_ns is not None

    @property
    def own_name(self) -> str:
        """The query parameter with which a named client identifies itself; empty for the others."""
        return f"&{wire.CLIENT_PARAMETER}={self.index}" if self.setup.named else ""

    # Called by the driver.

    def connecting(self, now_ns: int) -> None:
        """Handle that the driver has started to open a connection."""
        self._connect_start_ns = now_ns
        self.timer_ns = now_ns + ANSWER_TIMEOUT_NS

    def connected(self, now_ns: int) -> None:
        """Record that the connection is open, and start using it."""
        self.timer_ns = None
        self._record_connect(now_ns, Outcome.ANSWERED)
        self.opened(now_ns)

    def connection_failed(self, now_ns: int) -> None:
        """Record that the connection could not be opened, and try again later."""
        self._record_connect(now_ns, Outcome.LOST)
        self.retry_later(now_ns)

    @abc.abstractmethod
    def opened(self, now_ns: int) -> None:
        """Send the first request; the connection is open and recorded."""

    @abc.abstractmethod
    def received(self, data: bytes, user_ns: int, kernel_ns: int) -> bool:
        """Handle bytes that arrived; `user_ns` and `kernel_ns` (realtime, or NO_TIME_NS) were read before this call.

        Return whether the driver has to read the client's outputs: a delivery on an open channel does not change them.
        """

    @abc.abstractmethod
    def disconnected(self, now_ns: int) -> None:
        """Handle a connection that the other side closed. Not called when the client asked for it."""

    def broken(self, now_ns: int) -> None:
        """Handle a broken connection, such as after a reset: an answer that ends with a clean close is not complete."""
        self.disconnected(now_ns)

    def timer(self, now_ns: int) -> None:
        """Handle the time `timer_ns`, which is None again when this is called."""
        if not self.wants_connection:
            self.wants_connection = not self.cut_off
        elif self.is_connecting:
            self.report(f"a connection was not accepted within {ANSWER_TIMEOUT_NS / 1e9:g} s")
            self._record_connect(now_ns, Outcome.TIMEOUT)
            self.retry_later(now_ns)
        else:
            self.due(now_ns)

    @abc.abstractmethod
    def due(self, now_ns: int) -> None:
        """Handle the time `timer_ns` on an open connection."""

    def begin(self, t0_ns: int, now_ns: int) -> None:  # noqa: B027 - clients without a schedule have nothing to start
        """Start the schedule of a stream that starts at `t0_ns`; nothing is due before `now_ns`."""

    @abc.abstractmethod
    def finish(self, now_ns: int) -> None:
        """End the trial: record unanswered requests, and close the channel if the protocol has a message for that."""

    # Shared by the clients.

    def report(self, problem: str, example: bytes = b"") -> None:
        """Report a problem in one sentence, for the record of the trial; `example` holds the bytes it is about."""
        self.recorder.problems.add(problem, example)

    def retry_later(self, now_ns: int) -> None:
        """Leave the connection closed for a moment; `timer` opens it again."""
        self.wants_connection = False
        self.timer_ns = now_ns + RETRY_DELAY_NS

    def give_up(self) -> None:
        """Stop for good, because the server has refused this client."""
        self.cut_off = True
        self.wants_connection = False
        self.timer_ns = None

    def record_garbled(self, user_ns: int, kernel_ns: int) -> None:
        """Record that something other than an event arrived where an event should be, as a row with seq 0."""
        self.deliver(GARBLED, user_ns, kernel_ns)

    def deliver(self, arrival: Arrival, user_ns: int, kernel_ns: int) -> None:
        """Record one delivery and move the cursor; missing events are remembered until they arrive."""
        seq, due_ns, published_ns, intact = arrival
        self.recorder.add_delivery(_pack_delivery(self.index, seq, due_ns, published_ns, kernel_ns, user_ns, intact))
        if seq == self.cursor + 1:
            self.cursor = seq
        elif seq > self.cursor:
            self._missing |= frozenset(range(self.cursor + 1, min(seq, self.expected_events + 1)))
            self.cursor = seq
        else:
            self._missing -= {seq}

    def _record_connect(self, now_ns: int, outcome: Outcome) -> None:
        assert self._connect_start_ns is not None
        self.record_request(RequestKind.CONNECT, self._connect_start_ns, now_ns, outcome)
        self._connect_start_ns = None

    def record_request(
        self,
        kind: RequestKind,
        start_ns: int,
        end_ns: int,
        outcome: Outcome,
        *,
        planned_ns: int | None = None,
        status: int = 0,
        events: int = 0,
        up_bytes: int = 0,
        down_bytes: int = 0,
    ) -> None:
        """Record one row of the requests table; `planned_ns` is when the request was sent if no schedule planned it."""
        planned_ns = start_ns if planned_ns is None else planned_ns
        self.recorder.requests.frombytes(
            REQUEST_ROW.pack(
                self.index, kind, planned_ns, start_ns, end_ns, outcome, status, events, up_bytes, down_bytes
            )
        )
