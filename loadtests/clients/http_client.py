"""The base of all HTTP clients: one HTTP/1.1 exchange at a time on a kept connection.

The request's text is fixed per client, so it is formatted rather than built; `loadtests.clients.http_answers` reads
answers. A connection that ends after a whole answer is opened again when the next request is due; after an error there
is a pause first.
"""

from __future__ import annotations

import abc
from functools import lru_cache
from typing import ClassVar

from contract import wire
from contract.records import NO_TIME_NS, Outcome, RequestKind
from loadtests.clients.base import ANSWER_TIMEOUT_NS, Client, ClientSetup, compresses
from loadtests.clients.http_answers import AnswerReader, Head, MalformedAnswerError, WholeAnswer, whole_answer
from loadtests.clients.recorder import REQUEST_ROW, Recorder, excerpt

_PADDING = "X-Padding: "
_REMEMBERED_HEADS = 256


class HttpClient(Client):
    """A client that sends one request after the other."""

    __slots__ = (
        "_answer",
        "_compressed",
        "_deadline_ns",
        "_deflated",
        "_down_bytes",
        "_headers",
        "_keeps_connection",
        "_kind",
        "_padded",
        "_patience_ns",
        "_pieces",
        "_planned_ns",
        "_request",
        "_reused",
        "_start_ns",
        "_up_bytes",
    )
    _deadline_ns: int
    _planned_ns: int
    _start_ns: int
    """When the latest request was sent; like the two times above unset before the first request."""
    expected_status: ClassVar[str] = "200"

    def __init__(self, setup: ClientSetup, recorder: Recorder) -> None:
        super().__init__(setup, recorder)
        self._compressed = compresses(setup)
        self._deflated: bool | None = None
        """Whether any answer was compressed; None before the first with a body."""
        self._padded = setup.parameters.headers == "padded"
        self._headers = _common_headers(setup.host, self._compressed)
        self._keeps_connection = True
        """Whether the next request is sent on the same connection, if the server keeps it open."""
        self._patience_ns = 0
        """How long the server may hold a request, on top of ANSWER_TIMEOUT_NS."""
        self._answer: AnswerReader | None = None
        """The reader of an answer that arrives in several pieces."""
        self._pieces: list[bytes] = []
        """The pieces of that answer's body."""
        self._request: bytes | None = None
        """The unanswered request; None if there is none."""
        self._reused = False
        """Whether the connection has carried an answer."""
        self._kind = RequestKind.POLL
        self._up_bytes = 0
        self._down_bytes = 0

    def send_request(self, request: bytes, kind: RequestKind, now_ns: int, planned_ns: int | None = None) -> None:
        """Send a request; `answered` is called with its answer, if there is one."""
        self._request = request
        self._kind = kind
        self._planned_ns = now_ns if planned_ns is None else planned_ns
        self._start_ns = now_ns
        self._write_request(request, now_ns)

    def head(self, request_line: str, further: str = "") -> bytes:
        """Return a request's head: its first line, the common headers, and the header lines in `further`."""
        return _head(request_line, self._headers + further, self._padded)

    @property
    def waiting(self) -> bool:
        """Whether a request is unanswered."""
        return self._request is not None

    @abc.abstractmethod
    def answered(self, head: Head, body: bytes, user_ns: int, kernel_ns: int) -> None:
        """Handle a whole answer, and call `record_answer`."""

    @abc.abstractmethod
    def send_next(self, now_ns: int) -> None:
        """Send the next request if it is due; the connection is open and idle."""

    @abc.abstractmethod
    def next_request_ns(self, now_ns: int) -> int | None:
        """Return when the next request is due while there is no connection; None if that is not known yet."""

    def record_answer(self, outcome: Outcome, end_ns: int, status: int = 0, events: int = 0) -> None:
        """Record the request that has been answered, and clear it."""
        self._request = None
        self.timer_ns = None
        self.recorder.requests.frombytes(
            REQUEST_ROW.pack(
                self.index,
                self._kind,
                self._planned_ns,
                self._start_ns,
                end_ns,
                outcome,
                status,
                events,
                self._up_bytes,
                self._down_bytes,
            )
        )

    def refuse(self, head: Head, body: bytes, now_ns: int) -> None:
        """Record an answer with an unexpected status; if it says that the cursor is too old, give up."""
        problem = f"answered {head.status} (expected {self.expected_status})"
        location = head.redirect_location
        if location is not None:
            self.report_answer(f"{problem}; redirects are not followed", location)
        else:
            self.report_answer(problem, body)
        self.record_answer(Outcome.BAD_STATUS, now_ns, head.status)
        if head.status == wire.CURSOR_TOO_OLD_STATUS:
            self.give_up()
        else:
            self.retry_later(now_ns)

    def refuse_garbled(self, head: Head, body: bytes, expected: str, now_ns: int) -> None:
        """Record an answer whose status is as expected and whose body is not."""
        kind = head.field(b"content-type")
        described = "" if kind is None else f", {excerpt(kind)}"
        self.report_answer(f"answered {head.status}{described} (expected {expected})", body)
        self.record_answer(Outcome.GARBLED, now_ns, head.status)
        self.retry_later(now_ns)

    def report_answer(self, problem: str, example: bytes = b"") -> None:
        """Report a problem with the answer to the present request."""
        request = (self._request or b"").partition(b" HTTP/")[0].partition(b"?")[0].decode()
        self.report(f"{request} {problem}", example)

    def disconnect_until_due(self, now_ns: int) -> None:
        """Close the connection until the next request is due."""
        self.wants_connection = False
        self.timer_ns = self.next_request_ns(now_ns)

    def follow_schedule(self, now_ns: int) -> None:
        """Set the timer to the next request of a schedule that has started, unless another event comes first."""
        if self.ready and not self.waiting and not self.is_connecting:
            self.timer_ns = self.next_request_ns(now_ns)

    # Called by the driver.

    def opened(self, now_ns: int) -> None:
        self._answer = None
        self._pieces.clear()
        self._reused = False
        if self._request is None:
            self.send_next(now_ns)
        else:
            self._write_request(self._request, now_ns)

    def received(self, data: bytes, user_ns: int, kernel_ns: int) -> bool:
        if self._request is None:
            # No request is open: a server announces that it will close the connection (408), so none may follow.
            self.disconnect_until_due(user_ns)
            return True
        first = not self._down_bytes
        self._down_bytes += len(data)
        try:
            whole = whole_answer(data, self._compressed) if first else None
            if whole is not None:
                self._complete(whole, user_ns, kernel_ns)
            else:
                self.read_answer(data, user_ns, kernel_ns)
        except MalformedAnswerError as error:
            self._abandon(Outcome.GARBLED, user_ns, f"got no usable answer: {error}", data)
        return True

    def read_answer(self, data: bytes, user_ns: int, kernel_ns: int) -> None:
        """Read one piece of an answer that arrives in several."""
        answer = self._answer
        if answer is None:
            self._answer = answer = AnswerReader(self._compressed)
        self._pieces.append(answer.read(data))
        if answer.complete:
            self._complete(self._joined(answer), user_ns, kernel_ns)

    def broken(self, now_ns: int) -> None:
        # An answer that ends with its connection is not complete without the FIN (RFC 9112, section 8).
        self._answer = None
        self.disconnected(now_ns)

    def disconnected(self, now_ns: int) -> None:
        if self._request is None:
            self.disconnect_until_due(now_ns)
            return
        answer = self._answer
        if answer is not None:
            answer.end()
        if answer is not None and answer.complete:
            # No kernel stamps the end of a stream.
            self._complete(self._joined(answer), now_ns, NO_TIME_NS)
        elif self._down_bytes:
            self._abandon(Outcome.LOST, now_ns, "got part of an answer before its connection was closed")
        elif not self._reused:
            self._abandon(Outcome.LOST, now_ns, "got no answer: its new connection was closed")
        elif self._kind is RequestKind.POST:
            self._abandon(
                Outcome.LOST,
                now_ns,
                "got no answer: its kept-alive connection was closed, and a POST is not sent twice (RFC 9110, 9.2.2)",
            )
        # Else the server closed a kept connection as the request was sent: `opened` sends it again on a new one.

    def due(self, now_ns: int) -> None:
        if self._request is None:
            self.send_next(now_ns)
        elif now_ns >= self._deadline_ns:
            allowed_s = (self._patience_ns + ANSWER_TIMEOUT_NS) / 1e9
            self._abandon(Outcome.TIMEOUT, now_ns, f"got no whole answer within {allowed_s:g} s")

    def finish(self, now_ns: int) -> None:
        if self._request is not None:
            self.record_answer(Outcome.UNFINISHED, NO_TIME_NS)
        if self._compressed and self._deflated is not None:
            self.recorder.record_deflated(self._deflated)
            if not self._deflated:
                self.report("no answer was compressed, though each request said Accept-Encoding: deflate")
        self.wants_connection = False
        self.timer_ns = None

    # Within one exchange.

    def _write_request(self, request: bytes, now_ns: int) -> None:
        self.output += request
        self._up_bytes = len(request)
        self._down_bytes = 0
        self.timer_ns = self._deadline_ns = now_ns + self._patience_ns + ANSWER_TIMEOUT_NS

    def _joined(self, answer: AnswerReader) -> WholeAnswer:
        assert answer.head is not None
        whole = WholeAnswer(answer.head, b"".join(self._pieces), answer.reusable)
        self._answer = None
        self._pieces.clear()
        return whole

    def _complete(self, answer: WholeAnswer, user_ns: int, kernel_ns: int) -> None:
        self._reused = True
        if self._compressed and answer.body:
            self.record_compression(answer.head)
        self.answered(answer.head, answer.body, user_ns, kernel_ns)
        if not self.wants_connection:
            return
        if not (answer.reusable and self._keeps_connection):
            self.disconnect_until_due(user_ns)
        elif self._request is None:
            self.send_next(user_ns)

    def record_compression(self, head: Head) -> None:
        """Record whether an answer with a body was compressed, as its request allowed."""
        if head.status == 200:
            self._deflated = self._deflated or head.field(b"content-encoding") is not None

    def _abandon(self, outcome: Outcome, now_ns: int, problem: str, example: bytes = b"") -> None:
        self.report_answer(problem, example)
        self.record_answer(outcome, now_ns)
        self.retry_later(now_ns)


@lru_cache
def _common_headers(host: str, compressed: bool) -> str:
    encodings = "Accept-Encoding: deflate\r\n" if compressed else ""
    return f"Host: {host}\r\nAccept: */*\r\nUser-Agent: push-vs-poll\r\n{encodings}"


@lru_cache(_REMEMBERED_HEADS)
def _head(request_line: str, header_lines: str, padded: bool) -> bytes:
    lines = f"{request_line}\r\n{header_lines}"
    return f"{lines}{_padding(lines) if padded else ''}\r\n".encode()


def _padding(lines: str) -> str:
    """Return the header line that pads a head, line ends not counted; none if the head is long enough."""
    written = len(lines) - 2 * lines.count("\r\n")
    room = wire.PADDED_REQUEST_CHARACTERS - written - len(_PADDING)
    return f"{_PADDING}{'x' * room}\r\n" if room > 0 else ""
