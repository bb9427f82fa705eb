"""The models' closed forms as text with the numbers put in, which the page shows beside measured figures. Pure."""

from __future__ import annotations

from analysis.models.model import Expectation


def formulas(expected: Expectation, rate_per_s: float) -> dict[str, str]:
    """Return the formula of each figure as `formula = numbers`, with times in ms.

    All closed forms are of one kind: a share of the events waits, uniformly up to a longest wait, and all travel.
    """
    way, longest, waiting = expected.floor_s * 1000, expected.longest_wait_s * 1000, expected.waiting_ratio
    found = {"mean_ms": _mean(way, longest, waiting), "p50_ms": _median(way, longest, waiting)}
    if expected.requests_per_event > 0:
        between_s = 1 / expected.requests_per_s
        found["requests_per_event"] = (
            f"1 ÷ (events a second × seconds between requests) = 1 ÷ ({_n(rate_per_s)} × {_n(between_s)})"
        )
    return found


def _mean(way: float, longest: float, waiting: float) -> str:
    if waiting == 0:
        return f"one way = {_n(way)}"
    if waiting == 1:
        return f"one way + longest wait ÷ 2 = {_n(way)} + {_n(longest)} ÷ 2"
    return f"one way + share of the events that wait × longest wait ÷ 2 = {_n(way)} + {_n(waiting)} × {_n(longest)} ÷ 2"


def _median(way: float, longest: float, waiting: float) -> str:
    if waiting == 0:
        return f"one way = {_n(way)}"
    if waiting <= 1 / 2:
        return f"one way, as only {100 * waiting:.2g} % of the events wait = {_n(way)}"
    if waiting == 1:
        return f"one way + longest wait ÷ 2 = {_n(way)} + {_n(longest)} ÷ 2"
    return (
        "one way + longest wait × (1 − ½ ÷ share of the events that wait) = "
        f"{_n(way)} + {_n(longest)} × (1 − ½ ÷ {_n(waiting)})"
    )


def _n(value: float) -> str:
    """Format a number with four significant digits at most."""
    return f"{float(f'{value:.4g}'):.10g}"
