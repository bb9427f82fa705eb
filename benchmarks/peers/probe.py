"""`python -m benchmarks.peers.probe websocket|poll PORT CLIENTS FOLDER`: a few clients that record kernel stamps.

They run in a process of their own, on the same server and stream and at the same time as a tool, over the Sans-I/O
protocols of `websockets` and `h11`, without the harness's driver or clients. Since the server shuffles the order of its
clients for every event, a few of them are a fair sample. Ends at SIGTERM or when the server is gone, and leaves two
tables in the folder.
"""

from __future__ import annotations

import abc
import selectors
import signal
import socket
import sys
import time
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import h11
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from benchmarks.peers.workloads import BEYOND_THE_STREAM
from contract import wire
from contract.records import ClockPairs, Table
from contract.records.tables import Numbers, Times
from loadtests.clients.recorder import Recorder
from system.kernel_stamps import enable_stamps, read_stamped

HOST = "127.0.0.1"
_READ_BYTES = 65536
_CLOCKS_EVERY_S = 1.0
_POLL_PERIOD_NS = 100_000_000


@dataclass(frozen=True)
class Arrivals(Table):
    """One row per event or answer that a probe received."""

    FILE: ClassVar[str] = "probe.npz"
    client: Numbers
    from_ns: Times
    """When the event was due; for an answer, when its poll was sent."""
    kernel_realtime_ns: Times
    """Kernel receive stamp (SO_TIMESTAMPNS, CLOCK_REALTIME); 0 if there is none."""
    user_ns: Times
    """When the read returned."""


class _Client(abc.ABC):
    """One probe: a connected socket and its protocol."""

    def __init__(self, index: int, port: int, rows: array[int]) -> None:
        self.index = index
        self.rows = rows
        self.sock = socket.create_connection((HOST, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        enable_stamps(self.sock)

    def read(self) -> bool:
        """Read what has arrived; return False at the end of the connection."""
        data, kernel_ns = read_stamped(self.sock, _READ_BYTES)
        if data:
            self.received(data, kernel_ns, time.monotonic_ns())
        return bool(data)

    def turn(self, now_ns: int) -> int:
        """Do what is due; return when the next action is due, in ns from now."""
        return _POLL_PERIOD_NS

    @abc.abstractmethod
    def received(self, data: bytes, kernel_ns: int, user_ns: int) -> None:
        """Handle bytes that arrived."""


class _Listener(_Client):
    """Listens on the event channel."""

    def __init__(self, index: int, port: int, rows: array[int]) -> None:
        super().__init__(index, port, rows)
        self._protocol = ClientProtocol(parse_uri(f"ws://{HOST}:{port}{wire.WEBSOCKET_PATH}"))
        self._protocol.send_request(self._protocol.connect())
        self.sock.sendall(b"".join(self._protocol.data_to_send()))

    def received(self, data: bytes, kernel_ns: int, user_ns: int) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                due_ns = wire.decode_event(bytes(event.data)).due_ns
                self.rows.extend((self.index, due_ns, kernel_ns, user_ns))


class _Poller(_Client):
    """Polls on a schedule, after a cursor that no stream reaches."""

    def __init__(self, index: int, port: int, rows: array[int], phase_ns: int) -> None:
        super().__init__(index, port, rows)
        self._protocol = h11.Connection(h11.CLIENT)
        self._due_ns = time.monotonic_ns() + phase_ns
        self._sent_ns: int | None = None
        self._request = h11.Request(
            method="GET",
            target=f"{wire.SHORT_POLL_PATH}?after={BEYOND_THE_STREAM}",
            headers=[("Host", f"{HOST}:{port}")],
        )

    def turn(self, now_ns: int) -> int:
        if now_ns >= self._due_ns and self._sent_ns is None:
            data = (self._protocol.send(self._request) or b"") + (self._protocol.send(h11.EndOfMessage()) or b"")
            self._sent_ns = time.monotonic_ns()
            self.sock.sendall(data)
        while self._due_ns <= now_ns:
            self._due_ns += _POLL_PERIOD_NS
        return self._due_ns - now_ns

    def received(self, data: bytes, kernel_ns: int, user_ns: int) -> None:
        self._protocol.receive_data(data)
        while (event := self._protocol.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.EndOfMessage) and self._sent_ns is not None:
                self.rows.extend((self.index, self._sent_ns, kernel_ns, user_ns))
                self._sent_ns = None
                self._protocol.start_next_cycle()


def main(arguments: list[str]) -> int:
    """Probe until SIGTERM."""
    signal.signal(signal.SIGTERM, _interrupt)
    work, port, count, folder = arguments[0], int(arguments[1]), int(arguments[2]), Path(arguments[3])
    rows: array[int] = array("q")
    recorder = Recorder()
    recorder.read_clocks()
    try:
        clients: list[_Client] = [
            _Listener(i, port, rows) if work == "websocket" else _Poller(i, port, rows, i * _POLL_PERIOD_NS // count)
            for i in range(count)
        ]
        _watch(clients, recorder)
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        recorder.read_clocks()
        Arrivals.from_rows(rows).save(folder)
        ClockPairs.from_rows(recorder.clock, worker=0).save(folder)
    return 0


def _watch(clients: list[_Client], recorder: Recorder) -> None:
    read_clocks_s = time.monotonic() + _CLOCKS_EVERY_S
    with selectors.DefaultSelector() as ready:
        for client in clients:
            ready.register(client.sock, selectors.EVENT_READ, client)
        while ready.get_map():
            try:
                wait_ns = min(client.turn(time.monotonic_ns()) for client in clients)
            except OSError:
                return  # the server has ended during a request
            for key, _ in ready.select(wait_ns / 1e9):
                if not key.data.read():
                    ready.unregister(key.fileobj)
            if time.monotonic() >= read_clocks_s:
                recorder.read_clocks()
                read_clocks_s += _CLOCKS_EVERY_S


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
