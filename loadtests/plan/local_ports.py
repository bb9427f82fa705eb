"""How many local ports the clients of a trial need at a time."""

from __future__ import annotations

from contract.parameters import Parameters, taken
from contract.records import PlannedTrial
from contract.transports import TRANSPORTS

_TIME_WAIT_S = 60.0


def ports_held(trial: PlannedTrial) -> int:
    """Return the ports that a trial's clients need at a time, those of closed connections in TIME_WAIT included."""
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
    return parameters.rate_per_s + 1 / taken(parameters.hold_s)
