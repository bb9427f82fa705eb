"""The contract that every registered transport keeps, on either stack and under every factor of a scenario.

Against its real server and through the real driver.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import gevent
import numpy as np
import pytest

from analysis.trial.latency import written_at_ns
from benchmarks.slowed_clients import SlowDriver, is_slowed
from contract.records import (
    ClockPairs,
    Deliveries,
    Outcome,
    RequestKind,
    Requests,
    Sockets,
    SocketStage,
    Written,
)
from contract.transports import TRANSPORTS, Transport
from loadtests.clients.base import Client, ClientSetup
from loadtests.clients.polling import ShortPollClient
from loadtests.clients.recorder import Recorder
from loadtests.control_client import ControlClient
from loadtests.load.connection import Connection
from loadtests.load.socket_driver import Driver
from loadtests.plan.population import new_client
from tests.made_parameters import parameters
from tests.running import PATIENCE_S, running_server

pytestmark = [pytest.mark.clocks, pytest.mark.takes_s(50, waits=True)]

EVENTS = 30
OFFSETS_NS = tuple((i + 1) * 20_000_000 for i in range(EVENTS))
PAYLOADS = ("one", "two", "three")
PARAMETERS = parameters(rate_per_s=50, poll_interval_s=0.05, hold_s=5.0)
CLIENTS = 3
READ_SPACING_NS = 1_000_000
LAG_PERIOD_NS = 200_000_000
"""As in a trial with a hundred clients and more."""
STACKS = ("fastapi", "asgi")


class Exchange:
    """Three clients of one transport and their server, from connect to close."""

    def __init__(
        self,
        transport: Transport,
        url: str,
        *,
        slowed_ms: float = 0.0,
        named: bool = False,
        one_by_one: bool = False,
        offsets_ns: tuple[int, ...] = OFFSETS_NS,
        **factors: Any,
    ) -> None:
        """`one_by_one`: the server hears of them in the order of their indices."""
        self._offsets_ns = offsets_ns
        self.recorder = Recorder()
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        address = (parts.hostname, parts.port)
        self.driver = (
            SlowDriver(address, self.recorder, slowed_ms, READ_SPACING_NS)
            if slowed_ms
            else Driver(address, self.recorder, READ_SPACING_NS)
        )
        self.control = ControlClient(url)
        for i in range(CLIENTS):
            asked, phase_ns = PARAMETERS.replace(**factors), i * 7_000_000
            setup = ClientSetup(i, parts.netloc, asked, PAYLOADS, offsets_ns, phase_ns=phase_ns, named=named)
            client = new_client(transport.name, setup, self.recorder)
            self.driver.add(client)
            if one_by_one:
                self._wait_until_known(client, i + 1)
        self._transport = transport

    def wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, "the clients did not get there"
            gevent.sleep(0.01)

    def _wait_until_known(self, client: Client, clients: int) -> None:
        self.wait(lambda: client.ready)
        # Short polls are in order by their phases.
        if not isinstance(client, ShortPollClient):
            self.wait(lambda: self.control.stats()["waiting"] == clients)

    def stream(self) -> None:
        self.wait(lambda: all(c.client.ready for c in self.driver.connections))
        if self._transport.kind.clients_send:
            t0_ns = time.monotonic_ns()
        else:
            t0_ns = self.control.start_stream(100, list(self._offsets_ns), list(PAYLOADS))
        self.driver.begin(self.driver.connections, t0_ns)

    def settle(self) -> None:
        self.wait(lambda: all(c.client.settled for c in self.driver.connections))

    @property
    def deliveries(self) -> Deliveries:
        return Deliveries.from_rows(self.recorder.deliveries)

    def seqs(self, client: int) -> list[int]:
        found = self.deliveries
        return list(found.seq[found.client == client].tolist())


ServerUrl = Callable[..., str]


@pytest.fixture(scope="module")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUrl]:
    """The URL of a server with these options and without events: one for all tests of the module that ask for it."""
    with contextlib.ExitStack() as servers:

        @functools.cache
        def started(*options: str) -> str:
            return servers.enter_context(running_server(tmp_path_factory.mktemp("server"), *options))

        def url_of(*options: str) -> str:
            url = started(*options)
            with contextlib.closing(ControlClient(url)) as control:
                control.empty_log()
            return url

        yield url_of


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=lambda transport: transport.name)
def test_every_event_once_in_order_and_a_clean_close(transport: Transport, stack: str, server_url: ServerUrl) -> None:
    exchange = Exchange(transport, server_url(transport.server, "--stack", stack))
    exchange.driver.record_lag(LAG_PERIOD_NS)
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
    transport: Transport, stack: str, server_url: ServerUrl
) -> None:
    url = server_url("all", "--stack", stack, "--compression", "deflate", "--headers", "padded")
    exchange = Exchange(transport, url, compression="deflate", headers="padded", keep_alive=False)
    _deliver_everything(exchange)
    _check_sockets(exchange)
    exchange.control.close()
    assert not list(exchange.recorder.problems), "as there would be if no answer was compressed"
    requests = Requests.from_rows(exchange.recorder.requests)
    ended = requests.where((requests.kind == RequestKind.POLL) & (requests.end_ns > 0))
    connects = requests.where(requests.kind == RequestKind.CONNECT)
    if len(ended):
        assert len(ended) <= len(connects) <= len(ended) + CLIENTS
    assert not np.isin(requests.outcome, (Outcome.GARBLED, Outcome.BAD_STATUS, Outcome.LOST, Outcome.TIMEOUT)).any()


def _check_stamps(exchange: Exchange, found: Deliveries) -> None:
    if not exchange.driver.kernel_stamps:
        pytest.skip("this platform has no kernel receive stamps")
    kernel_ns = ClockPairs.from_rows(exchange.recorder.clock, worker=0).to_monotonic(found.kernel_realtime_ns)
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
    "transport", [t for t in TRANSPORTS.values() if not t.kind.clients_send], ids=lambda transport: transport.name
)
def test_resume_after_a_cut_without_loss_or_repetition(transport: Transport, stack: str, server_url: ServerUrl) -> None:
    exchange = Exchange(transport, server_url(transport.server, "--stack", stack))
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


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(
    "transport", [t for t in TRANSPORTS.values() if not t.kind.clients_send], ids=lambda transport: transport.name
)
def test_nothing_is_lost_or_repeated_between_two_workers(
    transport: Transport, stack: str, server_url: ServerUrl
) -> None:
    url = server_url("all", "--server-processes", "2", "--stack", stack)
    exchange = Exchange(transport, url, keep_alive=False)
    exchange.stream()
    for reached in (5, 15):
        for victim in exchange.driver.connections:
            exchange.wait(lambda client=victim.client, reached=reached: client.cursor >= reached)  # type: ignore[misc]  # bound now
            # Who opens a connection for each poll may have none at the moment, and needs no cut.
            if victim.open:
                with contextlib.suppress(OSError):
                    _cut(victim)
    exchange.settle()
    exchange.driver.finish()
    exchange.control.close()
    for client in range(CLIENTS):
        assert exchange.seqs(client) == list(range(1, EVENTS + 1))
    assert exchange.deliveries.payload_ok.all()


def _cut(connection: Connection) -> None:
    assert connection.sock is not None
    connection.sock.shutdown(socket.SHUT_RDWR)


STREAMED = [transport for transport in TRANSPORTS.values() if not transport.kind.clients_send]


@pytest.mark.parametrize("transport", STREAMED, ids=lambda transport: transport.name)
def test_every_other_client_is_slowed_on_purpose_and_told_all_the_same_of_every_event(
    transport: Transport, server_url: ServerUrl
) -> None:
    delay_ms = 15.0
    exchange = Exchange(transport, server_url(transport.server, "--stack", "fastapi"), slowed_ms=delay_ms)
    exchange.driver.record_lag(LAG_PERIOD_NS)
    exchange.stream()
    exchange.settle()
    exchange.driver.finish()
    exchange.control.close()
    for client in range(CLIENTS):
        assert exchange.seqs(client) == list(range(1, EVENTS + 1))
    if not exchange.driver.kernel_stamps:
        pytest.skip("this platform has no kernel receive stamps")
    found = exchange.deliveries
    found = found.where(found.kernel_realtime_ns > 0)
    kernel_ns = ClockPairs.from_rows(exchange.recorder.clock, worker=0).to_monotonic(found.kernel_realtime_ns)
    slowed = np.array([is_slowed(client) for client in found.client.tolist()])
    own_delay_ns = found.user_ns - kernel_ns
    assert own_delay_ns[slowed].min() >= 0.9 * delay_ms * 1e6
    # The others share the process, so that one of them may have to wait for it, but not all of them the whole delay.
    assert own_delay_ns[~slowed].min() < own_delay_ns[slowed].min()


@pytest.mark.parametrize("transport", STREAMED, ids=lambda transport: transport.name)
def test_the_servers_trace_has_every_delivery_of_every_client(transport: Transport, server_url: ServerUrl) -> None:
    exchange = Exchange(transport, server_url("all", "--trace"), named=True)
    exchange.driver.record_lag(LAG_PERIOD_NS)
    exchange.stream()
    exchange.settle()

    def written() -> Written:
        return Written.from_rows(np.frombuffer(exchange.control.trace(), dtype="<i8"))

    exchange.wait(lambda: len(written()) == CLIENTS * EVENTS)
    trace = written()
    exchange.driver.finish()
    exchange.control.close()
    found = exchange.deliveries
    written_ns = written_at_ns(found, trace)
    assert written_ns is not None
    assert (written_ns >= found.published_ns).all()
    # The note is made after the send, and so may come a moment after the client's read.
    assert np.median(found.user_ns - written_ns) > -1e6
