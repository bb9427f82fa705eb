"""Parameters of a trial for tests that are about a few of them."""

from __future__ import annotations

from typing import Any

from contract.parameters import Parameters

BASE: dict[str, Any] = {
    "clients": 1,
    "rate_per_s": 10,
    "arrival": "poisson",
    "payload_bytes": 5,
    "one_way_delay_ms": 0,
    "warm_up_s": 1,
    "measured_s": 8,
}


def parameters(**stated: Any) -> Parameters:
    """Parameters with these values beside those that every trial states."""
    return Parameters.of({**BASE, **stated})
