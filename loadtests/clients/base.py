"""What every client is: a state machine that is told what happened and says what it wants.

A client has no socket and no clock. The driver calls it with bytes and times; after each call it reads `output` (bytes
to send), `timer_ns` (when to call back, if at all) and `wants_connection` (whether a connection should be open), and
acts on them. So every client can be tested from bytes alone, and none has a better socket than another.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any, ClassVar

from contract import wire
from contract.records import Outcome, RequestKind
from loadtests.clients.event_reader import GARBLED, Arrival, event_reader
from loadtests.clients.recorder import DELIVERY_ROW, REQUEST_ROW, Recorder

RETRY_DELAY_NS = 100_000_000
"""Before a broken connection is opened again: long enough not to hammer a server that is going down."""
ANSWER_TIMEOUT_NS = 10_000_000_000
"""On top of a hold: an answer that takes longer is given up and recorded as a timeout."""

_pack_delivery = DELIVERY_ROW.pack


@dataclass(frozen=True, slots=True)
class ClientSetup:
    """What one client is told before it starts."""

    index: int
    host: str
    """`host:port` for the Host header."""
    parameters: dict[str, Any]
    payloads: tuple[str, ...]
    """Event i must carry number (i - 1) modulo their count."""
    due_offsets_ns: tuple[int, ...]
    """Of all events; the last one's seq is their count."""
    phase_ns: int = 0
    cursor: int = 0
    """The seq after which this client wants events."""
    named: bool = False
    """Whether it names itself in its requests, for the server's trace; else no byte is spent on it."""
    turnaround_seed: int = 0
    """Of the delays before its next requests, where `turnaround_jitter_ms` asks for some."""


def compresses(setup: ClientSetup) -> bool:
    """Whether this client accepts what is compressed."""
    return setup.parameters.get("compression") == "deflate"


class Client(abc.ABC):
    """One simulated client of one transport.

    There are ten thousand of them in a process: what they have in common they share, and what is rare they lack.
    """

    __slots__ = (
        "_connect_start_ns", "_missing", "cursor", "cut_off", "index", "output", "reader", "ready", "recorder", "setup",
        "timer_ns", "wants_connection",
    )  # fmt: skip
    only_listens: ClassVar[bool] = False
    """Once ready, nothing that it sends depends on when it read what had arrived."""

    def __init__(self, setup: ClientSetup, recorder: Recorder) -> None:
        self.setup = setup
        self.index = setup.index
        self.recorder = recorder
        self.reader = event_reader(setup.payloads)
        self.output = bytearray()
        self.timer_ns: int | None = None
        self.wants_connection = True
        self.ready = False
        """Connected and, where there is one, its channel is open."""
        self.cut_off = False
        """The server gave up on this client; it will get nothing more."""
        self.cursor = setup.cursor
        self._missing: frozenset[int] = frozenset()
        self._connect_start_ns: int | None = None
        """Of the connection that is being opened; None where none is."""

    @property
    def expected_events(self) -> int:
        """The last event's seq."""
        return len(self.setup.due_offsets_ns)

    @property
    def settled(self) -> bool:
        """Nothing more is to be waited for: it has every event, or never will."""
        return self.cut_off or (self.cursor >= self.expected_events and not self._missing)

    @property
    def is_connecting(self) -> bool:
        """A connection is being opened."""
        return self._connect_start_ns is not None

    @property
    def own_name(self) -> str:
        """What a client that names itself adds to the query of its requests."""
        return f"&{wire.CLIENT_PARAMETER}={self.index}" if self.setup.named else ""

    # What the driver tells.

    def connecting(self, now_ns: int) -> None:
        """A connection is being opened."""
        self._connect_start_ns = now_ns
        self.timer_ns = now_ns + ANSWER_TIMEOUT_NS

    def connected(self, now_ns: int) -> None:
        """The connection is open."""
        self.timer_ns = None
        self._record_connect(now_ns, Outcome.ANSWERED)
        self.opened(now_ns)

    def connection_failed(self, now_ns: int) -> None:
        """The connection could not be opened."""
        self._record_connect(now_ns, Outcome.LOST)
        self.retry_later(now_ns)

    @abc.abstractmethod
    def opened(self, now_ns: int) -> None:
        """The connection is open and recorded: say hello."""

    @abc.abstractmethod
    def received(self, data: bytes, user_ns: int, kernel_ns: int) -> bool:
        """Bytes arrived; `user_ns` and `kernel_ns` (realtime, or NO_TIME_NS) were stamped before this call.

        Returns whether the driver has anything to read off the client: a delivery on an open channel changes nothing.
        """

    @abc.abstractmethod
    def disconnected(self, now_ns: int) -> None:
        """The other side closed. Not called when the client asked for it."""

    def broken(self, now_ns: int) -> None:
        """The connection broke, as by a reset: what ends with it in peace is not whole."""
        self.disconnected(now_ns)

    def timer(self, now_ns: int) -> None:
        """`timer_ns` has come; it is None again."""
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
        """`timer_ns` has come on an open connection."""

    def begin(self, t0_ns: int, now_ns: int) -> None:  # noqa: B027 - clients without a schedule have nothing to begin
        """The stream starts at `t0_ns`: schedules count from there, but nothing is due before `now_ns`."""

    @abc.abstractmethod
    def finish(self, now_ns: int) -> None:
        """The trial is over: record what is unanswered, say goodbye where the protocol has a word for it."""

    # What clients share.

    def report(self, problem: str, example: bytes = b"") -> None:
        """State in a sentence what went wrong, for the record of the trial; `example` is what it is about."""
        self.recorder.problems.add(problem, example)

    def retry_later(self, now_ns: int) -> None:
        """Leave the connection closed for a moment; `timer` opens it again."""
        self.wants_connection = False
        self.timer_ns = now_ns + RETRY_DELAY_NS

    def give_up(self) -> None:
        """The server cut this client off."""
        self.cut_off = True
        self.wants_connection = False
        self.timer_ns = None

    def record_garbled(self, user_ns: int, kernel_ns: int) -> None:
        """Something arrived where an event should be and is none: a row with seq 0."""
        self.deliver(GARBLED, user_ns, kernel_ns)

    def deliver(self, arrival: Arrival, user_ns: int, kernel_ns: int) -> None:
        """Record one delivery and move the cursor; gaps are remembered until they are filled."""
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
        """One row of the requests table; `planned_ns` is when it was sent where no schedule said when to."""
        planned_ns = start_ns if planned_ns is None else planned_ns
        self.recorder.requests.frombytes(
            REQUEST_ROW.pack(
                self.index, kind, planned_ns, start_ns, end_ns, outcome, status, events, up_bytes, down_bytes
            )
        )
