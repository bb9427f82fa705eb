"""The clients of one load process in a trial: opens them, starts the stream, and waits until they have all events.

The single process of an ordinary trial and each worker of a distributed one use this in the same way. At most
`CONNECTING_AT_ONCE` clients connect at the same time: thousands at once would overrun a listening socket and time out.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path

import gevent
from gevent.lock import Semaphore

from contract.errors import UserError
from contract.records import PlannedTrial, SocketStage
from contract.stream import due_offsets_ns, payloads
from contract.transports import TRANSPORTS
from loadtests.clients.base import Client, ClientSetup
from loadtests.clients.recorder import Recorder
from loadtests.control_client import ControlClient
from loadtests.load.connection import Connection
from loadtests.load.gathered_reads import longest_unread_ns
from loadtests.load.socket_driver import Driver
from loadtests.load.trial_spec import MeasuredWindow, TrialSpec
from loadtests.plan.blocks import stream_spec
from loadtests.plan.durations import LINGER_S, connect_patience_s, drain_limit_s, lag_period_ns, last_turn_s
from loadtests.plan.population import locked_phases_ns, new_client, ports_held, schedule_period_s, spread_phases_ns
from system.addresses import Endpoint, ephemeral_ports, source_addresses
from system.garbage_collection import collection_paused

CONNECTING_AT_ONCE = 256
"""Fewer than any system's backlog for a listening socket holds (Linux 4096 since 5.4), and few enough that each is
served long before it times out; many enough that the server never waits for the next one."""


class ConnectLimit:
    """Limits the number of clients that are connecting and not ready yet to `at_once`."""

    def __init__(self, at_once: int = CONNECTING_AT_ONCE) -> None:
        self._at_once = at_once
        self._admitted = at_once
        self._room = Semaphore(at_once)

    def enter(self) -> None:
        """Wait for a place to connect."""
        self._room.acquire()

    def make_room(self, ready: int) -> None:
        """Admit as many more clients as have become ready; `ready` is their number so far."""
        for _ in range(ready + self._at_once - self._admitted):
            self._room.release()
        self._admitted = max(self._admitted, ready + self._at_once)


SERVER_PATIENCE_S = 15.0
PROGRESS_CHECK_S = 0.02
_COUNTERS_NS_PER_CLIENT = 10_000
"""A little more than the time to read a socket's counters."""


class TrialClients:
    """The clients of this process. They are not Locust users, since a greenlet costs four times what a client does."""

    def __init__(self, spec: TrialSpec) -> None:
        self._trial = spec.trial
        self.recorder = Recorder()
        stream = stream_spec(spec.trial)
        self.due_offsets_ns = tuple(due_offsets_ns(stream).tolist())
        self.payloads = tuple(payloads(stream))
        self._trace_and_faults = spec.trace_and_faults
        self._host = spec.host
        self._server = Endpoint.of_url(spec.url)
        address = (self._server.host, self._server.port)
        read_spacing_ns = longest_unread_ns(self.due_offsets_ns, spec.trial.parameters.clients)
        self.driver = Driver(address, self.recorder, read_spacing_ns)
        self.driver.sources = source_addresses(self._server.host, ports_held(spec.trial), ephemeral_ports())
        self._phases_ns = phases_ns(spec.trial)
        self._clients = range(len(self._phases_ns))
        self._connect_limit = ConnectLimit()

    def open(self, clients: range | None = None) -> None:
        """Start to open clients: all of the trial, or those with these numbers."""
        self._clients = self._clients if clients is None else clients
        self.driver.record_lag(lag_period_ns(self._trial.parameters))
        gevent.spawn(self._open_all)

    def _open_all(self) -> None:
        # All are created before the first connects, so that memory used by handshakes does not lie between them.
        connections = [Connection(self._new_client(index)) for index in self._clients]
        for connection in connections:
            self._connect_limit.enter()
            self.driver.drive(connection)
            gevent.sleep(0)

    def _new_client(self, index: int) -> Client:
        setup = ClientSetup(
            index=index,
            host=self._host,
            parameters=self._trial.parameters,
            payloads=self.payloads,
            due_offsets_ns=self.due_offsets_ns,
            phase_ns=self._phases_ns[index],
            named=self._trace_and_faults.trace,
            turnaround_seed=self._trial.own_seed,
        )
        return new_client(self._trial.transport, setup, self.recorder)

    def wait_for_server(self) -> None:
        """Wait until the clients' address accepts connections."""
        deadline = time.monotonic() + SERVER_PATIENCE_S
        while True:
            try:
                socket.create_connection((self._server.host, self._server.port), timeout=1.0).close()
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise UserError(
                        f"{self._server}: no connection: {error} (expected the server or its relay)"
                    ) from error
                gevent.sleep(PROGRESS_CHECK_S)

    def wait_for_clients(self) -> None:
        """Wait until all clients are ready; raise UserError if they are not in time."""
        with collection_paused():
            self._wait_until_ready(connect_patience_s(self._trial.parameters))

    def _wait_until_ready(self, patience_s: float) -> None:
        deadline = time.monotonic() + patience_s
        while (ready := sum(c.client.ready for c in self.driver.connections)) < len(self._clients):
            self._connect_limit.make_room(ready)
            if time.monotonic() > deadline:
                reason = "; ".join(self.recorder.problems) or "the server did not answer them"
                raise UserError(
                    f"{self._trial.transport}: only {ready} of {len(self._clients)} clients were ready after "
                    f"{patience_s:g} s: {reason} (expected all of them: fewer clients or a higher limit)"
                )
            gevent.sleep(PROGRESS_CHECK_S)

    def receive(self, t0_ns: int) -> str:
        """Receive the stream that starts at `t0_ns` (monotonic); return `complete` or `drain_limit`."""
        self.driver.begin(self.driver.connections, t0_ns)
        window_start_ns, stream_end_ns = window_ns(self._trial, t0_ns)
        # Outside the measured window, as at its end: reading counters is no part of the cost of a delivery.
        _sleep_until(window_start_ns - len(self._clients) * _COUNTERS_NS_PER_CLIENT)
        self.driver.read_all_counters(SocketStage.WINDOW_START)
        _sleep_until(stream_end_ns)
        self.driver.read_all_counters(SocketStage.WINDOW_END)
        return self._drain(stream_end_ns)

    def _drain(self, stream_end_ns: int) -> str:
        parameters = self._trial.parameters
        # Clients without a cursor do not know what they have missed, and are not awaited beyond their last turn.
        misses = not parameters.cursor
        limit_ns = stream_end_ns + round((last_turn_s if misses else drain_limit_s)(parameters) * 1e9)
        while not all(connection.client.settled for connection in self.driver.connections):
            if time.monotonic_ns() > limit_ns:
                return "complete" if misses else "drain_limit"
            gevent.sleep(PROGRESS_CHECK_S)
        gevent.sleep(LINGER_S)
        # A client that the server cut off has settled, but not with every event.
        return "drain_limit" if any(c.client.cut_off for c in self.driver.connections) else "complete"


def phases_ns(trial: PlannedTrial) -> list[int]:
    """Return the phases, ns, of all clients of a trial, also of those in other processes."""
    locked = trial.parameters.phase == "locked"
    return (locked_phases_ns if locked else spread_phases_ns)(
        trial.parameters.clients,
        schedule_period_s(trial.transport, trial.parameters),
        trial.own_seed,
    )


def window_ns(trial: PlannedTrial, t0_ns: int) -> tuple[int, int]:
    """Return start and end of the measured window, ns, for a stream that starts at `t0_ns`; the stream ends with it."""
    start_ns = t0_ns + round(trial.parameters.warm_up_s * 1e9)
    return start_ns, start_ns + round(trial.parameters.measured_s * 1e9)


def _sleep_until(due_ns: int) -> None:
    gevent.sleep(max(0.0, (due_ns - time.monotonic_ns()) / 1e9))


def start_stream(
    control: ControlClient, trial: PlannedTrial, lead_ms: int, server_offset_ns: int, folder: Path
) -> tuple[int, MeasuredWindow]:
    """Start the stream in `lead_ms`, write its measured window, and return its start t0 and the window.

    Both are on this machine's clock; the server's clock is `server_offset_ns` ahead of it. If the clients send, no
    stream is posted to the server.
    """
    if TRANSPORTS[trial.transport].kind.clients_send:
        t0_ns = time.monotonic_ns() + lead_ms * 1_000_000
    else:
        stream = stream_spec(trial)
        offsets_ns, texts = due_offsets_ns(stream).tolist(), list(payloads(stream))
        t0_ns = control.start_stream(lead_ms, offsets_ns, texts, trial.parameters.clients) - server_offset_ns
    window = MeasuredWindow(*window_ns(trial, t0_ns))
    window.write(folder)
    return t0_ns, window
