"""A check, before the first trial, of a server that is not the harness's own: one client of each transport.

The clients and the driver are those of the trials; the stream has two events that are due at once. Without
this check, a proxy that does not pass on an Upgrade would be noticed only after all clients of a trial had waited in
vain.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from contextlib import closing

import gevent

from contract.errors import UserError
from contract.records import PlannedTrial
from contract.stream import payloads
from contract.transports import TRANSPORTS
from loadtests.clients.base import Client, ClientSetup
from loadtests.clients.recorder import Recorder
from loadtests.control_client import ControlClient
from loadtests.load.socket_driver import Driver
from loadtests.plan.blocks import stream_spec
from loadtests.plan.population import new_client
from system.addresses import Target

PATIENCE_S = 5.0
"""Time limit for each transport; a correct target needs a few milliseconds and a few round trips."""
_DUE_OFFSETS_NS = (0, 1_000_000)
_POLL_INTERVAL_S = 0.1
"""Replaces the scenario's interval, which would only make the check take longer."""
_CHECK_S = 0.005
_STREAM_AGAIN_S = 0.5


def check_transports(target: Target, trials: Iterable[PlannedTrial], given: str) -> None:
    """Try one client of each transport and compression; if one fails, raise UserError, which begins with `given`."""
    kinds = {(trial.transport, trial.parameters.compression): trial for trial in trials}
    with closing(ControlClient(target.endpoint.url, target.host)) as control:
        for trial in kinds.values():
            problems = _try_client(trial, target, control)
            if problems:
                label = TRANSPORTS[trial.transport].label
                raise UserError(f"{given}: {label}, tried before the first trial: {'; '.join(problems)}")
        control.empty_log()


def _try_client(trial: PlannedTrial, target: Target, control: ControlClient) -> list[str]:
    """Try one client, and return its problems, a sentence each; empty if it received its events."""
    control.empty_log()
    texts = payloads(stream_spec(trial))
    parameters = trial.parameters
    if parameters.poll_interval_s is not None:
        parameters = parameters.replace(poll_interval_s=_POLL_INTERVAL_S)
    setup = ClientSetup(0, target.host, parameters, tuple(texts), _DUE_OFFSETS_NS)
    recorder = Recorder()
    client = new_client(trial.transport, setup, recorder)
    driver = Driver((target.endpoint.host, target.endpoint.port), recorder)
    connection = driver.add(client)
    begun = False
    next_stream_s = -math.inf
    deadline_s = time.monotonic() + PATIENCE_S
    while not _has_its_events(client) and not any(recorder.problems) and time.monotonic() < deadline_s:
        if client.ready and time.monotonic() >= next_stream_s:
            if not TRANSPORTS[trial.transport].kind.clients_send:
                control.start_stream(0, list(_DUE_OFFSETS_NS), texts)
            if not begun:
                driver.begin([connection], time.monotonic_ns())
            begun = True
            # Without a cursor, a client misses events that are published before its poll has arrived.
            next_stream_s = math.inf if parameters.cursor else time.monotonic() + _STREAM_AGAIN_S
        gevent.sleep(_CHECK_S)
    driver.finish()
    problems = list(recorder.problems)
    if not problems and not _has_its_events(client):
        problems = [_missing_events(client)]
    return problems


def _missing_events(client: Client) -> str:
    events = len(_DUE_OFFSETS_NS)
    received = f"only {client.cursor} of {events} events arrived" if client.ready else "no answer arrived"
    hint = ": a proxy in between may be buffering answers" if client.only_listens else ""
    return f"{received} within {PATIENCE_S:g} s (expected {events} events at once){hint}"


def _has_its_events(client: Client) -> bool:
    """Return whether the client has all events that it can get: without a cursor it may miss some between two polls."""
    return client.settled or (not client.setup.parameters.cursor and client.cursor > 0)
