"""The clients of a trial: their phases and periods, and the local ports that they need. Pure."""

from __future__ import annotations

import importlib

import numpy as np

from contract.parameters import Parameters, required
from contract.records import PlannedTrial
from contract.transports import TRANSPORTS
from loadtests.clients.base import Client, ClientSetup
from loadtests.clients.recorder import Recorder


def spread_phases_ns(count: int, period_s: float, seed: int) -> list[int]:
    """Return phases, ns, spread evenly over one period from one random offset (docs/method/method.md, rule 6).

    Phases drawn independently would be close together by chance with few clients.
    """
    period_ns = period_s * 1e9
    offset = np.random.default_rng([seed, 2]).uniform(0, 1)
    return [int(((offset + i) / count % 1.0) * period_ns) for i in range(count)]


def locked_phases_ns(count: int, period_s: float, seed: int) -> list[int]:
    """Return the same random phase, ns, for all clients, which poll at the same time; trials then differ widely."""
    return spread_phases_ns(1, period_s, seed) * count


def schedule_period_s(transport: str, parameters: Parameters) -> float:
    """Return the period over which the clients of a transport are spread; 0 if they have no schedule."""
    entry = TRANSPORTS[transport]
    if entry.kind.polls_at_intervals:
        paused_s = exchange_s(parameters) if parameters.pacing == "pause" else 0.0
        return required(parameters.poll_interval_s) + paused_s
    if entry.kind.clients_send:
        return 1.0 / parameters.rate_per_s
    return 0.0


def exchange_s(parameters: Parameters) -> float:
    """Return the time of a poll by the emulated network alone: a round trip, and another for a new connection."""
    return 2 * parameters.one_way_delay_ms / 1000 * (1 if parameters.keep_alive else 2)


def new_client(transport: str, setup: ClientSetup, recorder: Recorder) -> Client:
    """Return a new client of a registered transport."""
    module_name, class_name = TRANSPORTS[transport].client.split(":")
    client = getattr(importlib.import_module(f"loadtests.clients.{module_name}"), class_name)(setup, recorder)
    assert isinstance(client, Client)
    return client


_TIME_WAIT_S = 60.0


def ports_held(trial: PlannedTrial) -> int:
    """Return the number of ports that a trial's clients occupy at a time, closed connections in TIME_WAIT included."""
    parameters = trial.parameters
    lasts_s = parameters.warm_up_s + parameters.measured_s + parameters.longest_wait_for_poll_s
    resting_s = min(_TIME_WAIT_S, lasts_s)
    resting = round(_connections_per_s(trial.transport, parameters) * resting_s)
    return parameters.clients * (1 + resting)


def _connections_per_s(transport: str, parameters: Parameters) -> float:
    """Return the most connections per second that a client opens during a trial; 0 if it keeps one."""
    if TRANSPORTS[transport].kind.connects_each_time:
        return parameters.rate_per_s
    if parameters.keep_alive:
        return 0.0
    if parameters.poll_interval_s is not None:
        return 1 / parameters.poll_interval_s
    return parameters.rate_per_s + 1 / required(parameters.hold_s)
