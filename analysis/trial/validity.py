"""The validity of a trial: checks with thresholds, and sentences with the cause, the amount and the remedy.

Any reason makes the trial INVALID, and with it its point and the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.trial.costs import Processor, RequestCounts
from analysis.trial.latency import MeasuredLatencies, due_at_clients_ns, median_ms
from analysis.trial.lateness import message_lateness, poll_lateness, timer_lateness, turnaround_lateness
from contract.records import (
    COMPLETE,
    STOLEN_RATIO,
    WORKER_ENDS,
    Ints,
    SampleRole,
    Trial,
    Work,
    WorkerInfo,
    core_taken,
    load_stopped,
    mean_limit_ms,
    published_without_cause,
    scheduled_latency_ms,
    server_stopped,
    unexplained_lateness,
)
from contract.transports import TransportStyle

CPU_RATIO_LIMITS = {SampleRole.LOAD: 0.85, SampleRole.SERVER: 0.9, SampleRole.RELAY: 0.85}
"""Limits as a share of one core: all three are single-threaded, and beyond this their own queues add to the latencies.
"""
LOOP_LAG_LIMIT_MS = 20.0
CLIENT_DELAY_P50_LIMIT_MS = 10.0
CLOCK_STEP_LIMIT_MS = 1.0
DUE_TIME_TOLERANCE_NS = 1_000
"""The largest difference of a due time as delivered from start + offset. Doubles hold times since 1970 in steps of 256
ns, and a server may round the start, the offset and their sum to such steps: together less than 400 ns, and far less
than the 0.2 ms below which nothing is claimed."""
EVENT_SIZE_TOLERANCE_BYTES = 4
"""The stamps in an event are numbers of the machine's uptime, which gain a digit now and then."""

LOSES_ON_PURPOSE = "polls without a cursor lose events on purpose"

_ROLE_REMEDIES = {
    SampleRole.LOAD: "use fewer clients or a faster machine",
    SampleRole.SERVER: "use fewer clients, a lower rate or a faster machine",
    SampleRole.RELAY: "use fewer clients, a lower rate or a network without emulation",
}
_ENDS = {
    "drain_limit": "events were missing when the drain limit had passed: lower the load, or look for a lossy server",
    "server_died": "the server died: see its log",
    "load_died": "the load process died: see its log",
}


@dataclass(frozen=True)
class Evidence:
    """The records by which one trial is judged."""

    trial: Trial
    style: TransportStyle
    latencies: MeasuredLatencies
    ledger: Mapping[str, int]
    requests: RequestCounts
    processors: Mapping[SampleRole, Processor | None]
    work: Work | None
    """The work of the server; None if its CPU time is not known."""


def reasons_against(evidence: Evidence) -> list[str]:
    """Return why this trial is INVALID, one sentence each; none if it is valid."""
    checks = (
        _faults,
        _end,
        _workers,
        _ledger,
        _failures,
        _due_times,
        _processors,
        _publishing,
        _machine,
        _load_lateness,
        _relay_lateness,
        _clocks,
    )
    return [reason for check in checks for reason in check(evidence)]


def server_reasons(evidence: Evidence) -> list[str]:
    """Return the reasons which state that the server was saturated or published late."""
    return [*_processor(evidence, SampleRole.SERVER), *_publishing(evidence)]


def machine_reasons(evidence: Evidence) -> list[str]:
    """Return the reasons which state that the machine disturbed the trial."""
    return list(_machine(evidence))


def load_reasons(evidence: Evidence) -> list[str]:
    """Return the reasons which state that the load sent or read late."""
    return list(_load_lateness(evidence))


def overloaded(evidence: Evidence) -> bool:
    """Return whether the server had no capacity left."""
    return any(_processor(evidence, SampleRole.SERVER))


@dataclass(frozen=True)
class PublishedStream:
    """The stream as published, which must be the same for all transports of a block while their streams overlap."""

    offsets_ns: Ints
    """Due times from the start of the measured window: negative in the warm-up."""
    event_bytes: Ints
    start_ns: int
    """When the stream began, from the start of the measured window."""
    end_ns: int
    """When the stream ended, from the start of the measured window."""

    @classmethod
    def of(cls, trial: Trial) -> PublishedStream:
        """Return the stream of a trial's own record."""
        window_start_ns = trial.info.window_start_ns
        return cls(
            trial.published.due_ns - window_start_ns,
            trial.published.event_bytes,
            trial.info.t0_ns - window_start_ns,
            trial.info.window_end_ns - window_start_ns,
        )

    def mismatch(self, other: PublishedStream) -> str | None:
        """Return how another stream differs, or None; they are compared for as long as both last."""
        ours, theirs = self._shared(other), other._shared(self)
        events = int(ours.sum())
        if events != int(theirs.sum()):
            return f"{events} events instead of {int(theirs.sum())}"
        if moved := int((self.offsets_ns[ours] != other.offsets_ns[theirs]).sum()):
            return f"{moved} of {events} events due at another time"
        if np.any(np.abs(self.event_bytes[ours] - other.event_bytes[theirs]) > EVENT_SIZE_TOLERANCE_BYTES):
            return "events of another size"
        return None

    def _shared(self, other: PublishedStream) -> npt.NDArray[np.bool_]:
        """Return which of its events are due while both streams last."""
        start_ns, end_ns = max(self.start_ns, other.start_ns), min(self.end_ns, other.end_ns)
        return (self.offsets_ns >= start_ns) & (self.offsets_ns < end_ns)


def mismatch_reason(stream: PublishedStream, first: PublishedStream, first_name: str) -> str | None:
    """Return why a trial cannot be compared with the first one of its block and rate; None if it can."""
    difference = stream.mismatch(first)
    return difference and (
        f"its stream was not that of {first_name} in the same block: {difference} (expected the same events at the "
        "same times): run it again with one version of server and harness"
    )


def _faults(evidence: Evidence) -> Iterator[str]:
    faults = (evidence.trial.info.server_stats.get("options") or {}).get("faults")
    if faults:
        yield f"faults were injected on purpose: {' '.join(faults)} (expected none): leave out --fault"


def _end(evidence: Evidence) -> Iterator[str]:
    info = evidence.trial.info
    if info.end != "complete":
        yield f"it did not end as planned: {_ENDS.get(info.end, info.end)}"
    yield from info.problems
    if not len(evidence.latencies):
        yield "not one measured delivery (expected at least one): use a longer trial or a higher rate"


def _workers(evidence: Evidence) -> Iterator[str]:
    for worker in _incomplete_workers(evidence.trial):
        yield (
            f"{worker.name} {WORKER_ENDS[worker.end]}: there are no records of its {worker.clients} clients "
            f"({worker.first_client} to {worker.first_client + worker.clients - 1}), so all their deliveries count as "
            "lost (all workers must send their records at the end): look at that machine, and run again"
        )


def _incomplete_workers(trial: Trial) -> list[WorkerInfo]:
    return [worker for worker in trial.info.workers if worker.end != COMPLETE and worker.clients]


def _ledger(evidence: Evidence) -> Iterator[str]:
    counts = evidence.ledger
    loses_on_purpose = not evidence.trial.info.parameters.cursor
    if loses_on_purpose:
        yield f"{LOSES_ON_PURPOSE} (here {counts['lost']} of {counts['expected']} deliveries): ask with a cursor"
    loss_is_explained = loses_on_purpose or bool(_incomplete_workers(evidence.trial))
    for name in ("lost", "duplicate", "reordered", "corrupt"):
        if counts[name] and not (name == "lost" and loss_is_explained):
            yield (
                f"{counts[name]} of {counts['expected']} deliveries {name} (0 allowed): the transport or its client "
                "does not keep its promise, so look at the deliveries table by client and seq"
            )
    if cut_off := int((evidence.trial.clients.cut_off != 0).sum()):
        yield f"{cut_off} clients cut off by the server (0 allowed): use fewer clients, or find what held them up"


def _failures(evidence: Evidence) -> Iterator[str]:
    if errors := evidence.requests.totals["errors"]:
        yield f"{errors} requests or connections failed (0 allowed): see outcome and status in the requests table"


def _due_times(evidence: Evidence) -> Iterator[str]:
    due_ns, rows = due_at_clients_ns(evidence.trial, evidence.style), evidence.trial.deliveries
    known = (rows.seq >= 1) & (rows.seq <= len(evidence.trial.published))
    off_ns = np.abs(rows.due_ns[known] - due_ns[rows.client[known], rows.seq[known] - 1])
    if wrong := int((off_ns > DUE_TIME_TOLERANCE_NS).sum()):
        yield (
            f"{wrong} deliveries say another due time than the schedule, by more than {DUE_TIME_TOLERANCE_NS:,} ns (0 "
            "allowed): the server did not publish the stream that it was given"
        )


def _processors(evidence: Evidence) -> Iterator[str]:
    for role in CPU_RATIO_LIMITS:
        yield from _processor(evidence, role)
    yield from _shared_core(evidence)


def _shared_core(evidence: Evidence) -> Iterator[str]:
    """Yield a sentence if load and relay together use too much of the core that they share, but neither does alone."""
    roles = (SampleRole.LOAD, SampleRole.RELAY)
    shares = [use.ratio for role in roles if (use := evidence.processors[role]) is not None]
    cores = (evidence.trial.info.capabilities.get("cpu_pinned") or {}).get("load", ())
    limit = CPU_RATIO_LIMITS[SampleRole.LOAD]
    if len(cores) == 1 and len(shares) == len(roles) and max(shares) <= limit < sum(shares):
        yield (
            f"the load process and the relay, which share a core, used {sum(shares):.0%} of it together (at most "
            f"{limit:.0%}): {_ROLE_REMEDIES[SampleRole.RELAY]}"
        )


def _processor(evidence: Evidence, role: SampleRole) -> Iterator[str]:
    use, limit = evidence.processors[role], CPU_RATIO_LIMITS[role]
    if use is not None and use.ratio > limit:
        core = "a core" if use.stolen_ratio < STOLEN_RATIO else "what the machine's host left of a core"
        yield (
            f"the {role.name.lower()} process used {use.ratio:.0%} of {core} (at most {limit:.0%}): "
            f"{_ROLE_REMEDIES[role]}"
        )


def _publishing(evidence: Evidence) -> Iterator[str]:
    """Yield sentences on late publishing that the server's work does not explain; explained lateness is a result."""
    trial, style = evidence.trial, evidence.style
    scheduled_ms = scheduled_latency_ms(trial.info.parameters)
    if style.kind.clients_send:
        if sentence := message_lateness(trial, style).describe_excess("messages were sent", scheduled_ms):
            yield f"{sentence}: {_remedy(evidence, SampleRole.LOAD, 'use fewer clients')}"
        return
    # Without its CPU time, the cause of a server's lateness is not known: it is part of what was measured.
    if evidence.work is None:
        return
    if without_cause := list(published_without_cause(trial, evidence.work)):
        yield from without_cause
    elif sentence := unexplained_lateness(trial, evidence.work).describe_excess("events were published", scheduled_ms):
        yield f"{sentence}: the server had more to do than it could, so lower the load"


def _machine(evidence: Evidence) -> Iterator[str]:
    trial = evidence.trial
    for disturbance in (*core_taken(trial, evidence.work), *load_stopped(trial)):
        yield f"{disturbance}: leave the machine alone"
    yield from server_stopped(trial, evidence.work)


def _load_lateness(evidence: Evidence) -> Iterator[str]:
    trial = evidence.trial
    scheduled_ms = scheduled_latency_ms(trial.info.parameters)
    remedy = _remedy(evidence, SampleRole.LOAD, "use fewer clients")
    if sentence := poll_lateness(trial).describe_excess("polls were sent", scheduled_ms):
        yield f"{sentence}: {remedy}"
    if sentence := turnaround_lateness(trial).describe_excess("polls followed an answer", scheduled_ms):
        yield f"{sentence}, beyond what the load's own work explains: {remedy}"
    names = {worker.index: worker.name for worker in trial.info.workers}
    for index, lateness in timer_lateness(trial).items():
        timers = f"timers of {names.get(index, 'the load process')} fired"
        if sentence := lateness.describe_many_late(timers, LOOP_LAG_LIMIT_MS):
            yield f"{sentence}: {remedy}"
    delay_ns = evidence.latencies.client_delay_ns
    if delay_ns is not None and (delay_ms := median_ms(delay_ns)) > CLIENT_DELAY_P50_LIMIT_MS:
        yield (
            f"clients read their deliveries {delay_ms:.1f} ms after these had arrived, at the median "
            f"(at most {CLIENT_DELAY_P50_LIMIT_MS:g} ms): use fewer clients or a lower rate"
        )


def _relay_lateness(evidence: Evidence) -> Iterator[str]:
    info = evidence.trial.info
    late_us = (info.relay or {}).get("lateness_us") or {}
    # Relays of older runs recorded no mean; their median says less.
    mean_us = late_us.get("mean", late_us.get("p50"))
    limit_ms = mean_limit_ms(scheduled_latency_ms(info.parameters))
    if mean_us is not None and mean_us / 1000 > limit_ms:
        yield (
            f"the relay delayed by {mean_us / 1000:.2f} ms more than asked, on average "
            f"(at most {limit_ms:.3g} ms): use fewer clients or a lower rate"
        )


def _clocks(evidence: Evidence) -> Iterator[str]:
    pairs = evidence.trial.clock
    same_process = np.diff(pairs.worker) == 0
    steps_ms = np.abs(np.diff(pairs.realtime_ns - pairs.monotonic_ns))[same_process] / 1e6
    if (step_ms := float(steps_ms.max(initial=0.0))) > CLOCK_STEP_LIMIT_MS:
        yield (
            f"the wall clock was set by {step_ms:.1f} ms during the trial (at most {CLOCK_STEP_LIMIT_MS:g} ms), which "
            "shifts the kernel's arrival stamps: run again when it has settled"
        )


def _remedy(evidence: Evidence, role: SampleRole, usual: str) -> str:
    """Return the remedy for lateness; if the host took the core, lowering the load does not help."""
    use = evidence.processors[role]
    if use is None or use.stolen_ratio < STOLEN_RATIO:
        return f"{usual} or leave the machine alone"
    return f"the machine's host took {use.stolen_ratio:.0%} of that core's time, so run again when it is quieter"
