"""How many local ports the clients of a trial need at a time."""

from __future__ import annotations

from contract.records import JsonObject, PlannedTrial
from contract.transports import TRANSPORTS

_TIME_WAIT_S = 60.0


def ports_held(trial: PlannedTrial) -> int:
    """Return the ports that a trial's clients need at a time, those of closed connections in TIME_WAIT included."""
    parameters = trial.parameters
    lasts_s = float(parameters["warm_up_s"] + parameters["measured_s"] + parameters.get("poll_interval_s", 0.0))
    resting_s = min(_TIME_WAIT_S, lasts_s)
    clients = int(parameters["clients"])
    resting = round(_connections_per_s(trial.transport, parameters) * resting_s)
    return clients * (1 + resting)


def _connections_per_s(transport: str, parameters: JsonObject) -> float:
    """Connections that one client opens, at the most, once it is under way; 0 where it keeps the one it has."""
    if TRANSPORTS[transport].kind.connects_each_time:
        return float(parameters["rate_per_s"])
    if parameters.get("keep_alive", True):
        return 0.0
    if "poll_interval_s" in parameters:
        return 1 / float(parameters["poll_interval_s"])
    return float(parameters["rate_per_s"]) + 1 / float(parameters["hold_s"])
