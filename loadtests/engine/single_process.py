"""The load of one trial in a single Locust process, from the first connection to the last drained event.

It opens the clients, waits until all are ready, makes the server start the stream, waits until every client has every
event, and writes the tables. With several load processes, `loadtests.engine.master` and
`loadtests.engine.worker` share this work.
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from contract.errors import UserError
from contract.transports import TRANSPORTS
from loadtests.control_client import ControlClient
from loadtests.load.trial_clients import SERVER_PATIENCE_S, TrialClients, start_stream
from loadtests.load.trial_spec import LoadOutcome, TrialSpec
from loadtests.plan.durations import stream_lead_ms
from loadtests.server_clock import judge_server_clock, offset_at_start_ns


class SingleProcessTrial:
    """A trial with all clients in this process."""

    def __init__(self, spec: TrialSpec) -> None:
        self._trial = spec.trial
        self._clients_send = TRANSPORTS[spec.trial.transport].kind.clients_send
        self._control = ControlClient(spec.control_url, spec.host)
        self._clients = TrialClients(spec)

    def run(self, folder: Path) -> LoadOutcome:
        """Run the trial and write its tables and outcome into `folder`."""
        try:
            outcome = self._run(folder)
        except UserError as error:
            outcome = LoadOutcome.failed(str(error))
        self._clients.driver.finish()
        # Some of this is known only after the clients have finished.
        recorder = self._clients.recorder
        outcome = dataclasses.replace(outcome, problems=tuple(recorder.problems), deflated=recorder.deflated)
        self._control.close()
        # Clients that send stamp their own events, on this process's clock.
        server_offset_ns = 0 if self._clients_send else outcome.server_clock["offset_ns"]
        for table in recorder.tables(server_offset_ns):
            table.save(folder)
        outcome.write(folder)
        return outcome

    def _run(self, folder: Path) -> LoadOutcome:
        self._control.wait_until_ready(SERVER_PATIENCE_S)
        self._clients.wait_for_server()
        before = self._control.read_clock()
        # A server that was already running still sends the previous stream to clients without a cursor.
        self._control.empty_log()
        self._clients.open()
        self._clients.wait_for_clients()
        lead_ms = stream_lead_ms(self._trial.parameters)
        t0_ns, window = start_stream(self._control, self._trial, lead_ms, offset_at_start_ns(before), folder)
        end = self._clients.receive(t0_ns)
        finished_ns = time.monotonic_ns()
        clock = judge_server_clock(before, self._control.read_clock())
        driver = self._clients.driver
        return LoadOutcome(
            t0_ns=t0_ns,
            window_start_ns=window.start_ns,
            window_end_ns=window.end_ns,
            finished_ns=finished_ns,
            end=end,
            failure="",
            problems=(),
            kernel_stamps=driver.kernel_stamps,
            tcp_info=driver.kernel_counters,
            server_clock=dataclasses.asdict(clock),
        )
