"""The load's side of one trial, inside the Locust process: from the first connection to the last drained event.

Users only open clients; this greenlet waits until all are ready, has the server start the stream, reads the socket
counters at both ends of the measured window, waits until every client has every event, and writes the tables.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import gevent
from gevent.event import Event

from loadtests.admission import Admission
from loadtests.clients.base import ClientSetup
from loadtests.collector import kept_from_collector
from loadtests.control import ControlClient, ServerClock
from loadtests.driver import Driver
from loadtests.plan import LINGER_S, connect_patience_s, drain_limit_s, last_turn_s, stream_spec
from loadtests.population import locked_phases_ns, new_client, schedule_period_s, spread_phases_ns
from loadtests.recorder import Recorder
from loadtests.records import SocketStage, UserError
from loadtests.slow_driver import SlowDriver
from loadtests.source_addresses import ephemeral_ports, ports_held, source_addresses
from loadtests.transports import TRANSPORTS
from loadtests.trial_spec import LoadOutcome, TrialSpec
from servers.stream import due_offsets_ns, payloads

SERVER_PATIENCE_S = 15.0
START_IN_MS = 120
"""Between posting the stream and its start: the answer must be back, and every client told, before it begins."""
_PROGRESS_CHECK_S = 0.02


class Conductor:
    """Conducts the trial of one spec; `add_client` is called by as many Locust users as there are clients."""

    def __init__(self, spec: TrialSpec) -> None:
        self._trial = spec.trial
        self._recorder = Recorder()
        stream = stream_spec(spec.trial)
        self._due_offsets_ns = tuple(due_offsets_ns(stream).tolist())
        self._payloads = tuple(payloads(stream))
        self._control = ControlClient(spec.control_url)
        parts = urlsplit(spec.url)
        assert parts.hostname is not None and parts.port is not None
        self._instruments = spec.instruments
        self._host = parts.netloc
        self._address = (parts.hostname, parts.port)
        delay_ms = spec.trial.parameters.get("client_delay_ms")
        self.driver = (
            SlowDriver(self._address, self._recorder, delay_ms) if delay_ms else Driver(self._address, self._recorder)
        )
        self.driver.sources = source_addresses(parts.hostname, ports_held(spec.trial), ephemeral_ports())
        locked = spec.trial.parameters.get("phase") == "locked"
        self._phases_ns = (locked_phases_ns if locked else spread_phases_ns)(
            self._client_count,
            schedule_period_s(spec.trial.transport, spec.trial.parameters),
            spec.trial.seed * 1000 + spec.trial.point,
        )
        self._server_ready = Event()
        self._admission = Admission()

    @property
    def _client_count(self) -> int:
        return int(self._trial.parameters["clients"])

    def add_client(self) -> None:
        """Open the next client, once the server is there."""
        self._server_ready.wait()
        self._admission.enter()
        index = len(self.driver.connections)
        setup = ClientSetup(
            index=index,
            host=self._host,
            parameters=self._trial.parameters,
            payloads=self._payloads,
            due_offsets_ns=self._due_offsets_ns,
            phase_ns=self._phases_ns[index],
            named=self._instruments.trace,
        )
        self.driver.add(new_client(self._trial.transport, setup, self._recorder))

    def conduct(self, folder: Path) -> LoadOutcome:
        """Run the trial and write its tables and outcome into `folder`."""
        try:
            outcome = self._conduct()
        except UserError as error:
            now_ns = time.monotonic_ns()
            outcome = LoadOutcome(
                0, 0, 0, now_ns, now_ns, "failed", str(error), (), False, False, {"offset_ns": 0, "uncertainty_ns": 0}
            )
        self.driver.finish()
        self._control.close()
        for table in self._recorder.tables(outcome.server_clock["offset_ns"]):
            table.save(folder)
        outcome.write(folder)
        return outcome

    def _conduct(self) -> LoadOutcome:
        self._wait_for_server()
        clock = self._control.clock()
        # A server that was already running still tells the stream before this one to whoever comes without a cursor.
        self._control.empty_log()
        self.driver.watch_itself()
        with kept_from_collector():
            self._server_ready.set()
            self._wait_for_clients()
        t0_ns = self._start_stream(clock)
        parameters = self._trial.parameters
        window_start_ns = t0_ns + round(parameters["warm_up_s"] * 1e9)
        stream_end_ns = window_start_ns + round(parameters["measured_s"] * 1e9)
        _sleep_until(window_start_ns)
        self.driver.read_all_counters(SocketStage.WINDOW_START)
        _sleep_until(stream_end_ns)
        self.driver.read_all_counters(SocketStage.WINDOW_END)
        end = self._drain(stream_end_ns)
        return LoadOutcome(
            t0_ns=t0_ns,
            window_start_ns=window_start_ns,
            window_end_ns=stream_end_ns,
            stream_end_ns=stream_end_ns,
            finished_ns=time.monotonic_ns(),
            end=end,
            failure="",
            problems=tuple(sorted(self.driver.problems)),
            kernel_stamps=self.driver.kernel_stamps,
            tcp_info=self.driver.kernel_counters,
            server_clock={"offset_ns": clock.offset_ns, "uncertainty_ns": clock.uncertainty_ns},
        )

    def _wait_for_server(self) -> None:
        self._control.wait_until_ready(SERVER_PATIENCE_S)
        deadline = time.monotonic() + SERVER_PATIENCE_S
        while True:
            try:
                socket.create_connection(self._address, timeout=1.0).close()
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise UserError(
                        f"{self._host}: no connection: {error} (expected the server or its relay)"
                    ) from error
                gevent.sleep(_PROGRESS_CHECK_S)

    def _wait_for_clients(self) -> None:
        patience_s = connect_patience_s(self._client_count)
        deadline = time.monotonic() + patience_s
        while (ready := sum(c.client.ready for c in self.driver.connections)) < self._client_count:
            self._admission.make_room(ready)
            if time.monotonic() > deadline:
                seen = "; ".join(sorted(self.driver.problems)) or "the server did not answer them"
                raise UserError(
                    f"{self._trial.transport}: only {ready} of {self._client_count} clients were ready after "
                    f"{patience_s:g} s: {seen} (expected all of them: fewer clients or a higher limit)"
                )
            gevent.sleep(_PROGRESS_CHECK_S)

    def _start_stream(self, clock: ServerClock) -> int:
        if TRANSPORTS[self._trial.transport].clients_send:
            t0_ns = time.monotonic_ns() + START_IN_MS * 1_000_000
        else:
            t0_ns = self._control.start_stream(START_IN_MS, list(self._due_offsets_ns), list(self._payloads))
            t0_ns -= clock.offset_ns
        self.driver.begin(self.driver.connections, t0_ns)
        return t0_ns

    def _drain(self, stream_end_ns: int) -> str:
        parameters = self._trial.parameters
        # Who keeps no cursor does not know what it has missed, and is not to be waited for beyond its last turn.
        misses = not parameters.get("cursor", True)
        limit_ns = stream_end_ns + round((last_turn_s if misses else drain_limit_s)(parameters) * 1e9)
        while not all(connection.client.settled for connection in self.driver.connections):
            if time.monotonic_ns() > limit_ns:
                return "complete" if misses else "drain_limit"
            gevent.sleep(_PROGRESS_CHECK_S)
        gevent.sleep(LINGER_S)
        # A client that the server cut off has settled, but not with every event.
        return "drain_limit" if any(c.client.cut_off for c in self.driver.connections) else "complete"


def _sleep_until(due_ns: int) -> None:
    gevent.sleep(max(0.0, (due_ns - time.monotonic_ns()) / 1e9))
