"""The verdict of a run, from its summary: a headline to read aloud, and a line for each finding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.formatting import figure, interval, listed
from analysis.summary.results import Results, common_statistic, latency_statistic, present, reported
from analysis.verdict.cheaper_polling import cheaper
from analysis.verdict.invalid_reasons import headline_reason
from analysis.verdict.latency_differences import SAME_MS, SAME_RATIO, how_different, is_tie, signed_ms
from analysis.verdict.server_differences import server_headline, server_lines
from contract.points import differing, parameter_value
from contract.summary import Estimate, NoiseDifference, Point, TransportCapacity
from contract.times import RESOLUTION_MS

_CONDITIONS = ("clients", "rate_per_s", "arrival", "one_way_delay_ms")
_READ_ALOUD = ("rate_per_s", "one_way_delay_ms")
MOST_WORDS = 35
"""The longest headline that compares transports: a teacher can read it aloud."""
_QUANTILES = {
    "p95": ("within", "95 % of the {}"),
    "p50": ("within", "half of the {}"),
    "mean": ("after", "{}, on average,"),
}
_FRESH_MS = (100.0, 1000.0)
"""Response times that people perceive as immediate, and as uninterrupted (J. Nielsen, Usability Engineering, 1993)."""


@dataclass(frozen=True)
class Verdict:
    """The verdict of a run."""

    headline: str
    """One sentence, without intervals."""
    lines: tuple[str, ...] = ()
    """A sentence each: every transport with its intervals, how often to poll to be as fresh, where polling wins."""


def verdict(results: Results) -> Verdict:
    """Return the verdict; for an invalid run it starts with INVALID and states why, without a comparison.

    For a run that makes a mistake on purpose it states the mistake and the remedy, whether its trials are valid or not;
    for one that overloads the server on purpose, the capacity of a server core.
    """
    summary = results.summary
    if summary.wrong_way:
        return Verdict(f"WRONG WAY on purpose: {summary.wrong_way}")
    if not summary.valid:
        return Verdict(f"INVALID: {headline_reason(summary.invalid_reasons)}.")
    if summary.overload and (held := capacity_verdict(results)):
        return Verdict(held[0], tuple(held[1:]))
    reference = None if summary.base_point is None else summary.points[summary.base_point]
    if reference is None or reference.latency_ms.mean is None:
        return Verdict(f"No verdict: {results.label(summary.reference)} {_without_latency(reference)}.")
    if summary.noise_floor and not summary.noise_floor_from:
        conditions = _conditions(reference, _CONDITIONS)
        return Verdict(f"With {conditions}, each transport is measured against itself.", _against_itself(results))
    others = [p for p in summary.points if p.base and p is not reference and p.latency_ms.mean is not None]
    lines = (
        f"With {_conditions(reference, _CONDITIONS)}, {_opening(results, reference)}, for {_cost(reference)}",
        *(_clause(results, point) for point in others),
        *server_lines(results),
        *_polling_as_fresh(reference, others),
        *_cheaper(results, reference),
    )
    conditions = f"With {_conditions(reference, _READ_ALOUD)}, "
    headline = server_headline(results, conditions, MOST_WORDS) or _headline(results, reference, others)
    return Verdict(headline, tuple(f"{line[0].upper()}{line[1:]}." for line in lines))


def _headline(results: Results, reference: Point, others: Sequence[Point]) -> str:
    """Return a sentence on how soon each transport delivers the events, in at most MOST_WORDS words.

    It uses the highest quantile that all transports have. Transports that are about as fast as the reference are named
    together, with the largest figure among them.
    """
    points = [reference, *others]
    name = common_statistic(points, "p95", "p50")
    within, amount = _QUANTILES[name]
    what = "messages there and back" if results.round_trip else "events"

    def ms(point: Point) -> float:
        return present(latency_statistic(point, name)[0])

    alike_ms = ms(reference) + max(RESOLUTION_MS, min(SAME_MS, SAME_RATIO * ms(reference)))
    first = [reference, *(point for point in others if ms(point) <= alike_ms)]
    later = sorted((point for point in others if point not in first), key=ms)
    names = listed([_name(results, point) for point in first])
    tie = "a tie: " if others and all(is_tie(point, point.against_reference) for point in others) else ""
    opening = (
        f"With {_conditions(reference, _READ_ALOUD)}, {tie}{names} bring{'s' if len(first) == 1 else ''} "
        f"{amount.format(what)} {within} {figure(max(map(ms, first)))} ms"
    )
    each = [f"{_name(results, point)} {within} {figure(ms(point))} ms" for point in later]
    whole = f"{listed([opening, *each])}."
    if len(whole.split()) <= MOST_WORDS or len(later) < 2:
        return whole
    return f"{opening}, the {len(later)} others {within} {figure(ms(later[0]))} to {figure(ms(later[-1]))} ms."


def _polling_as_fresh(reference: Point, others: Sequence[Point]) -> Iterator[str]:
    """Yield a clause on how often clients would have to poll for events to arrive at once by human perception.

    It follows from the closed form: an event waits for a time that is uniform over the interval.
    """
    for point in others:
        interval_s, closed_form = point.parameters.poll_interval_s, point.closed_form
        if interval_s is None or closed_form is None:
            continue
        at_once_ms = closed_form.p50_ms - 500.0 * interval_s
        fresh_ms = next((ms for ms in _FRESH_MS if ms > max(at_once_ms, present(reference.latency_ms.mean))), None)
        if fresh_ms is not None:
            per_s = 0.95 * 1000.0 / (fresh_ms - at_once_ms)
            yield (
                f"to bring 95 % of the events within {fresh_ms:g} ms by polling on a schedule, each client has to ask "
                f"{figure(per_s)} times a second (by the model)"
            )
        return


def _without_latency(reference: Point | None) -> str:
    if reference is not None and reference.latency_withheld is not None:
        return f"has no latency that is known, as {reference.latency_withheld.reason}"
    return "has no finished trial at the base parameters"


def _conditions(point: Point, names: Sequence[str]) -> str:
    return listed([parameter_value(name, point.parameters[name]) for name in names])


def _against_itself(results: Results) -> tuple[str, ...]:
    """Return by how much two measurements of the same transport differ, a sentence each."""
    return tuple(
        f"{results.label(transport)}: {listed([_noise(floor.p50_ms, 'p50'), _noise(floor.p95_ms, 'p95')])}."
        for transport, floor in (results.summary.noise_floor or {}).items()
        if floor.p50_ms is not None and floor.p95_ms is not None
    )


def _noise(found: NoiseDifference, name: str) -> str:
    width = "from one pair" if found.half_width is None else f"± {figure(found.half_width)} ms"
    return f"{signed_ms(present(found.value))} {width} at {name} (at most {figure(found.largest)} in a block)"


def _opening(results: Results, reference: Point) -> str:
    label, figures = results.label(reference.transport), _latencies(reference)
    if results.round_trip:
        return f"a message is there and back over {label} in {figures}"
    return f"{label} delivers in {figures}"


def _clause(results: Results, point: Point) -> str:
    return f"{_name(results, point)}: {how_different(point, point.against_reference)}, for {_cost(point)}"


def _cost(point: Point) -> str:
    cpu_us = point.server_cpu_us_per_event
    server = "" if cpu_us is None else f" and {figure(cpu_us)} µs of server CPU"
    return f"{figure(reported(point, 'requests_per_event')[0])} requests{server} per event"


def _cheaper(results: Results, reference: Point) -> Iterator[str]:
    polling = {style.name for style in results.transports if style.polling}
    what = "HTTP" if results.round_trip else "polling"

    def name(point: Point) -> str:
        return f"{_name(results, point)}{_elsewhere(reference, point)}"

    yield from cheaper(results.points, polling, what, results.label(reference.transport), name)


def _elsewhere(reference: Point, point: Point) -> str:
    """Return the parameters in which a point differs from the reference's base point, in words; empty if none."""
    parameters = point.parameters
    varied = [parameter_value(name, parameters[name]) for name in differing(parameters, reference.parameters)]
    return f" at {listed(varied)}" if varied else ""


def _latencies(point: Point) -> str:
    """Return median and p95 if there are enough events for them, or else the mean; the first with its interval."""
    latency = {name: latency_statistic(point, name) for name in ("p50", "p95", "mean")}
    known = [name for name in ("p50", "p95") if latency[name][0] is not None] or ["mean"]
    bounds = interval(latency[known[0]][1])
    first, *others = [f"{name} {figure(latency[name][0])} ms" for name in known]
    return ", ".join([f"{first} {bounds}".rstrip(), *others])


def _name(results: Results, point: Point) -> str:
    """Return the label, with the poll interval if it has one, as that defines the transport."""
    every = point.parameters.poll_interval_s
    label = results.label(point.transport)
    return label if every is None else f"{label} {parameter_value('poll_interval_s', every)}"


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
        sentence = (
            f"{poll} never holds more clients than {push}"
            if at.value is None
            else f"{poll} holds more clients than {push} where event rate × interval is above {estimate_in_words(at)}"
        )
        tried: dict[str, list[str]] = {}
        for one in crossover.tried:
            tried.setdefault(one.outcome, []).append(figure(one.events_per_poll))
        outcomes = listed([f"{outcome} at {listed(where)}" for outcome, where in tried.items()])
        sentences.append(sentence + (f" ({outcomes})" if tried else ""))
    return [f"{sentence}." for sentence in sentences]


def done_in_words(capacity: TransportCapacity) -> str:
    """Return the unit of `per_s` of a transport's capacity: events, or polls with a number of events."""
    batch = capacity.events_per_poll
    return "events" if batch is None else f"polls with {figure(batch)} event{'' if batch == 1 else 's'} each"


def estimate_in_words(estimate: Estimate, *, bounds: bool = True) -> str:
    """Format `9.83 [9.71, 9.95]`."""
    words = interval(estimate.ci95) if bounds else ""
    return f"{figure(estimate.value)} {words}".rstrip()
