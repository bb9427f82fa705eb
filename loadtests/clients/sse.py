"""The client of server-sent events: one GET, then a body that never ends (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from contract import wire
from contract.records import Outcome, RequestKind
from loadtests.clients.base import RETRY_DELAY_NS, ClientSetup
from loadtests.clients.event_reader import EVENT_AS_JSON, OtherContents
from loadtests.clients.event_stream import EventStream
from loadtests.clients.http_answers import Head, MalformedAnswerError
from loadtests.clients.http_client import HttpClient
from loadtests.clients.recorder import Recorder

_CONTENT_TYPE = b"text/event-stream"
_ENOUGH_BYTES = 80
"""Length of a body that is not an event stream for which the client waits, to show it in the message."""
_NS_PER_MS = 1_000_000


class SseClient(HttpClient):
    """Reads the unnamed events of an event stream, and sends Last-Event-ID when it reconnects.

    Events of other types (`event: ping`) belong to another application and are not counted.
    """

    __slots__ = ("_last_event_id", "_reconnection_ns", "_stream")
    only_listens = True
    expected_status = f"200 with {_CONTENT_TYPE.decode()}"

    def __init__(self, setup: ClientSetup, recorder: Recorder) -> None:
        super().__init__(setup, recorder)
        self._stream: EventStream | None = None
        """The parser of the open stream; None while there is none."""
        self._last_event_id = b"%d" % self.cursor if self.cursor else b""
        self._reconnection_ns = RETRY_DELAY_NS
        """The pause before a stream that has ended is opened again; the server may set it with `retry:`."""

    def send_next(self, now_ns: int) -> None:
        last_event_id = self._last_event_id.decode("utf-8", "replace")
        resume = f"Last-Event-ID: {last_event_id}\r\n" if last_event_id else ""
        request = self.head(f"GET {wire.SSE_PATH}?after={self.cursor}{self.own_name} HTTP/1.1", resume)
        self.send_request(request, RequestKind.HANDSHAKE, now_ns)

    def next_request_ns(self, now_ns: int) -> int:
        return now_ns + self._reconnection_ns

    def received(self, data: bytes, user_ns: int, kernel_ns: int) -> bool:
        stream = self._stream
        if stream is None:
            return super().received(data, user_ns, kernel_ns)
        answer = self._answer
        assert answer is not None
        try:
            body = answer.read(data)
        except MalformedAnswerError as error:
            self.report(f"GET {wire.SSE_PATH} became unreadable: {error}", data)
            self.record_garbled(user_ns, kernel_ns)
            self.retry_later(user_ns)
            return True
        self._read_events(stream, body, user_ns, kernel_ns)
        if answer.complete:
            self.disconnect_until_due(user_ns)
        return answer.complete

    def read_answer(self, data: bytes, user_ns: int, kernel_ns: int) -> None:
        super().read_answer(data, user_ns, kernel_ns)
        head = None if self._answer is None else self._answer.head
        if head is None or head.status != 200:
            return
        begun = b"".join(self._pieces)
        if _is_event_stream(head):
            # The stream is open as soon as its head has arrived.
            self.record_answer(Outcome.ANSWERED, user_ns, head.status)
            self.record_compression(head)
            self.ready = True
            self._stream = EventStream()
            self._pieces.clear()
            self._read_events(self._stream, begun, user_ns, kernel_ns)
        elif len(begun) >= _ENOUGH_BYTES:
            self._refuse_type(head, begun, user_ns)

    def opened(self, now_ns: int) -> None:
        self._stream = None
        super().opened(now_ns)

    def answered(self, head: Head, body: bytes, user_ns: int, kernel_ns: int) -> None:
        if head.status != 200:
            self.refuse(head, body, user_ns)
        elif not _is_event_stream(head):
            self._refuse_type(head, body, user_ns)
        else:
            # The whole stream and its end arrived at once.
            self.record_answer(Outcome.ANSWERED, user_ns, head.status)
            self.ready = True
            self._read_events(EventStream(), body, user_ns, kernel_ns)
            self.disconnect_until_due(user_ns)

    def _refuse_type(self, head: Head, body: bytes, now_ns: int) -> None:
        self.refuse_garbled(head, body, _CONTENT_TYPE.decode(), now_ns)

    def due(self, now_ns: int) -> None:
        # An open stream is idle, not unanswered: no request may follow on it.
        if self.waiting:
            super().due(now_ns)

    def _read_events(self, stream: EventStream, body: bytes, user_ns: int, kernel_ns: int) -> None:
        text = body if stream.between_events else stream.add(body)
        if not text:
            return
        arrivals, last_event_id, other = self.reader.blocks(text)
        if last_event_id is not None:
            self._last_event_id = last_event_id
        if other is not None:
            self._handle_other(other, stream)
        for arrival in arrivals:
            self.deliver(arrival, user_ns, kernel_ns)

    def _handle_other(self, other: OtherContents, stream: EventStream) -> None:
        stream.keep(other.rest, other.ends_with_cr)
        if other.retry_ms is not None:
            self._reconnection_ns = other.retry_ms * _NS_PER_MS
        if other.garbled is not None:
            problem = f"GET {wire.SSE_PATH} delivered data that is not an event (expected {EVENT_AS_JSON})"
            self.report(problem, other.garbled)


def _is_event_stream(head: Head) -> bool:
    return (head.field(b"content-type") or b"").partition(b";")[0].strip().lower() == _CONTENT_TYPE
