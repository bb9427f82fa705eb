"""The hub of one server: its event log, the publisher, the open channels, and the counters."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from starlette.requests import HTTPConnection

from contract.wire import DEFAULT_HISTORY_EVENTS
from servers.events.channels import Channels
from servers.events.client_errors import ClientErrors
from servers.events.lateness_histogram import LatenessHistogram
from servers.events.log import EventLog
from servers.events.publisher import Publisher
from servers.events.trace import Trace
from system.asyncio_timer import Alarm, create_alarm

_WATCH_PERIOD_S = 1.0
_LAG_PERIOD_NS = 100_000_000
_LATE_NS = 5_000_000
_LATE_TICKS = 1000
"""The number of late ticks that are kept."""
_NS_PER_MS = 1_000_000


class LoopLag:
    """Lateness of a timer that is due every 100 ms: for how long the event loop was busy, or its process stopped."""

    _due_ns: int
    """The due time of the next tick; unset before the start."""

    def __init__(self) -> None:
        self._reset()
        self._alarm: Alarm | None = None

    def start(self) -> None:
        """Start, or restart with all counts at 0."""
        self.stop()
        self._reset()
        self._alarm = create_alarm(asyncio.get_running_loop(), self._tick)
        self._due_ns = time.monotonic_ns() + _LAG_PERIOD_NS
        self._alarm.set(self._due_ns)

    def stop(self) -> None:
        """Stop counting."""
        if self._alarm is not None:
            self._alarm.close()
            self._alarm = None

    def _reset(self) -> None:
        self.lateness = LatenessHistogram()
        self.late_ticks: deque[tuple[int, int]] = deque(maxlen=_LATE_TICKS)
        """(due_ns, late_ns) of the latest ticks that were late by more than _LATE_NS."""

    def _tick(self) -> None:
        now_ns = time.monotonic_ns()
        late_ns = now_ns - self._due_ns
        self.lateness.add(late_ns)
        if late_ns > _LATE_NS:
            self.late_ticks.append((self._due_ns, late_ns))
        self._due_ns = max(self._due_ns, now_ns - _LAG_PERIOD_NS) + _LAG_PERIOD_NS
        if self._alarm is not None:
            self._alarm.set(self._due_ns)


class EventHub:
    """One server's event log, its publisher, its open channels and its counters, which every adapter shares."""

    def __init__(
        self,
        history: int = DEFAULT_HISTORY_EVENTS,
        options: Mapping[str, object] | None = None,
        log: EventLog | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.log = log or EventLog(history)
        self.publisher = Publisher(self.log)
        self.channels = Channels(self.log)
        self.client_errors = ClientErrors()
        self.loop_lag = LoopLag()
        self.trace = trace
        """The record of every delivery to a client that sent its number; None if no trace is kept."""
        self.options: dict[str, object] = dict(options or {}) | {
            "history_events": self.log.history,
            "trace": trace is not None,
        }
        """The pinned settings, as /stats reports them."""
        self.count_connections: Callable[[], int] | None = None
        """Returns the number of open TCP connections, if the program that runs the app knows it."""
        self.count_requests: Callable[[], int] | None = None
        """Returns the number of HTTP requests answered since the start, if the program that runs the app knows it."""

    def start_stream(self, start_in_ms: int, due_offsets_ns: Sequence[int], payloads: Sequence[str]) -> int:
        """Replace the stream and reset all counts; return t0 in ns of CLOCK_MONOTONIC."""
        # An empty stream only empties the log: there is no measurement that a collection could delay.
        self.clear_stream(collects=bool(due_offsets_ns))
        t0_ns = time.monotonic_ns() + start_in_ms * _NS_PER_MS
        self.begin_stream(t0_ns, due_offsets_ns, payloads)
        return t0_ns

    def clear_stream(self, *, collects: bool = True) -> None:
        """Stop the stream, empty the log and reset all counts; collect garbage if another stream follows."""
        self.channels.cut_off = 0
        self.client_errors.clear()
        if self.trace is not None:
            self.trace.clear()
        self.publisher.clear(collects=collects)

    def begin_stream(self, t0_ns: int, due_offsets_ns: Sequence[int], payloads: Sequence[str]) -> None:
        """Publish a stream after `clear_stream`."""
        self.publisher.begin(t0_ns, due_offsets_ns, payloads)
        self.loop_lag.start()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch for slow clients while the app runs, and release all waiting clients at its end."""
        watch = asyncio.get_running_loop().create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()
            self.publisher.stop()
            self.loop_lag.stop()
            self.log.close()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_PERIOD_S)
            self.channels.cut_off_slow_clients()


def hub_of(connection: HTTPConnection) -> EventHub:
    """Return the hub of the app that serves this request or WebSocket."""
    hub: EventHub = connection.app.state.hub
    return hub
