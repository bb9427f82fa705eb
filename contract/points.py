"""Points, each a transport with parameters: their names for people, and whether two points are the same."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

_PARAMETER_NAMES = {
    "clients": "clients",
    "rate_per_s": "event rate (events/s)",
    "arrival": "arrival of events",
    "payload_bytes": "payload (bytes)",
    "one_way_delay_ms": "one-way delay (ms)",
    "poll_interval_s": "poll interval (s)",
    "hold_s": "hold time (s)",
    "warm_up_s": "warm-up (s)",
    "measured_s": "measured window (s)",
    "stack": "server stack",
    "server_processes": "server processes",
    "server": "server",
    "headers": "header length",
    "keep_alive": "keep-alive of polls",
    "cursor": "cursor of polls",
    "phase": "phases of the polls",
    "pacing": "pacing of the polls",
    "turnaround_jitter_ms": "turnaround jitter (ms)",
}
_PARAMETER_VALUES = {
    "clients": "{} clients",
    "rate_per_s": "{} events/s",
    "arrival": "{} arrivals",
    "payload_bytes": "{} B payload",
    "one_way_delay_ms": "{} ms one way",
    "poll_interval_s": "every {} s",
    "hold_s": "hold {} s",
    "stack": "{} stack",
    "server_processes": "{} server processes",
    "server": "server {}",
    "headers": "{} headers",
    "keep_alive": "keep-alive {}",
    "phase": "{} phases",
    "pacing": "paced by {}",
    "turnaround_jitter_ms": "turnaround of up to {} ms",
}


def parameter_name(parameter: str) -> str:
    """Return a parameter's name for an axis or a column; its own key if it has no other name."""
    return _PARAMETER_NAMES.get(parameter, parameter)


def parameter_title(parameter: str) -> str:
    """Return a parameter's name without its unit."""
    return parameter_name(parameter).split(" (")[0]


def parameter_value(parameter: str, value: object) -> str:
    """Format a parameter's value in words: `every 1 s`, `50 clients`."""
    if isinstance(value, bool):
        shown = "on" if value else "off"
    else:
        shown = f"{value:g}" if isinstance(value, float) else str(value).replace("poisson", "Poisson")
    text = _PARAMETER_VALUES.get(parameter, f"{parameter} {{}}").format(shown)
    if value != 1:
        return text
    return text.replace("events/s", "event/s").replace("clients", "client").replace("processes", "process")


def point_name(label: str, parameters: Mapping[str, Any], shown: Iterable[str]) -> str:
    """Return a transport's label with the parameters that distinguish a point: `Short poll, every 1 s`."""
    return ", ".join([label, *(parameter_value(name, parameters[name]) for name in shown if name in parameters)])


Identity = tuple[str, frozenset[tuple[str, object]]]

LENGTHS = frozenset({"warm_up_s", "measured_s"})
"""Parameters that do not distinguish points: the lengths of a trial."""

OF_THE_SERVER = frozenset({"server", "server_processes"})
"""Parameters in which a point differs from the same point on another of the scenario's servers."""


def differing(parameters: Mapping[str, Any], base: Mapping[str, Any]) -> list[str]:
    """Return the names of the parameters that both have with different values, except the lengths of a trial."""
    return [name for name, value in parameters.items() if name in base and name not in LENGTHS and value != base[name]]


def agrees(parameters: Mapping[str, Any], base: Mapping[str, Any]) -> bool:
    """Return whether all parameters that both have are equal, except the lengths of a trial."""
    return not differing(parameters, base)


def agrees_but_for_server(parameters: Mapping[str, Any], base: Mapping[str, Any]) -> bool:
    """Return whether the parameters are those of `base`, or of the same point on another of the scenario's servers."""
    differences = differing(parameters, base)
    return not differences or ("server" in differences and OF_THE_SERVER.issuperset(differences))


def identity(transport: str, parameters: Mapping[str, Any], ignored: Container[str] = ()) -> Identity:
    """Return a key that is equal for equal points; the `ignored` parameters are not part of it."""
    return transport, frozenset((name, value) for name, value in parameters.items() if name not in ignored)
