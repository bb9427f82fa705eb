"""A stand-in for the driver: one client, no socket, no clock. The test says what happens, and when."""

from __future__ import annotations

from typing import Any

from contract.records import Deliveries, Outcome, RequestKind, Requests
from loadtests.clients.base import Client, ClientSetup
from loadtests.clients.recorder import Recorder
from loadtests.plan.population import new_client
from tests.made_parameters import parameters

PAYLOADS = ("alpha", "beta")
MS = 1_000_000
DEFAULTS = parameters(poll_interval_s=1.0, hold_s=30.0)


class Bench:
    """Drives one client by hand; `now_ns` moves only when the test moves it."""

    def __init__(self, transport: str, *, events: int = 4, phase_ns: int = 0, **stated: Any) -> None:
        self.recorder = Recorder()
        self.now_ns = 1_000 * MS
        offsets = tuple((i + 1) * 100 * MS for i in range(events))
        setup = ClientSetup(7, "127.0.0.1:1", DEFAULTS.replace(**stated), PAYLOADS, offsets, phase_ns)
        self.client: Client = new_client(transport, setup, self.recorder)

    def connect(self) -> bytes:
        """Open the connection; returns what the client says first."""
        self.client.connecting(self.now_ns)
        self.now_ns += MS
        self.client.connected(self.now_ns)
        return self.sent()

    def sent(self) -> bytes:
        """What the client wants sent, taken off it."""
        data = bytes(self.client.output)
        self.client.output.clear()
        return data

    def feed(self, data: bytes, *, after_ms: float = 1) -> bytes:
        """Bytes arrive a moment later; returns what the client answers."""
        self.now_ns += round(after_ms * MS)
        self.client.received(data, self.now_ns, self.now_ns + 5)
        return self.sent()

    def ring(self) -> bytes:
        """Move to the client's next deadline and let it ring; returns what it sends."""
        assert self.client.timer_ns is not None, "the client waits for no deadline"
        self.now_ns = max(self.now_ns, self.client.timer_ns)
        self.client.timer_ns = None
        self.client.timer(self.now_ns)
        return self.sent()

    def cut(self) -> None:
        """The connection breaks."""
        self.client.output.clear()
        self.client.disconnected(self.now_ns)

    @property
    def deliveries(self) -> Deliveries:
        """Recorded so far."""
        return Deliveries.from_rows(self.recorder.deliveries)

    @property
    def requests(self) -> Requests:
        """Recorded so far."""
        return Requests.from_rows(self.recorder.requests)

    @property
    def problem(self) -> str:
        """What the client says went wrong: one sentence."""
        (sentence,) = self.recorder.problems
        return sentence

    def outcomes(self, kind: RequestKind) -> list[str]:
        """Outcomes of the requests of one kind, by name, in order."""
        requests = self.requests
        return [Outcome(value).name for value in requests.outcome[requests.kind == kind].tolist()]


def http(status: int, body: bytes = b"", *, extra: str = "") -> bytes:
    """One HTTP answer as a server writes it."""
    length = "" if status == 204 else f"content-length: {len(body)}\r\n"
    return f"HTTP/1.1 {status} Whatever\r\n{length}{extra}\r\n".encode() + body
