"""One client of each transport, tried on a target before the first trial: what it does otherwise is said at once.

The very clients and driver of the trials ask for two events that are due at once. Without it a proxy that passes no
Upgrade would be noticed only when the clients of a trial had waited in vain.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing

import gevent

from loadtests.addresses import Target
from loadtests.clients.base import Client, ClientSetup
from loadtests.control import ControlClient
from loadtests.driver import Driver
from loadtests.plan import stream_spec
from loadtests.population import new_client
from loadtests.recorder import Recorder
from loadtests.records import PlannedTrial, UserError
from loadtests.transports import TRANSPORTS
from servers.stream import payloads

PATIENCE_S = 5.0
"""With each transport; one that does what it should takes some milliseconds and a few round trips."""
_DUE_OFFSETS_NS = (0, 1_000_000)
_POLL_INTERVAL_S = 0.1
"""Instead of the scenario's: what is tried is not how long it waits."""
_CHECK_S = 0.005


def check_transports(target: Target, trials: Iterable[PlannedTrial]) -> None:
    """Try a client of each kind that the trials have; UserError that says what the target did with it."""
    kinds = {(trial.transport, trial.parameters.get("compression")): trial for trial in trials}
    with closing(ControlClient(target.endpoint.url, target.host)) as control:
        for trial in kinds.values():
            found = _try_client(trial, target, control)
            if found:
                label = TRANSPORTS[trial.transport].label
                raise UserError(f"TARGET={target.url}: {label}, tried before the first trial: {'; '.join(found)}")
        control.empty_log()


def _try_client(trial: PlannedTrial, target: Target, control: ControlClient) -> list[str]:
    """What went wrong with one client, in sentences; empty where it got its events."""
    control.empty_log()
    texts = payloads(stream_spec(trial))
    parameters = {**trial.parameters, "poll_interval_s": _POLL_INTERVAL_S}
    setup = ClientSetup(0, target.host, parameters, tuple(texts), _DUE_OFFSETS_NS)
    recorder = Recorder()
    client = new_client(trial.transport, setup, recorder)
    driver = Driver((target.endpoint.host, target.endpoint.port), recorder)
    connection = driver.add(client)
    begun = False
    deadline_s = time.monotonic() + PATIENCE_S
    while not _satisfied(client) and not any(recorder.problems) and time.monotonic() < deadline_s:
        if client.ready and not begun:
            if not TRANSPORTS[trial.transport].clients_send:
                control.start_stream(0, list(_DUE_OFFSETS_NS), texts)
            driver.begin([connection], time.monotonic_ns())
            begun = True
        gevent.sleep(_CHECK_S)
    driver.finish()
    problems = list(recorder.problems)
    if not problems and not _satisfied(client):
        problems = [_what_is_missing(client)]
    return problems


def _what_is_missing(client: Client) -> str:
    came = f"only {client.cursor} of {len(_DUE_OFFSETS_NS)} events" if client.ready else "no answer"
    hint = ": a proxy in between may hold back what it should pass on" if client.only_listens else ""
    return f"{came} within {PATIENCE_S:g} s (expected all at once){hint}"


def _satisfied(client: Client) -> bool:
    """It has all that it can expect: without a cursor, some events may have been published between two polls."""
    return client.settled or (not client.setup.parameters.get("cursor", True) and client.cursor > 0)
