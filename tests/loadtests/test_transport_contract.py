"""The contract that every registered transport keeps, on either stack and under every factor of a scenario.

Against its real server and through the real driver.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gevent
import numpy as np
import pytest

from loadtests.clients.base import ClientSetup
from loadtests.control import ControlClient
from loadtests.driver import Connection, Driver
from loadtests.population import new_client
from loadtests.recorder import Recorder
from loadtests.records import ClockPairs, Deliveries, Outcome, RequestKind, Requests, Sockets, SocketStage
from loadtests.transports import TRANSPORTS, Transport
from tests.running import PATIENCE_S, running_server

EVENTS = 30
OFFSETS_NS = tuple((i + 1) * 20_000_000 for i in range(EVENTS))
PAYLOADS = ("one", "two", "three")
PARAMETERS = {"rate_per_s": 50, "poll_interval_s": 0.05, "hold_s": 5.0}
CLIENTS = 3
STACKS = ("fastapi", "asgi")


class Exchange:
    """Three clients of one transport and their server, from connect to close."""

    def __init__(self, transport: Transport, url: str, **factors: Any) -> None:
        self.recorder = Recorder()
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.driver = Driver((parts.hostname, parts.port), self.recorder)
        self.control = ControlClient(url)
        for i in range(CLIENTS):
            parameters = PARAMETERS | factors
            setup = ClientSetup(i, parts.netloc, parameters, PAYLOADS, OFFSETS_NS, phase_ns=i * 7_000_000)
            self.driver.add(new_client(transport.name, setup, self.recorder))
        self._transport = transport

    def wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, "the clients did not get there"
            gevent.sleep(0.01)

    def stream(self) -> None:
        self.wait(lambda: all(c.client.ready for c in self.driver.connections))
        if self._transport.clients_send:
            t0_ns = time.monotonic_ns()
        else:
            t0_ns = self.control.start_stream(100, list(OFFSETS_NS), list(PAYLOADS))
        self.driver.begin(self.driver.connections, t0_ns)

    def settle(self) -> None:
        self.wait(lambda: all(c.client.settled for c in self.driver.connections))

    @property
    def deliveries(self) -> Deliveries:
        return Deliveries.from_rows(self.recorder.deliveries)

    def seqs(self, client: int) -> list[int]:
        found = self.deliveries
        return list(found.seq[found.client == client].tolist())


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=lambda transport: transport.name)
def test_every_event_once_in_order_and_a_clean_close(transport: Transport, stack: str, tmp_path: Path) -> None:
    with running_server(tmp_path, transport.server, "--stack", stack) as url:
        exchange = Exchange(transport, url)
        exchange.driver.watch_itself()
        found = _deliver_everything(exchange)
        _check_stamps(exchange, found)
        _check_sockets(exchange)
        exchange.wait(lambda: exchange.control.stats()["channels"] == 0)
        exchange.control.close()


def _deliver_everything(exchange: Exchange) -> Deliveries:
    exchange.stream()
    exchange.settle()
    exchange.driver.finish()
    for client in range(CLIENTS):
        assert exchange.seqs(client) == list(range(1, EVENTS + 1))
    found = exchange.deliveries
    assert found.payload_ok.all()
    assert (found.published_ns >= found.due_ns).all()
    assert (found.user_ns >= found.published_ns).all()
    return found


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=lambda transport: transport.name)
def test_the_contract_holds_compressed_padded_and_without_keep_alive(
    transport: Transport, stack: str, tmp_path: Path
) -> None:
    chosen = ("--stack", stack, "--compression", "deflate", "--headers", "padded")
    with running_server(tmp_path, transport.server, *chosen) as url:
        exchange = Exchange(transport, url, compression="deflate", headers="padded", keep_alive=False)
        _deliver_everything(exchange)
        _check_sockets(exchange)
        exchange.control.close()
    requests = Requests.from_rows(exchange.recorder.requests)
    ended = requests.where((requests.kind == RequestKind.POLL) & (requests.end_ns > 0))
    connects = requests.where(requests.kind == RequestKind.CONNECT)
    if len(ended):
        assert len(ended) <= len(connects) <= len(ended) + CLIENTS
    assert not np.isin(requests.outcome, (Outcome.GARBLED, Outcome.BAD_STATUS, Outcome.LOST, Outcome.TIMEOUT)).any()


def _check_stamps(exchange: Exchange, found: Deliveries) -> None:
    if not exchange.driver.kernel_stamps:
        pytest.skip("this platform has no kernel receive stamps")
    kernel_ns = ClockPairs.from_rows(exchange.recorder.clock).to_monotonic(found.kernel_realtime_ns)
    stamped = kernel_ns > 0
    # The kernel's stamps are switched on with the first socket: its very first segments may go without.
    assert np.mean(stamped) > 0.9
    uncertainty_ns = 100_000
    assert (kernel_ns[stamped] <= found.user_ns[stamped] + uncertainty_ns).all()
    assert (kernel_ns[stamped] >= found.published_ns[stamped] - uncertainty_ns).all()


def _check_sockets(exchange: Exchange) -> None:
    """What the kernel counted is what the clients' own books say."""
    sockets = Sockets.from_rows(exchange.recorder.sockets)
    closed = sockets.where(sockets.stage == SocketStage.CLOSED)
    requests = Requests.from_rows(exchange.recorder.requests)
    assert (closed.down_bytes > 0).all()
    for client, up_bytes in zip(closed.client, closed.up_bytes, strict=True):
        assert up_bytes >= requests.up_bytes[requests.client == client].sum()
    if exchange.driver.kernel_counters:
        assert (closed.up_segments > 0).all()


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(
    "transport", [t for t in TRANSPORTS.values() if not t.clients_send], ids=lambda transport: transport.name
)
def test_resume_after_a_cut_without_loss_or_repetition(transport: Transport, stack: str, tmp_path: Path) -> None:
    with running_server(tmp_path, transport.server, "--stack", stack) as url:
        exchange = Exchange(transport, url)
        exchange.stream()
        victim = exchange.driver.connections[0]
        exchange.wait(lambda: victim.client.cursor >= 5)
        _cut(victim)
        exchange.settle()
        exchange.driver.finish()
        exchange.control.close()
        for client in range(CLIENTS):
            assert exchange.seqs(client) == list(range(1, EVENTS + 1))
        requests = Requests.from_rows(exchange.recorder.requests)
        connects = requests.where((requests.kind == RequestKind.CONNECT) & (requests.outcome == Outcome.ANSWERED))
        assert np.bincount(connects.client).tolist() == [2, 1, 1]


def _cut(connection: Connection) -> None:
    assert connection.sock is not None
    connection.sock.shutdown(socket.SHUT_RDWR)
