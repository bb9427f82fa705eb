"""`python -m benchmarks.slowed_clients`: check that reported latencies exclude the clients' own delay.

The figures are in docs/method/accuracy.md. Every second client of a trial handles received data some milliseconds
late, as a busy program would. The other clients are the comparison: they receive the same events from the same server,
in the same random order, on the same cores. (Two separate trials would differ by more than the effect to be shown.) The
delay must appear in the client's own stamp but not in the kernel's, from which latencies are computed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.formatting import figure
from analysis.report.tables import signed
from analysis.statistics import inference
from contract.parameters import Parameters
from contract.quantiles import quantiles
from contract.records import NO_TIME_NS, ClockPairs, Deliveries, PlannedTrial, is_time
from contract.transports import TRANSPORTS
from loadtests.clients.recorder import Recorder
from loadtests.control_client import ControlClient
from loadtests.load.connection import Connection
from loadtests.load.socket_driver import Driver
from loadtests.load.trial_clients import TrialClients
from loadtests.load.trial_spec import TraceAndFaults, TrialSpec
from loadtests.server_clock import offset_at_start_ns
from system.addresses import Endpoint
from tests.running import running_server

TRANSPORTS_COMPARED = ("websocket", "sse")
_ALARM_SPACING_NS = 500_000
"""The least time between two alarms. An alarm for each delivery would cost as much CPU time as the delivery, and would
slow the server on the neighbouring core."""
_START_IN_MS = 300
Floats = npt.NDArray[np.float64]


class _HeldRead(NamedTuple):
    """Data that is held back from a slowed client."""

    due_ns: int
    connection: Connection
    sock: object
    """The connection's socket when the data arrived; the connection may have been reopened since."""
    data: bytes | None
    kernel_ns: int


def is_slowed(client: int) -> bool:
    """Return whether a client is slowed: those with an even number are."""
    return client % 2 == 0


class SlowDriver(Driver):
    """A driver that passes data to a slowed client a fixed time after it arrived.

    It reads all clients' sockets at the same times and with the same system calls, so that only the client's own delay
    differs. Data left unread in the kernel would change the sender's timing, and so the arrivals that are compared.
    """

    def __init__(self, address: tuple[str, int], recorder: Recorder, delay_ms: float, read_spacing_ns: int = 0) -> None:
        super().__init__(address, recorder, read_spacing_ns)
        self._delay_ns = round(delay_ms * 1e6)
        self._realtime_offset_ns = time.time_ns() - time.monotonic_ns()
        # All data is held equally long, so it is due in the order of arrival, except for the kernel's stamps of bytes
        # that were read together. One deadline is therefore enough.
        self._held: deque[_HeldRead] = deque()
        self._alarm_is_set = False

    def _arrived(self, connection: Connection, data: bytes | None, kernel_ns: int, user_ns: int) -> None:
        if not is_slowed(connection.client.index):
            super()._arrived(connection, data, kernel_ns, user_ns)
            self._hand_over(user_ns)
            return
        if not data:
            self._stop_reading(connection)  # otherwise the end of a stream would be reported again and again
        # The kernel's stamp, so that this process's own lateness does not add to the delay.
        arrived_ns = user_ns if kernel_ns == NO_TIME_NS else kernel_ns - self._realtime_offset_ns
        self._held.append(_HeldRead(arrived_ns + self._delay_ns, connection, connection.sock, data, kernel_ns))
        self._hand_over(user_ns)

    def _hand_over(self, now_ns: int) -> None:
        """Pass on the data that is due; called at every arrival, so that an alarm is needed only between arrivals."""
        while self._held and self._held[0].due_ns <= now_ns:
            held = self._held.popleft()
            if held.connection.sock is held.sock:
                super()._arrived(held.connection, held.data, held.kernel_ns, time.monotonic_ns())
        if self._held and not self._alarm_is_set:
            self._alarm_is_set = True
            self._deadlines.call_at(
                max(self._held[0].due_ns, now_ns + _ALARM_SPACING_NS), SlowDriver._alarm_expired, self
            )

    def _alarm_expired(self, due_ns: int, now_ns: int) -> None:
        self._alarm_is_set = False
        self._hand_over(now_ns)


class Measured(NamedTuple):
    """The measured deliveries of one trial, one entry each."""

    slowed: npt.NDArray[np.bool_]
    latency_ms: Floats
    client_delay_ms: Floats


def measure(trial: PlannedTrial, delay_ms: float, folder: Path) -> Measured:
    """Run one trial against a server of its own, with every other client slowed.

    Raise RuntimeError if no delivery has a kernel receive timestamp.
    """
    with running_server(folder, TRANSPORTS[trial.transport].server) as url:
        endpoint = Endpoint.of_url(url)
        control = ControlClient(url)
        clients = TrialClients(TrialSpec(trial, url, url, str(endpoint), TraceAndFaults()))
        # Without read spacing, since the time for which data stays unread on purpose would count towards the delay.
        clients.driver = SlowDriver((endpoint.host, endpoint.port), clients.recorder, delay_ms)
        server_offset_ns = offset_at_start_ns(control.read_clock())
        clients.open()
        clients.wait_for_clients()
        t0_ns = (
            control.start_stream(_START_IN_MS, list(clients.due_offsets_ns), list(clients.payloads)) - server_offset_ns
        )
        clients.receive(t0_ns)
        clients.driver.finish()
        control.close()
    deliveries = Deliveries.from_rows(clients.recorder.deliveries)
    due_ns = deliveries.due_ns - server_offset_ns
    measured = is_time(deliveries.kernel_realtime_ns) & (due_ns >= t0_ns + trial.parameters.warm_up_s * 1e9)
    if not measured.any():
        raise RuntimeError("no delivery has a kernel receive timestamp")
    clock = ClockPairs.from_rows(clients.recorder.clock, worker=0)
    arrival_ns = clock.to_monotonic(deliveries.kernel_realtime_ns[measured])
    return Measured(
        np.array([is_slowed(client) for client in deliveries.client[measured].tolist()]),
        (arrival_ns - due_ns[measured]) / 1e6,
        (deliveries.user_ns[measured] - arrival_ns) / 1e6,
    )


def table(transport: str, trials: Sequence[Measured]) -> list[str]:
    """Return a line per figure: of the other clients, of the slowed ones, and the difference within each trial."""
    lines = []
    for what, column in (("latency", "latency_ms"), ("client delay", "client_delay_ms")):
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            halves = [
                tuple(quantiles(getattr(trial, column)[half], [share])[0] for half in (~trial.slowed, trial.slowed))
                for trial in trials
            ]
            others, slowed = (float(np.mean(half)) for half in zip(*halves, strict=True))
            bounds = inference.interval(slowed - others, [late - punctual for punctual, late in halves])
            interval = "" if bounds is None else f" [{signed(bounds[0])}, {signed(bounds[1])}]"
            lines.append(
                f"{transport:10s} {what:12s} {name}: others {figure(others)} ms, slowed {figure(slowed)} ms, "
                f"slowed by {signed(slowed - others)} ms{interval}"
            )
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the trials of each transport and print its table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slowed_clients", description=__doc__)
    parser.add_argument("--transports", nargs="+", choices=TRANSPORTS, default=TRANSPORTS_COMPARED)
    parser.add_argument(
        "--clients", type=int, default=1000, help="number of clients, of which every other one is slowed (%(default)s)"
    )
    parser.add_argument("--delay-ms", type=float, default=10.0, help="delay of the slowed clients (%(default)s)")
    parser.add_argument("--rate-per-s", type=float, default=5.0, help="events per second (%(default)s)")
    parser.add_argument("--measured-s", type=float, default=25.0, help="seconds that a trial measures (%(default)s)")
    parser.add_argument("--trials", type=int, default=8, help="trials of each transport (%(default)s)")
    options = parser.parse_args(arguments)
    values = {
        "clients": options.clients,
        "rate_per_s": options.rate_per_s,
        "arrival": "poisson",
        "payload_bytes": 100,
        "one_way_delay_ms": 0,
        "warm_up_s": 0.5,
        "measured_s": options.measured_s,
        "poll_interval_s": 1.0,
        "hold_s": 30.0,
    }
    parameters = Parameters.of(values)
    for transport in options.transports:
        trials = []
        for seed in range(options.trials):
            with tempfile.TemporaryDirectory() as folder:
                trial = PlannedTrial(seed, seed, 0, transport, parameters, seed)
                trials.append(measure(trial, options.delay_ms, Path(folder)))
        print("\n".join(table(transport, trials)), flush=True)


if __name__ == "__main__":
    main()
