"""Numbers for people: units, sensible digits, and a dash for values that were not measured."""

from __future__ import annotations

from collections.abc import Sequence

from contract.summary import Knee

NOT_MEASURED = "—"
"""Printed for every value that is null, never a zero."""


_LEAST_WITH_DECIMALS = (99.95, 9.995, 0.9995, 0.01)
"""The least values with 0, 1, 2 and 3 decimals; values that round to 10 or 100 have the decimals of these."""


def figure(value: float | None) -> str:
    """Format three significant digits, never exponents: 0.0512, 2.30, 25.3, 1,025."""
    if value is None:
        return NOT_MEASURED
    size = abs(value)
    decimals = next((d for d, least in enumerate(_LEAST_WITH_DECIMALS) if size >= least), 4)
    return f"{value:,.{decimals}f}".replace("-", "−") if size else "0"


def interval(bounds: Sequence[float] | None) -> str:
    """Format `[25.1, 25.4]`; empty if there is no interval or it is narrower than the digits shown."""
    ends = [] if bounds is None else [figure(bound) for bound in bounds]
    return f"[{', '.join(ends)}]" if len(set(ends)) > 1 else ""


def milliseconds(value_ms: float) -> str:
    """Format a duration with its unit, for axes and sentences: `0.2 ms`, `25 ms`, `1.5 s`, without trailing zeros."""
    scaled, unit = (value_ms / 1000, "s") if abs(value_ms) >= 1000 else (value_ms, "ms")
    return f"{scaled:.3g} {unit}"


def percent(ratio: float | None) -> str:
    """Format a ratio of 0 to 1 as `12.5 %`."""
    if ratio is None:
        return NOT_MEASURED
    return f"{100 * ratio:.0f} %" if ratio in (0, 1) else f"{100 * ratio:.1f} %"


def count(value: int | None) -> str:
    """Format a whole number with thousands separators."""
    return NOT_MEASURED if value is None else f"{value:,}"


def change(start: str, end: str) -> str:
    """Format `a to b`, or `a throughout`."""
    return f"{start} throughout" if start == end else f"{start} to {end}"


def listed(items: Sequence[str]) -> str:
    """Format `a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def knee_in_words(knee: Knee) -> str:
    """Format `3,000 (10,000 exceeds it)`, `beyond 10,000`, `below 100`, `at least 3,000 (10,000 is not valid)`."""
    within, beyond = knee.clients, knee.next_clients
    if knee.position == "beyond":
        return f"beyond {count(within)}, the largest measured"
    if knee.position == "below":
        return f"below {count(beyond)}, the smallest measured"
    if knee.position == "between":
        return f"{count(within)} ({count(beyond)} exceeds it)"
    return (
        f"not known: {count(beyond)} is not valid"
        if within is None
        else f"at least {count(within)} ({count(beyond)} is not valid)"
    )
