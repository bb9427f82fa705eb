"""Server-sent events: one GET, then a body that never ends (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from loadtests.clients.base import ClientSetup
from loadtests.clients.http import HttpClient
from loadtests.recorder import Recorder
from loadtests.records import Outcome, RequestKind
from servers import wire


class SseClient(HttpClient):
    """Reads `data:` fields of an event stream; its cursor goes back as Last-Event-ID when it must reconnect."""

    __slots__ = ("_unparsed",)
    only_listens = True

    def __init__(self, setup: ClientSetup, recorder: Recorder) -> None:
        super().__init__(setup, recorder)
        self._unparsed = b""

    def ask_again(self, now_ns: int) -> None:
        self._unparsed = b""
        resume = f"Last-Event-ID: {self.cursor}\r\n" if self.cursor else ""
        request = self.head(f"GET {wire.SSE_PATH}?after={self.cursor}{self.own_name} HTTP/1.1", resume)
        self.ask(request, RequestKind.HANDSHAKE, now_ns)

    def on_headers_complete(self) -> None:
        """The stream is open as soon as its headers are here."""
        if self._parser.get_status_code() == 200:
            self.record_answer(Outcome.ANSWERED, self._user_ns, 200)
            self.ready = True

    def on_body(self, body: bytes) -> None:
        if self.waiting:
            return
        arrivals, self._unparsed = self.reader.blocks(self._unparsed + body)
        for arrival in arrivals:
            self.deliver(arrival, self._user_ns, self._kernel_ns)

    def on_message_complete(self) -> None:
        if self.waiting:
            super().on_message_complete()
        else:
            self.retry_later(self._user_ns)

    def answered(self, status: int, body: bytes, user_ns: int, kernel_ns: int) -> None:
        self.record_answer(Outcome.BAD_STATUS, user_ns, status)
        if status == wire.CURSOR_TOO_OLD_STATUS:
            self.give_up()
        else:
            self.retry_later(user_ns)

    def timer(self, now_ns: int) -> None:
        # An open stream is idle, not unanswered: nothing is to be asked again on it.
        if self.waiting or not self.wants_connection:
            super().timer(now_ns)
