"""Whether what a trial counts in its measured window is a steady state's, or that of a stream that has only begun.

A client that polls every 5 s fetches with each poll the events of 5 s. Where the stream began later than that before
the window, its first polls fetch less: fewer deliveries are read in the window than fall due in it, and what is
divided by them, and how old its view is, are those of the start. Latencies are not concerned: they are taken of the
events that are due in the window, whenever these come.
"""

from __future__ import annotations

from analysis.model import Conditions, longest_wait_s
from loadtests.records import TransportStyle, TrialInfo

STEADY_WITHIN_RATIO = 0.05
"""By so much may deliveries read in the window be fewer than are due in it, on average over phases and streams."""


def expected_read_ratio(longest_wait_s: float, before_s: float, window_s: float) -> float:
    """Deliveries read in the window over those due in it, as expected for polls with any phase.

    `before_s` is how long before the window the first event may have been published and arrive at once. A poll that is
    read at t brings what was due since the poll before it or the stream's start: of a whole interval P the share
    min(1, t / P), and the mean of this over the window is the ratio.
    """

    def brought_s(until_s: float) -> float:
        if until_s <= 0:
            return 0.0
        return until_s - longest_wait_s / 2 if until_s >= longest_wait_s else until_s**2 / (2 * longest_wait_s)

    return (brought_s(before_s + window_s) - brought_s(before_s)) / window_s


def unsteady_reason(info: TrialInfo, style: TransportStyle) -> str | None:
    """Why what this trial counts per event, and how old its views are, would mislead; None where it does not."""
    conditions = Conditions.of_point(info.parameters, style.role)
    wait_s = longest_wait_s(style.model, conditions)
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
