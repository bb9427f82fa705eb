"""Whether two points are the same measurement, by their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LENGTHS = frozenset({"warm_up_s", "measured_s"})
"""Parameters that do not distinguish measurements: the length of a trial."""


def differing(parameters: Mapping[str, Any], base: Mapping[str, Any]) -> list[str]:
    """Return the names of the parameters that differ from `base`, as far as both have them, lengths aside."""
    return [name for name, value in parameters.items() if name in base and name not in LENGTHS and value != base[name]]


def agrees(parameters: Mapping[str, Any], base: Mapping[str, Any]) -> bool:
    """Return whether the parameters agree with `base`, as far as both have them; the lengths of trials do not count."""
    return not differing(parameters, base)
