"""One HTTP/1.1 exchange at a time on a kept connection: what polls, SSE and POST echoes stand on.

httptools (llhttp) parses; the request's text is fixed per client, so it is formatted rather than built.
"""

from __future__ import annotations

import abc
from functools import lru_cache
from typing import Any

import httptools

from loadtests.clients.base import ANSWER_TIMEOUT_NS, Client, ClientSetup, compresses
from loadtests.clients.inflating import Inflating
from loadtests.recorder import REQUEST_ROW, Recorder
from loadtests.records import NO_TIME_NS, Outcome, RequestKind
from servers import wire

_PADDING = "X-Padding: "
_REMEMBERED_HEADS = 256


class HttpClient(Client):
    """A client that asks one request after the other."""

    __slots__ = (
        "_body", "_compressed", "_deadline_ns", "_down_bytes", "_headers", "_kernel_ns", "_kind", "_padded", "_parser",
        "_planned_ns", "_start_ns", "_up_bytes", "_user_ns", "_waiting",
    )  # fmt: skip
    _deadline_ns: int
    _planned_ns: int
    _start_ns: int
    """Of the latest request; unset before the first."""
    _user_ns: int
    _kernel_ns: int
    """Of the latest bytes that arrived; unset before any did."""

    def __init__(self, setup: ClientSetup, recorder: Recorder) -> None:
        super().__init__(setup, recorder)
        self._compressed = compresses(setup)
        self._padded = setup.parameters.get("headers") == "padded"
        self._headers = _common_headers(setup.host, self._compressed)
        self._parser: Any = None
        self._kind = RequestKind.POLL
        self._waiting = False
        self._up_bytes = 0
        self._down_bytes = 0
        self._body = b""

    def ask(
        self, request: bytes, kind: RequestKind, now_ns: int, planned_ns: int | None = None, patience_ns: int = 0
    ) -> None:
        """Send a request; `answered` is called with its answer, `unanswered` where there is none."""
        self.output += request
        self._kind = kind
        self._waiting = True
        self._planned_ns = now_ns if planned_ns is None else planned_ns
        self._start_ns = now_ns
        self._up_bytes = len(request)
        self._down_bytes = 0
        self.timer_ns = self._deadline_ns = now_ns + patience_ns + ANSWER_TIMEOUT_NS

    def head(self, request_line: str, further: str = "") -> bytes:
        """A request's head: its first line, what every request of this client says, and `further` header lines."""
        return _head(request_line, self._headers + further, self._padded)

    @property
    def waiting(self) -> bool:
        """A request is unanswered."""
        return self._waiting

    @property
    def overdue_ns(self) -> int:
        """When the unanswered request is given up."""
        return self._deadline_ns

    @abc.abstractmethod
    def answered(self, status: int, body: bytes, user_ns: int, kernel_ns: int) -> None:
        """A whole answer has arrived; it calls `record_answer`."""

    @abc.abstractmethod
    def ask_again(self, now_ns: int) -> None:
        """The connection is open and idle: ask, if it is time to."""

    def record_answer(self, outcome: Outcome, end_ns: int, status: int = 0, events: int = 0) -> None:
        """Close the books of the request that is being answered."""
        self._waiting = False
        self.timer_ns = None
        self.recorder.requests.frombytes(
            REQUEST_ROW.pack(
                self.index, self._kind, self._planned_ns, self._start_ns, end_ns, outcome, status, events,
                self._up_bytes, self._down_bytes,
            )
        )  # fmt: skip

    # What the driver tells.

    def opened(self, now_ns: int) -> None:
        self._parser = httptools.HttpResponseParser(Inflating(self) if self._compressed else self)
        self._body = b""
        self.ask_again(now_ns)

    def received(self, data: bytes, user_ns: int, kernel_ns: int) -> bool:
        self._down_bytes += len(data)
        self._user_ns = user_ns
        self._kernel_ns = kernel_ns
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._abandon(Outcome.GARBLED, user_ns)
        return True

    def disconnected(self, now_ns: int) -> None:
        if self._waiting:
            self.record_answer(Outcome.LOST, now_ns)
        self.retry_later(now_ns)

    def timer(self, now_ns: int) -> None:
        if not self.wants_connection:
            self.wants_connection = not self.cut_off
        elif not self._waiting:
            self.ask_again(now_ns)
        elif now_ns >= self._deadline_ns:
            self._abandon(Outcome.TIMEOUT, now_ns)

    def finish(self, now_ns: int) -> None:
        if self._waiting:
            self.record_answer(Outcome.UNFINISHED, NO_TIME_NS)
        self.wants_connection = False
        self.timer_ns = None

    def _abandon(self, outcome: Outcome, now_ns: int) -> None:
        if self._waiting:
            self.record_answer(outcome, now_ns)
        self.retry_later(now_ns)

    # What the parser tells.

    def on_body(self, body: bytes) -> None:
        """A piece of the answer's body."""
        self._body = self._body + body if self._body else body

    def on_message_complete(self) -> None:
        """The answer is whole."""
        body, self._body = self._body, b""
        if not self._waiting:
            self.retry_later(self._user_ns)
            return
        kept = self._parser.should_keep_alive()
        self.answered(self._parser.get_status_code(), body, self._user_ns, self._kernel_ns)
        if not kept and self.wants_connection:
            self.retry_later(self._user_ns)
        elif self.wants_connection and not self._waiting:
            self.ask_again(self._user_ns)


@lru_cache
def _common_headers(host: str, compressed: bool) -> str:
    encodings = "Accept-Encoding: deflate\r\n" if compressed else ""
    return f"Host: {host}\r\nAccept: */*\r\nUser-Agent: push-vs-poll\r\n{encodings}"


@lru_cache(_REMEMBERED_HEADS)
def _head(request_line: str, header_lines: str, padded: bool) -> bytes:
    lines = f"{request_line}\r\n{header_lines}"
    return f"{lines}{_padding(lines) if padded else ''}\r\n".encode("ascii")


def _padding(lines: str) -> str:
    """The header line that brings a head to its padded length, line ends not counted; none where it is longer."""
    written = len(lines) - 2 * lines.count("\r\n")
    room = wire.PADDED_REQUEST_CHARACTERS - written - len(_PADDING)
    return f"{_PADDING}{'x' * room}\r\n" if room > 0 else ""
