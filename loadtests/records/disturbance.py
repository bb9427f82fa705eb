"""Whether the machine disturbed a trial, by its own signs: when timers went off, and who had the processors.

No latency of a delivery enters, nor the model: a trial is set aside and repeated by this rule, and what is repeated
must not depend on what was found (docs/method.md).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from loadtests.records.lateness import MEAN_MS, MEAN_RATIO, Lateness, scheduled_latency_ms
from loadtests.records.run_folder import Trial
from loadtests.records.server_work import ServerWork, server_work
from loadtests.records.tables import RequestKind, SampleRole, Samples, is_time

EXPLAINED_RATIO = 1.5
"""Lateness up to so many times the server's unfinished work is its own: the work is known as an average."""
LONGEST_BUSY_NS = 150_000_000
"""A server that is busy without a pause for longer than this has more to do than it can."""
WAITING_RATIO = 0.02
"""Of the window: undisturbed, server and load wait for their cores for 0.04 to 1.2 % of it."""
STOLEN_RATIO = 0.01
"""Of a core's time: less than that taken by the host of a virtual machine explains nothing."""


def disturbances(trial: Trial) -> list[str]:
    """Return what the machine did to this trial, a sentence each with amount and limit; none as a rule.

    What comes of too much work for the server is none of the machine's doing.
    """
    work = server_work(trial)
    found = [*core_taken(trial, work)]
    if work is not None:
        late = unexplained_lateness(trial, work, np.inf)
        said = late.excess("events were published without a cause in the server", _scheduled_ms(trial))
        found += [f"{said}: {what_held_up(trial)}"] if said else []
    return found


def unexplained_lateness(trial: Trial, work: ServerWork, longest_busy_ns: float = LONGEST_BUSY_NS) -> Lateness:
    """Return by how much more than its unfinished work explains the server published each event of the window late.

    Nothing explains what is late after `longest_busy_ns` of work without a pause: that is an overload. Empty where
    the clients stamp their own events.
    """
    rows = trial.published
    window = (rows.due_ns >= trial.info.window_start_ns) & (rows.due_ns < trial.info.window_end_ns)
    rows = rows.where(window & is_time(rows.published_ns))
    explained_ns = EXPLAINED_RATIO * work.unfinished_ns(rows.due_ns, longest_busy_ns)
    return Lateness(rows.due_ns, np.maximum(0.0, rows.published_ns - rows.due_ns - explained_ns) / 1e6)


def core_taken(trial: Trial, work: ServerWork | None) -> Iterator[str]:
    """Yield a sentence where other programs had the core of the server, or of a load that asks, for too long.

    The wait counts where it could move a figure: more than a share of the window, and, spread over the times that
    the process set to work, more of a mean latency than may be.
    """
    if work is None:
        return
    window_ns = trial.info.window_end_ns - trial.info.window_start_ns
    times = max(1, work.busy_periods(trial.info.window_start_ns, trial.info.window_end_ns))
    limit_ms = MEAN_MS + MEAN_RATIO * _scheduled_ms(trial)
    asks = bool(np.isin(trial.requests.kind, (RequestKind.POLL, RequestKind.POST)).any())
    for role in (SampleRole.SERVER, SampleRole.LOAD) if asks else (SampleRole.SERVER,):
        waited_ns = waiting_ns(trial, role)
        if waited_ns > WAITING_RATIO * window_ns and waited_ns / times / 1e6 > limit_ms:
            yield (
                f"other programs had the {role.name.lower()}'s core for {waited_ns / 1e6:.0f} ms of the window while "
                f"it had work, {waited_ns / times / 1e6:.1f} ms each time it set to work (at most {limit_ms:.3g} ms, "
                f"or {WAITING_RATIO:.0%} of the window)"
            )


def waiting_ns(trial: Trial, role: SampleRole) -> float:
    """Return the run-queue wait of a role's processes in the window, ns: of the one that waited most."""
    return _most_within_window(trial, role, "waited_ns")


def stolen_ratio(trial: Trial, role: SampleRole) -> float:
    """Return for which share of the window the host of a virtual machine took the core of a role's processes."""
    window_ns = trial.info.window_end_ns - trial.info.window_start_ns
    return _most_within_window(trial, role, "stolen_ns") / window_ns


def what_held_up(trial: Trial) -> str:
    """Name what most likely held up a server that had nothing to do."""
    if (stolen := stolen_ratio(trial, SampleRole.SERVER)) >= STOLEN_RATIO:
        return f"the machine's host took {stolen:.0%} of that core's time, so run again when it is quieter"
    window_ns = trial.info.window_end_ns - trial.info.window_start_ns
    if (throttled_ns := _most_within_window(trial, SampleRole.SERVER, "throttled_ns")) > WAITING_RATIO * window_ns:
        return f"a CPU quota held its processes up for {throttled_ns / 1e6:.0f} ms, so raise it or lower the load"
    waited_ns = waiting_ns(trial, SampleRole.SERVER)
    if waited_ns > WAITING_RATIO * window_ns:
        return f"other programs had its core for {waited_ns / 1e6:.0f} ms, so leave the machine alone"
    return "the machine stood still, so leave it alone"


def _scheduled_ms(trial: Trial) -> float:
    return scheduled_latency_ms(trial.info.parameters)


def _most_within_window(trial: Trial, role: SampleRole, column: str) -> float:
    """Return by how much a cumulative column grew in the window: of the process of this role where it grew most."""
    own = trial.samples.where(trial.samples.role == role)
    processes = (own.where(own.worker == worker) for worker in np.unique(own.worker))
    return max((_within_window(trial, rows, column) for rows in processes), default=0.0)


def _within_window(trial: Trial, rows: Samples, column: str) -> float:
    if len(rows) < 2:
        return 0.0
    edges = np.array([trial.info.window_start_ns, trial.info.window_end_ns]) - rows.at_ns[0]
    at_edges = np.interp(edges, rows.at_ns - rows.at_ns[0], getattr(rows, column))
    return float(at_edges[1] - at_edges[0])
