"""Whether a trial was in a steady state in its measured window, or its stream had started too shortly before.

A client that polls every 5 s fetches the events of 5 s with each poll. If the stream began less than that before the
window, its first polls fetch fewer: fewer deliveries are read in the window than fall due in it, so that costs per
delivery and the age of views are too high or too low. Latencies are not affected: they are those of the events due in
the window, whenever they arrive.
"""

from __future__ import annotations

from analysis.models.model import Conditions
from analysis.models.registry import MODELS
from contract.records import TrialInfo
from contract.transports import TransportStyle

STEADY_WITHIN_RATIO = 0.05
"""The largest expected shortfall of deliveries read in the window, as a share of those due in it."""


def expected_read_ratio(longest_wait_s: float, before_s: float, window_s: float) -> float:
    """Return the expected ratio of deliveries read in the window to those due in it, for polls with a random phase.

    `before_s` is the time from the earliest possible arrival of an event to the start of the window. A poll that is
    read a time t after that arrival brings the events due since the previous poll or the stream's start: a share of
    min(1, t / P) of an interval P. The ratio is the mean of this share over the window.
    """

    def integral_s(until_s: float) -> float:
        if until_s <= 0:
            return 0.0
        return until_s - longest_wait_s / 2 if until_s >= longest_wait_s else until_s**2 / (2 * longest_wait_s)

    return (integral_s(before_s + window_s) - integral_s(before_s)) / window_s


def unsteady_reason(info: TrialInfo, style: TransportStyle) -> str | None:
    """Return why this trial's costs per event and freshness would mislead; None if it was in a steady state."""
    conditions = Conditions.of_point(info.parameters, style)
    wait_s = MODELS[style.model].longest_wait_s(conditions)
    warm_up_s = (info.window_start_ns - info.t0_ns) / 1e9
    window_s = (info.window_end_ns - info.window_start_ns) / 1e9
    expected = expected_read_ratio(wait_s, warm_up_s - conditions.one_way_delay_s, window_s)
    if expected >= 1 - STEADY_WITHIN_RATIO:
        return None
    return (
        f"its stream began {warm_up_s:.3g} s before the measured window, and its clients wait up to {wait_s:.3g} s for "
        f"an event: about {expected:.0%} of the deliveries due in the window are read in it (at least "
        f"{1 - STEADY_WITHIN_RATIO:.0%} in a steady state): use a warm-up of {wait_s + conditions.answer_s:.3g} s"
    )
