"""When two points are the same measurement, by their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LENGTHS = frozenset({"warm_up_s", "measured_s"})
"""How long a trial took does not make it another measurement."""


def agrees(parameters: Mapping[str, Any], base: Mapping[str, Any]) -> bool:
    """Whether parameters are those of `base`, as far as both have them; how long trials took does not count."""
    return all(base[name] == value for name, value in parameters.items() if name in base and name not in LENGTHS)
