"""Interactive use of the locustfile, by hand or in Locust's web UI: a long stream, changing clients, live statistics.

Nothing is written to disk, and no figure is part of a report. Locust's statistics are updated twice a second from the
arrays that a trial records as well. Their names say what a number is: staleness for deliveries, response time for a
short poll, hold time for a long poll; a hold is never called latency.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import gevent

from contract.errors import UserError
from contract.parameters import ARRIVALS, PARAMETERS, Parameters
from contract.records import Deliveries, Outcome, RequestKind, Requests
from contract.stream import StreamSpec, due_offsets_ns, payloads
from contract.transports import TRANSPORTS
from loadtests.clients.base import ClientSetup
from loadtests.clients.recorder import Recorder
from loadtests.control_client import ControlClient
from loadtests.load.connection import Connection
from loadtests.load.socket_driver import Driver
from loadtests.plan.population import new_client, schedule_period_s
from loadtests.plan.seeds import checked_seed, draw_seed
from loadtests.server_clock import offset_at_start_ns
from system.addresses import Target

_OPTIONS: dict[str, tuple[str, float]] = {
    "--event-rate": ("rate_per_s", 5.0),
    "--payload-bytes": ("payload_bytes", 100),
    "--stream-seconds": ("measured_s", 600.0),
    "--poll-interval": ("poll_interval_s", 1.0),
    "--hold": ("hold_s", 30.0),
}
"""Options of the locustfile: the parameter that each sets, and its default."""
_FEED_PERIOD_S = 0.5
_START_IN_MS = 200
_log = logging.getLogger(__name__)


def add_arguments(parser: Any) -> None:
    """Add the parameters of the stream and of the polls, which `--help` and the web UI show.

    Locust's web UI shows no parameter that is in a group.
    """
    for option, (name, default) in _OPTIONS.items():
        parser.add_argument(option, type=type(default), default=default, help=_sentence(PARAMETERS[name].meaning))
    parser.add_argument("--arrival", choices=ARRIVALS, default="poisson", help=_sentence(PARAMETERS["arrival"].meaning))
    parser.add_argument("--seed", default="", help="Seed of the stream; random for each test if empty")


def _sentence(meaning: str) -> str:
    return meaning[0].upper() + meaning[1:]


def _checked_parameters(options: Any) -> Parameters:
    """Return the parameters of each client, as of a trial with one client and without a warm-up."""
    values: dict[str, Any] = {"clients": 1, "arrival": options.arrival, "one_way_delay_ms": 0, "warm_up_s": 0}
    for option, (name, _) in _OPTIONS.items():
        value = getattr(options, option.removeprefix("--").replace("-", "_"))
        if not PARAMETERS[name].rule.accepts(value):
            raise UserError(f"{option} {value}: expected {PARAMETERS[name].rule.expected}")
        values[name] = value
    return Parameters.of(values)


class InteractiveTest:
    """One test, from Locust's start to its stop."""

    def __init__(self, environment: Any) -> None:
        options = environment.parsed_options
        self._environment = environment
        self._parameters = _checked_parameters(options)
        seed = checked_seed(options.seed, "--seed")
        seed = draw_seed() if seed is None else seed
        _log.info("seed %d; repeat with --seed %d", seed, seed)
        own = self._parameters
        stream = StreamSpec(own.rate_per_s, own.arrival, own.payload_bytes, own.measured_s, seed)
        self._due_offsets_ns = tuple(due_offsets_ns(stream).tolist())
        self._payloads = tuple(payloads(stream))
        if not environment.host:
            raise UserError("no host (expected --host http://127.0.0.1:8000, where `python -m servers all` listens)")
        server = Target.find(environment.host)
        self._host = server.host
        self._recorder = Recorder()
        self._driver = Driver((server.endpoint.host, server.endpoint.port), self._recorder)
        self._transport_of: dict[int, str] = {}
        self._fed = (0, 0)
        control = ControlClient(server.endpoint.url, server.host)
        self._check_offer(control.transports())
        self._server_offset_ns = offset_at_start_ns(control.read_clock())
        server_t0_ns = control.start_stream(_START_IN_MS, list(self._due_offsets_ns), list(self._payloads))
        control.close()
        self._t0_ns = server_t0_ns - self._server_offset_ns
        self._feeder = gevent.spawn(self._feed_forever)

    def _check_offer(self, offered: list[str]) -> None:
        for user_class in self._environment.user_classes:
            if user_class.transport not in offered:
                raise UserError(
                    f"{self._host}: does not offer {user_class.transport} (it offers {', '.join(offered)}; "
                    "expected users of those only)"
                )

    def open_client(self, transport: str) -> Connection:
        """Open one more client, which receives only events that are published from now on."""
        now_ns = time.monotonic_ns()
        index = len(self._transport_of)
        parameters = TRANSPORTS[transport].select(self._parameters)
        period_ns = schedule_period_s(transport, parameters) * 1e9
        setup = ClientSetup(
            index=index,
            host=self._host,
            parameters=parameters,
            payloads=self._payloads,
            due_offsets_ns=self._due_offsets_ns,
            # The golden ratio spreads clients evenly over the period however many there will be.
            phase_ns=int(index * 0.6180339887 % 1.0 * period_ns),
            cursor=sum(self._t0_ns + offset < now_ns for offset in self._due_offsets_ns),
        )
        self._transport_of[index] = transport
        connection = self._driver.add(new_client(transport, setup, self._recorder))
        self._driver.begin([connection], self._t0_ns)
        return connection

    def close_client(self, connection: Connection) -> None:
        """Close a client whose user was stopped."""
        self._driver.drop(connection)

    def close(self) -> None:
        """End the test."""
        self._feeder.kill()
        self._feed()
        self._driver.finish()

    def _feed_forever(self) -> None:
        while True:
            gevent.sleep(_FEED_PERIOD_S)
            self._feed()

    def _feed(self) -> None:
        """Add the rows recorded since the last call to Locust's statistics."""
        deliveries_end, requests_end = len(self._recorder.deliveries), len(self._recorder.requests)
        self._feed_deliveries(Deliveries.from_rows(self._recorder.deliveries[self._fed[0] : deliveries_end]))
        self._feed_requests(Requests.from_rows(self._recorder.requests[self._fed[1] : requests_end]))
        self._fed = (deliveries_end, requests_end)

    def _feed_deliveries(self, new: Deliveries) -> None:
        staleness_ns = new.user_ns - (new.due_ns - self._server_offset_ns)
        for client, value_ns, seq in zip(new.client.tolist(), staleness_ns.tolist(), new.seq.tolist(), strict=True):
            if seq:
                sent_by_client = TRANSPORTS[self._transport_of[client]].kind.clients_send
                what = "round trip" if sent_by_client else "staleness"
                self._fire("event", f"{self._label(client)}: {what}", value_ns / 1e6)

    def _feed_requests(self, new: Requests) -> None:
        columns = (new.client, new.kind, new.start_ns, new.end_ns, new.outcome, new.down_bytes)
        for client, kind, start_ns, end_ns, outcome, down_bytes in zip(*(c.tolist() for c in columns), strict=True):
            if outcome in (Outcome.SKIPPED, Outcome.UNFINISHED):
                continue
            held = TRANSPORTS[self._transport_of[client]].kind.server_holds and kind == RequestKind.POLL
            what = "hold time (not latency)" if held else f"{RequestKind(kind).name.lower()} response time"
            failed = None if outcome in (Outcome.ANSWERED, Outcome.EMPTY) else Outcome(outcome).name.lower()
            self._fire("request", f"{self._label(client)}: {what}", (end_ns - start_ns) / 1e6, down_bytes, failed)

    def _fire(self, kind: str, name: str, milliseconds: float, length: int = 0, failed: str | None = None) -> None:
        self._environment.events.request.fire(
            request_type=kind,
            name=name,
            response_time=milliseconds,
            response_length=length,
            exception=None if failed is None else ConnectionError(failed),
            context={},
        )

    def _label(self, client: int) -> str:
        return TRANSPORTS[self._transport_of[client]].label
