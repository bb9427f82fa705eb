"""Clients that send small messages to the server and receive their echoes.

Messages go over an open channel, a kept connection, or a new connection each. They follow an absolute schedule per
client, `t0 + phase + offset`. A message is encoded as an event that is due at its scheduled time, so that a slow echo
lengthens the next round trip instead of hiding the delay; the server returns it unchanged.
"""

from __future__ import annotations

from contract import wire
from contract.records import Outcome, RequestKind
from loadtests.clients.base import ClientSetup
from loadtests.clients.event_reader import GARBLED
from loadtests.clients.http_answers import Head
from loadtests.clients.http_client import HttpClient
from loadtests.clients.recorder import Recorder
from loadtests.clients.websocket import WebSocketClient


class MessageSchedule:
    """The messages of one client, in the order in which they are due."""

    __slots__ = ("_sent", "_setup", "_t0_ns")

    def __init__(self, setup: ClientSetup) -> None:
        self._setup = setup
        self._t0_ns: int | None = None
        self._sent = setup.cursor

    def begin(self, t0_ns: int) -> None:
        """Start the schedule at `t0_ns`."""
        self._t0_ns = t0_ns

    @property
    def next_due_ns(self) -> int | None:
        """When the next message should be sent; None if there is none, or the schedule has not started."""
        if self._t0_ns is None or self._sent >= len(self._setup.due_offsets_ns):
            return None
        return self._t0_ns + self._setup.phase_ns + self._setup.due_offsets_ns[self._sent]

    def next_message(self, due_ns: int, now_ns: int) -> str:
        """Return the next message, stamped as sent at `now_ns`; `due_ns` is its `next_due_ns`."""
        self._sent += 1
        payload = self._setup.payloads[(self._sent - 1) % len(self._setup.payloads)]
        return wire.encode_event(wire.Event(self._sent, due_ns, now_ns, payload))


class WebSocketEchoClient(WebSocketClient):
    """Sends each message over the open channel when it is due, whether or not earlier ones have come back."""

    __slots__ = ("_messages",)
    only_listens = False

    def __init__(self, setup: ClientSetup, recorder: Recorder) -> None:
        super().__init__(setup, recorder)
        self._messages = MessageSchedule(setup)

    @property
    def target(self) -> str:
        return wire.WEBSOCKET_ECHO_PATH

    def begin(self, t0_ns: int, now_ns: int) -> None:
        self._messages.begin(t0_ns)
        if self.ready:
            self.timer_ns = self._messages.next_due_ns

    def due(self, now_ns: int) -> None:
        if not self.ready:
            super().due(now_ns)
            return
        while (due_ns := self._messages.next_due_ns) is not None and due_ns <= now_ns:
            self.send_text(self._messages.next_message(due_ns, now_ns))
        self.timer_ns = due_ns

    def disconnected(self, now_ns: int) -> None:
        self.ready = False
        super().disconnected(now_ns)

    def _channel_opened(self, now_ns: int) -> None:
        super()._channel_opened(now_ns)
        self.timer_ns = self._messages.next_due_ns


class PostEchoClient(HttpClient):
    """Posts each message on a kept connection, one at a time, as HTTP/1.1 without pipelining requires."""

    __slots__ = ("_messages",)

    def __init__(self, setup: ClientSetup, recorder: Recorder) -> None:
        super().__init__(setup, recorder)
        self._messages = MessageSchedule(setup)

    def begin(self, t0_ns: int, now_ns: int) -> None:
        self._messages.begin(t0_ns)
        self.follow_schedule(now_ns)

    def next_request_ns(self, now_ns: int) -> int | None:
        return self._messages.next_due_ns

    def send_next(self, now_ns: int) -> None:
        self.ready = True
        due_ns = self._messages.next_due_ns
        if due_ns is not None and due_ns <= now_ns:
            body = self._messages.next_message(due_ns, now_ns)
            about_body = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            head = self.head(f"POST {wire.POST_ECHO_PATH} HTTP/1.1", about_body)
            self.send_request(head + body.encode("ascii"), RequestKind.POST, now_ns, due_ns)
        else:
            self.timer_ns = due_ns

    def answered(self, head: Head, body: bytes, user_ns: int, kernel_ns: int) -> None:
        arrival = self.reader.event(body)
        if head.status != 200:
            self.refuse(head, body, user_ns)
        elif arrival is GARBLED:
            self.record_garbled(user_ns, kernel_ns)
            self.refuse_garbled(head, body, "the message that was sent", user_ns)
        else:
            self.record_answer(Outcome.ANSWERED, user_ns, head.status, events=1)
            self.deliver(arrival, user_ns, kernel_ns)


class NewConnectionEchoClient(PostEchoClient):
    """Opens a connection for each message and closes it after the answer."""

    __slots__ = ()

    def __init__(self, setup: ClientSetup, recorder: Recorder) -> None:
        super().__init__(setup, recorder)
        self._keeps_connection = False
        self.wants_connection = False
        self.ready = True
