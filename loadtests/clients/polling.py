"""The clients of short polling, which poll by a schedule, and of long polling, which poll again when they are answered.

Without a cursor (`cursor = false`) or with a pause after each answer (`pacing = "pause"`) they behave as in careless
comparisons; see "Wrong ways" in docs/method/method.md.
"""

from __future__ import annotations

from typing import ClassVar

from contract import wire
from contract.parameters import required
from contract.records import NO_TIME_NS, Outcome, RequestKind, turnaround_delay_ns
from loadtests.clients.base import ClientSetup
from loadtests.clients.http_answers import Head
from loadtests.clients.http_client import HttpClient
from loadtests.clients.recorder import Recorder

_NS_PER_S, _NS_PER_MS = 1_000_000_000, 1_000_000


class PollClient(HttpClient):
    """Requests the events after its cursor, or without a cursor the latest event, and records those in the answer."""

    __slots__ = ("_keeps_cursor", "_query", "_seen_seq")
    path: ClassVar[str]
    expected_status = "200 or 204"

    def __init__(self, setup: ClientSetup, recorder: Recorder, hold_s: float | None = None) -> None:
        """Create a client; the server may hold its polls for `hold_s`, or answers at once if that is None."""
        super().__init__(setup, recorder)
        self._query = ("" if hold_s is None else f"&hold_ms={round(hold_s * 1000)}") + self.own_name
        self._patience_ns = 0 if hold_s is None else round(hold_s * _NS_PER_S)
        self._keeps_connection = setup.parameters.keep_alive
        self._keeps_cursor = setup.parameters.cursor
        self._seen_seq = 0

    @property
    def settled(self) -> bool:
        """Whether the client has every event that it can get; without a cursor missing events never arrive."""
        return super().settled or (not self._keeps_cursor and self.cursor >= self.expected_events)

    def poll(self, now_ns: int, planned_ns: int | None = None) -> None:
        """Send one poll for the events after the cursor."""
        position = f"after={self.cursor}" if self._keeps_cursor else f"{wire.CURSOR_PARAMETER}={wire.NO_CURSOR}"
        request = self.head(f"GET {self.path}?{position}{self._query} HTTP/1.1")
        self.send_request(request, RequestKind.POLL, now_ns, planned_ns)

    def answered(self, head: Head, body: bytes, user_ns: int, kernel_ns: int) -> None:
        if head.status == 204:
            self.record_answer(Outcome.EMPTY, user_ns, head.status)
        elif head.status == 200:
            self._read_reply(head, body, user_ns, kernel_ns)
        else:
            self.refuse(head, body, user_ns)

    def _read_reply(self, head: Head, body: bytes, user_ns: int, kernel_ns: int) -> None:
        reply = self.reader.reply(body)
        if reply is None:
            self.record_garbled(user_ns, kernel_ns)
            self.refuse_garbled(head, body, 'JSON {"events": […], "next": …}', user_ns)
            return
        arrivals, next_cursor = reply
        if not self._keeps_cursor:
            # The server repeats the latest event until there is another one: a repetition is not a delivery.
            arrivals = tuple(arrival for arrival in arrivals if arrival.seq != self._seen_seq)
            self._seen_seq = arrivals[-1].seq if arrivals else self._seen_seq
        self.record_answer(Outcome.ANSWERED if arrivals else Outcome.EMPTY, user_ns, 200, len(arrivals))
        for arrival in arrivals:
            self.deliver(arrival, user_ns, kernel_ns)
        # The server's cursor counts: a client that resumes there misses no event and gets none twice.
        self.cursor = max(self.cursor, next_cursor)


class LongPollClient(PollClient):
    """Polls again as soon as it is answered; the server holds each poll until there is an event.

    With `turnaround_jitter_ms` it first waits for a random time of at most that, so that clients which were answered
    together do not poll together.
    """

    __slots__ = ("_answers", "_jitter_ns", "_next_ns")
    path = wire.LONG_POLL_PATH

    def __init__(self, setup: ClientSetup, recorder: Recorder) -> None:
        super().__init__(setup, recorder, hold_s=required(setup.parameters.hold_s))
        self._jitter_ns = round(setup.parameters.turnaround_jitter_ms * _NS_PER_MS)
        self._answers = 0
        self._next_ns: int | None = None
        """When it may poll again; None if it may at once."""

    def next_request_ns(self, now_ns: int) -> int:
        return now_ns if self._next_ns is None else self._next_ns

    def answered(self, head: Head, body: bytes, user_ns: int, kernel_ns: int) -> None:
        if self._jitter_ns:
            delay_ns = turnaround_delay_ns(self.setup.turnaround_seed, self.index, self._answers, self._jitter_ns)
            self._answers += 1
            self._next_ns = user_ns + delay_ns
        super().answered(head, body, user_ns, kernel_ns)

    def send_next(self, now_ns: int) -> None:
        self.ready = True
        if self._next_ns is not None and self._next_ns > now_ns:
            self.timer_ns = self._next_ns
        else:
            self.poll(now_ns, self._next_ns)


class ShortPollClient(PollClient):
    """Polls by an absolute schedule, `t0 + phase + k · interval`: a slow answer never delays the polls after it.

    With `pacing = "pause"` it is a closed loop instead: after the first poll, each follows one interval after the last
    answer.
    """

    __slots__ = ("_interval_ns", "_next_ns", "_pauses")
    path = wire.SHORT_POLL_PATH

    def __init__(self, setup: ClientSetup, recorder: Recorder) -> None:
        super().__init__(setup, recorder)
        self._interval_ns = round(required(setup.parameters.poll_interval_s) * _NS_PER_S)
        self._next_ns: int | None = None
        self._pauses = setup.parameters.pacing == "pause"
        # Without a connection to keep there is nothing to set up.
        self.wants_connection = self._keeps_connection
        self.ready = not self._keeps_connection

    def next_request_ns(self, now_ns: int) -> int | None:
        return self._next_ns

    def answered(self, head: Head, body: bytes, user_ns: int, kernel_ns: int) -> None:
        if self._pauses:
            self._next_ns = user_ns + self._interval_ns
        super().answered(head, body, user_ns, kernel_ns)

    def begin(self, t0_ns: int, now_ns: int) -> None:
        first_ns = t0_ns + self.setup.phase_ns
        # A client that starts late joins its schedule; the polls before do not count as skipped.
        missed = 0 if self._pauses else max(0, -(-(now_ns - first_ns) // self._interval_ns))
        self._next_ns = first_ns + missed * self._interval_ns
        self.follow_schedule(now_ns)

    def send_next(self, now_ns: int) -> None:
        self.ready = True
        planned_ns = self._next_ns
        if planned_ns is None:
            return
        if planned_ns > now_ns:
            self.timer_ns = planned_ns
            return
        while not self._pauses and planned_ns + self._interval_ns <= now_ns:
            self.record_request(RequestKind.POLL, NO_TIME_NS, NO_TIME_NS, Outcome.SKIPPED, planned_ns=planned_ns)
            planned_ns += self._interval_ns
        self.poll(now_ns, planned_ns)
        self._next_ns = planned_ns + self._interval_ns
