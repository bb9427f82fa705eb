"""Warnings of a report: weaknesses of a run that do not make it invalid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.formatting import count, milliseconds
from analysis.statistics.distribution import LATENCY_QUANTILES, least_events
from analysis.summary.precision import not_known
from contract.records import (
    OTHERS_RATIO,
    STOLEN_RATIO,
    RunInfo,
    TrialInfo,
    mean_limit_ms,
    scheduled_latency_ms,
)
from contract.summary import Point, SetAside
from terminal.wording import plural

FEW_TRIALS = 3
MODEL_TOLERANCE_RATIO = 0.03
MODEL_TOLERANCE_MS = 1.0
CLOCK_UNCERTAINTY_LIMIT_MS = 0.2

Points = Sequence[Point]


def run_warnings(run: RunInfo, points: Points, trials: Sequence[TrialInfo], set_aside: Sequence[SetAside]) -> list[str]:
    """Return a sentence for each weakness of the run; `trials` are the finished ones."""
    return [
        *_extent(run, points, trials),
        *_machine(run, trials),
        *_withheld(run, points),
        *_stolen(points),
        *_used_by_others(points),
        *_throttled(run, points),
        *_unsteady(run, points),
        *_repeated(set_aside),
        *_published_late(points),
        *_not_measured(run, points, trials),
        *_surprises(run, points),
    ]


def _extent(run: RunInfo, points: Points, trials: Sequence[TrialInfo]) -> Iterator[str]:
    if len(trials) < len(run.plan):
        yield f"Only {len(trials)} of {len(run.plan)} planned trials were finished."
    fewest = min(point.trials for point in points)
    if fewest == 1:
        yield "Some points have a single trial: no interval can be given, and no difference can be told from chance."
    elif fewest < FEW_TRIALS:
        yield f"Some points have only {fewest} trials: their intervals are wide."
    if lacking := not_known(points):
        precision = f"{100 * run.scenario['precision']:g} %"
        yield f"The median is not known to {precision}, as the scenario asks, at {plural(len(lacking), 'point')}."
    for name, share in LATENCY_QUANTILES.items():
        if few := [point for point in points if point.quantiles_withheld and name in point.quantiles_withheld.needed]:
            needed = count(least_events(share))
            yield f"At {_count(few, 'point')} there is no {name}, which needs {needed} events: its trials have fewer."


def _machine(run: RunInfo, trials: Sequence[TrialInfo]) -> Iterator[str]:
    pinned = [trial.capabilities.get("cpu_pinned") for trial in trials]
    if run.running_servers:
        yield "The server was already running: its cores are not known, and other load on them would slow it down."
    elif any(cores is None or set(cores["server"]) & set(cores["load"]) for cores in pinned):
        yield "Server and load were not kept on cores of their own: each can slow the other down."
    clocks = [trial.capabilities.get("server_clock") or {} for trial in trials]
    uncertainty_ms = max(clock.get("uncertainty_ns", 0) for clock in clocks) / 1e6
    if uncertainty_ms > CLOCK_UNCERTAINTY_LIMIT_MS:
        yield f"The server's clock is known to ±{uncertainty_ms:.2f} ms only, and so is every latency."
    workers = [worker for trial in trials for worker in trial.workers]
    least_known = max(workers, key=lambda worker: worker.uncertainty_ns, default=None)
    if least_known is not None and least_known.uncertainty_ns / 1e6 > CLOCK_UNCERTAINTY_LIMIT_MS:
        yield (
            f"The clock of {least_known.name} is known against the server's to ±{least_known.uncertainty_ns / 1e6:.2f} "
            "ms only, and so is every latency of its clients."
        )
    if late := sum(worker.end == "late" for worker in workers):
        yield f"A worker was too late for a trial and took no part in it, {plural(late, 'time')}."


def _withheld(run: RunInfo, points: Points) -> Iterator[str]:
    labels = {style.name: style.label for style in run.transports}
    for point in points:
        if withheld := point.latency_withheld:
            trials = f"{withheld.trials} of {plural(point.trials, 'trial')}"
            yield (f"{labels[point.transport]}: the one-way latency of {trials} is withheld, as {withheld.reason}.")


def _stolen(points: Points) -> Iterator[str]:
    worst = [max(point.server_stolen_ratio or 0.0, point.load_stolen_ratio or 0.0) for point in points]
    at = [point for point, ratio in zip(points, worst, strict=True) if ratio >= STOLEN_RATIO]
    if at:
        yield (
            f"The host of this virtual machine gave up to {max(worst):.0%} of a core's time to others while it was "
            f"needed (at {_count(at, 'point')} {STOLEN_RATIO:.0%} or more): latencies contain it."
        )


def _used_by_others(points: Points) -> Iterator[str]:
    for role, ratios in (
        ("server", [point.server_core_others_ratio for point in points]),
        ("load", [point.load_core_others_ratio for point in points]),
    ):
        shares = [ratio or 0.0 for ratio in ratios]
        if busy := sum(share > OTHERS_RATIO for share in shares):
            yield (
                f"Other programs used up to {max(shares):.0%} of the {role}'s core in a trial (at "
                f"{plural(busy, 'point')} more than {OTHERS_RATIO:.0%}): by less than what makes a trial INVALID, but "
                "latencies contain it. Leave the machine alone."
            )


def _repeated(set_aside: Sequence[SetAside]) -> Iterator[str]:
    if set_aside:
        why = "; ".join(f"{attempt.trial}: {', '.join(attempt.reasons)}" for attempt in set_aside)
        yield (
            f"{plural(len(set_aside), 'attempt')} at trials repeated, as the machine had disturbed them (judged by the "
            f"machine's own signs, not by latencies): {why}."
        )


def _published_late(points: Points) -> Iterator[str]:
    def is_late(point: Point) -> bool:
        lag = point.parts_ms.server_lag
        if not point.valid or lag is None or lag.mean is None:
            return False
        return lag.mean > mean_limit_ms(scheduled_latency_ms(point.parameters))

    late = [point for point in points if is_late(point)]
    if known := [point for point in late if point.server_cpu_us_per_event is not None]:
        yield (
            f"At {_count(known, 'point')} the server published events late because it was answering its clients: "
            "that is a cost of the transport, and part of the latencies."
        )
    if unknown := [point for point in late if point.server_cpu_us_per_event is None]:
        yield (
            f"At {_count(unknown, 'point')} the server published events late, which is part of the latencies; why is "
            "not known, as its CPU time was not measured."
        )


def _throttled(run: RunInfo, points: Points) -> Iterator[str]:
    at = [point for point in points if point.throttled_ms > 0]
    if at:
        cores = run.machine.get("cpu_quota_cores")
        yield (
            f"A CPU quota{f' of {cores:g} cores' if cores else ''} was used up at {_count(at, 'point')}: it delayed "
            f"the processes by up to {milliseconds(max(point.throttled_ms for point in at))} of a trial's window "
            "(added up over cores), and latencies contain it. Allow the container more cores, or use fewer clients."
        )


def _unsteady(run: RunInfo, points: Points) -> Iterator[str]:
    found = [point for point in points if point.steady_state.reason]
    if found:
        labels = {style.name: style.label for style in run.transports}
        yield (
            f"Costs and freshness are not shown at {_count(found, 'point')}, which had not reached a steady state: "
            f"{labels[found[0]['transport']]}, {found[0]['steady_state']['reason']}."
        )


def _not_measured(run: RunInfo, points: Points, trials: Sequence[TrialInfo]) -> Iterator[str]:
    if any(point.latency_stamp == "user" for point in points):
        yield "Without kernel arrival stamps latency includes the client's own delay in reading."
    elif missing := sum(point.stamps.missing for point in points):
        yield f"{missing} deliveries had no kernel arrival stamp: the client's own was used."
    if not all(trial.capabilities.get("tcp_info") for trial in trials):
        yield "Bytes are counted in the client and not by the kernel: TCP/IP overhead is not known."
    if "trace" in run.settings and any(point.parts_ms.queue is None and point.freshness for point in points):
        yield "The server's trace has gaps: at some points the time within the server is not known separately."
    if any(point.server_cpu_ratio is None for point in points):
        yield "The server's CPU time was not measured."


def _surprises(run: RunInfo, points: Points) -> Iterator[str]:
    if late := sum(point.ledger.late for point in points):
        yield f"{late} deliveries arrived later than any transport should be: they count, but deserve a look."
    if reconnects := sum(point.requests.reconnects for point in points):
        yield f"{reconnects} connections were opened again during a trial."
    if off := [point for point in points if _off_the_model(point)]:
        labels = {style.name: style.label for style in run.transports}
        where = f"{_count(off, 'point')} ({', '.join(dict.fromkeys(labels[p.transport] for p in off))})"
        yield (
            f"At {where} the mean latency is more than {MODEL_TOLERANCE_RATIO:.0%} + {MODEL_TOLERANCE_MS:g} ms from "
            "the model on the trials' own schedules: what was measured there is the system itself, not the transport's "
            "principle."
        )


def _off_the_model(point: Point) -> bool:
    measured, predicted = point.latency_ms.mean, point.model.mean_ms
    if measured is None or predicted is None:
        return False
    return bool(abs(measured - predicted) > MODEL_TOLERANCE_RATIO * predicted + MODEL_TOLERANCE_MS)


def _count(items: Points, noun: str) -> str:
    return plural(len(items), noun)
