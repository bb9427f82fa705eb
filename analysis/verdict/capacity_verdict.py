"""The verdict of a run that overloads its server on purpose."""

from __future__ import annotations

from analysis.formatting import figure, interval, listed
from analysis.summary.results import Results
from contract.summary import Estimate, TransportCapacity


def capacity_verdict(results: Results) -> list[str] | None:
    """Return a headline and a sentence for each transport and crossover; None without service times."""
    capacity = results.summary.capacity
    if capacity is None:
        return None

    def does(*, bounds: bool) -> list[str]:
        return [
            f"{estimate_in_words(found.per_s, bounds=bounds)} {done_in_words(found)} of "
            f"{results.label(found.transport)}"
            for found in capacity.transports
        ]

    sentences = [f"A second of one server core is enough for {listed(does(bounds=False))}", *does(bounds=True)]
    for crossover in capacity.crossovers:
        push, poll = results.label(crossover.push), results.label(crossover.poll)
        at = crossover.events_per_poll
        said = (
            f"{poll} never holds more clients than {push}"
            if at.value is None
            else f"{poll} holds more clients than {push} where event rate × interval is above {estimate_in_words(at)}"
        )
        tried: dict[str, list[str]] = {}
        for one in crossover.tried:
            tried.setdefault(one.outcome, []).append(figure(one.events_per_poll))
        outcomes = listed([f"{outcome} at {listed(where)}" for outcome, where in tried.items()])
        sentences.append(said + (f" ({outcomes})" if tried else ""))
    return [f"{sentence}." for sentence in sentences]


def done_in_words(capacity: TransportCapacity) -> str:
    """Return the unit of `per_s` in one of `capacity.transports`: events, or polls with so many events."""
    batch = capacity.events_per_poll
    return "events" if batch is None else f"polls with {figure(batch)} event{'' if batch == 1 else 's'} each"


def estimate_in_words(estimate: Estimate, *, bounds: bool = True) -> str:
    """Format `9.83 [9.71, 9.95]`."""
    words = interval(estimate.ci95) if bounds else ""
    return f"{figure(estimate.value)} {words}".rstrip()
