"""The clauses of a verdict on latency differences: their size, that none was shown, or that latencies are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.formatting import figure, interval, listed
from analysis.summary.results import latency_statistic
from analysis.verdict.claims import LEAST_BLOCKS, is_shown
from contract.summary import AgainstReference, Point
from contract.times import RESOLUTION_MS
from terminal.wording import plural

SAME_MS = 1.0
SAME_RATIO = 0.05
"""A difference below both can be due to the code of server and client instead of the transport."""


@dataclass(frozen=True)
class LatencyDifference:
    """The difference of one latency statistic of a point from another point's."""

    value_ms: float
    ci95_ms: Sequence[float] | None
    reference_ms: float
    shown: bool
    """Whether it is significant, given all differences that the verdict considers."""
    blocks: int
    """The number of blocks in which both were measured."""
    among: int
    """The number of differences that the verdict considers."""
    noise_ms: float | None
    """The noise floor of the two transports; None if it was not measured."""

    @classmethod
    def of(cls, point: Point, statistic: str, against: AgainstReference | None) -> LatencyDifference | None:
        """Return the difference of a point from another one; None if it is not known."""
        figure_ms = latency_statistic(point, statistic)[0]
        found = None if against is None else against.latency_differences_ms[statistic]
        if found is None or figure_ms is None:
            return None
        return cls(
            found.value,
            found.ci95,
            figure_ms - found.value,
            is_shown(found),
            found.blocks,
            found.adjusted_among or 0,
            found.noise_floor_ms,
        )

    @property
    def margin_ms(self) -> float:
        """Two latencies count as the same if they differ by less."""
        return max(RESOLUTION_MS, min(SAME_MS, SAME_RATIO * self.reference_ms))

    @property
    def same(self) -> bool:
        """Whether the whole interval lies within the margin.

        (A test of equivalence, Schuirmann 1987: a wide interval shows nothing.)
        """
        return self.ci95_ms is not None and all(abs(bound) < self.margin_ms for bound in self.ci95_ms)

    @property
    def half_width_ms(self) -> float | None:
        """Half the width of the interval; if it is cut off, the longer part."""
        return None if self.ci95_ms is None else max(abs(bound - self.value_ms) for bound in self.ci95_ms)

    def in_words(self, where: str) -> str:
        """Return a clause on this difference."""
        if self.ci95_ms is None:
            return f"{self._direction} by {figure(abs(self.value_ms))} ms (one trial, no interval) at {where}"
        if not self.shown:
            return f"{self.unshown} at {where} ({self.estimate})"
        if abs(self.value_ms) < RESOLUTION_MS:
            return (
                f"differs by {signed_ms(self.value_ms)} ms at {where}, below the {RESOLUTION_MS:g} ms that this set-up "
                "resolves"
            )
        if self.noise_ms is not None and abs(self.value_ms) < self.noise_ms:
            return (
                f"differs by {signed_ms(self.value_ms)} ms at {where}, within the ±{figure(self.noise_ms)} ms by which "
                "a transport differs from itself"
            )
        sign = -1 if self.value_ms < 0 else 1
        bounds = interval(sorted(sign * bound for bound in self.ci95_ms))
        return f"{self._direction} by {figure(abs(self.value_ms))} ms {bounds} at {where}"

    @property
    def estimate(self) -> str:
        """The difference with its half-width, or that it is not certain."""
        if self.half_width_ms is None:
            return f"{signed_ms(self.value_ms)} ms from one trial"
        if not self.shown and not self.same and abs(self.value_ms) > self.half_width_ms:
            return f"{signed_ms(self.value_ms)} ms, not certain among {plural(self.among, 'difference')}"
        return f"{signed_ms(self.value_ms)} ± {figure(self.half_width_ms)} ms"

    @property
    def unshown(self) -> str:
        """The clause that no difference was shown."""
        if self.blocks < LEAST_BLOCKS:
            return f"{plural(self.blocks, 'block')} are too few to tell a difference"
        return "no difference shown"

    @property
    def _direction(self) -> str:
        return "slower" if self.value_ms > 0 else "faster"


def how_different(point: Point, against: AgainstReference | None) -> str:
    """Return the clause that compares a point's latencies with the reference's, or with those on the first server.

    p50 and p95 are stated separately if only one of them shows a difference, since a median says nothing of the tail.
    """
    known = _known(point, against)
    uncertainty_ms = 0.0 if against is None else against.clock_uncertainty_ms
    few_events = point.quantiles_withheld is not None and "p50" in point.quantiles_withheld.needed
    hidden = "p50" not in known and uncertainty_ms and not few_events
    if not known or hidden:
        return f"not known to ±{figure(uncertainty_ms)} ms" if uncertainty_ms else "not measured in the same blocks"
    where, first = next(iter(known.items()))
    if is_tie(point, against):
        if first.shown and abs(first.value_ms) < RESOLUTION_MS:
            return first.in_words(where)
        places = listed([name for name in known if name != "p95"])
        return f"the same within {figure(first.margin_ms)} ms at {places} ({first.estimate} at {where})"
    if not any(found.shown for found in known.values()) and first.ci95_ms is not None:
        return f"{first.unshown} at " + listed([f"{name} ({found.estimate})" for name, found in known.items()])
    quantiles = {name: found for name, found in known.items() if name in ("p50", "p95")}
    if quantiles and (first.ci95_ms is None or any(found.shown for found in quantiles.values())):
        known = quantiles
    return listed([found.in_words(name) for name, found in known.items()])


def is_tie(point: Point, against: AgainstReference | None) -> bool:
    """Return whether median and mean are the same as the other point's, and no difference in the tail was shown."""
    known = _known(point, against)
    if "the mean" not in known:
        return False
    return all(found.same or (name == "p95" and not found.shown) for name, found in known.items())


def _known(point: Point, against: AgainstReference | None) -> dict[str, LatencyDifference]:
    """Return the measured differences by name; a p95 needs more events than a p50, a mean none."""
    names = {"p50": "p50", "p95": "p95", "mean": "the mean"}
    found = {text: LatencyDifference.of(point, name, against) for name, text in names.items()}
    return {text: difference for text, difference in found.items() if difference is not None}


def signed_ms(value_ms: float) -> str:
    """Format a number of milliseconds with its sign."""
    return f"{'+' if value_ms > 0 else '−' if value_ms < 0 else ''}{figure(abs(value_ms))}"
