"""Whether two points are the same measurement, by their parameters."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

Identity = tuple[str, frozenset[tuple[str, object]]]

LENGTHS = frozenset({"warm_up_s", "measured_s"})
"""Parameters that do not distinguish measurements: the length of a trial."""

OF_THE_SERVER = frozenset({"server", "server_processes"})
"""Parameters in which a point differs from the same point on another of the scenario's servers."""


def differing(parameters: Mapping[str, Any], base: Mapping[str, Any]) -> list[str]:
    """Return the names of the parameters that differ from `base`, as far as both have them, lengths aside."""
    return [name for name, value in parameters.items() if name in base and name not in LENGTHS and value != base[name]]


def agrees(parameters: Mapping[str, Any], base: Mapping[str, Any]) -> bool:
    """Return whether the parameters agree with `base`, as far as both have them; the lengths of trials do not count."""
    return not differing(parameters, base)


def agrees_but_for_server(parameters: Mapping[str, Any], base: Mapping[str, Any]) -> bool:
    """Return whether the parameters are those of `base`, or of the same point on another of the scenario's servers."""
    differences = differing(parameters, base)
    return not differences or ("server" in differences and OF_THE_SERVER.issuperset(differences))


def identity(transport: str, parameters: Mapping[str, Any], ignored: Container[str] = ()) -> Identity:
    """Return what points have in common that are the same one, the `ignored` parameters aside."""
    return transport, frozenset((name, value) for name, value in parameters.items() if name not in ignored)
