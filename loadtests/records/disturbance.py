"""Whether the machine disturbed a trial, judged by late timers and by the use of its cores.

Neither latencies of deliveries nor the model are used: a disturbed trial is repeated, and which trials are repeated
must not depend on their results (docs/method.md).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from loadtests.records.lateness import MEAN_MS, MEAN_RATIO, Lateness, scheduled_latency_ms
from loadtests.records.run_folder import Trial
from loadtests.records.server_work import ServerWork, server_work
from loadtests.records.tables import RequestKind, SampleRole, is_time

EXPLAINED_RATIO = 1.5
"""The server's unfinished work explains lateness of up to this multiple of it, as it is only known on average."""
LONGEST_BUSY_NS = 150_000_000
"""A server that has been busy without a pause for longer than this is overloaded."""
WAITING_RATIO = 0.02
"""Largest share of the window spent waiting for a core; an undisturbed server or load waits for 0.04 to 1.2 % of it."""
STOLEN_RATIO = 0.01
"""Least share of a core's time that the host of a virtual machine must have taken to count as a cause."""


def disturbances(trial: Trial) -> list[str]:
    """Return how the machine disturbed this trial, a sentence each with amount and limit; empty if it did not.

    Lateness of an overloaded server is not a disturbance.
    """
    work = server_work(trial)
    found = [*core_taken(trial, work)]
    if work is not None:
        late = unexplained_lateness(trial, work, np.inf)
        said = late.describe_excess("events were published", _scheduled_ms(trial))
        found += [f"{said}, beyond what the server's own work explains: {likely_cause(trial)}"] if said else []
    return found


def unexplained_lateness(trial: Trial, work: ServerWork, longest_busy_ns: float = LONGEST_BUSY_NS) -> Lateness:
    """Return the lateness of each event published in the window beyond what the server's unfinished work explains.

    After `longest_busy_ns` of work without a pause the server is overloaded, and no lateness counts as explained. Empty
    where the clients stamp their own events.
    """
    rows = trial.published
    window = (rows.due_ns >= trial.info.window_start_ns) & (rows.due_ns < trial.info.window_end_ns)
    rows = rows.where(window & is_time(rows.published_ns))
    explained_ns = EXPLAINED_RATIO * work.unfinished_ns(rows.due_ns, longest_busy_ns)
    return Lateness(rows.due_ns, np.maximum(0.0, rows.published_ns - rows.due_ns - explained_ns) / 1e6)


def core_taken(trial: Trial, work: ServerWork | None) -> Iterator[str]:
    """Yield a sentence if other programs used the core of the server, or of a load that polls or posts, for too long.

    The wait counts if it could change a result: it must exceed a share of the window and, divided by the number of busy
    periods, the limit on the mean lateness.
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
                f"it had work, {waited_ns / times / 1e6:.1f} ms each time it started to work (expected at most "
                f"{limit_ms:.3g} ms, or {WAITING_RATIO:.0%} of the window)"
            )


def waiting_ns(trial: Trial, role: SampleRole) -> float:
    """Return the run-queue wait in the window, ns, of the process of this role that waited longest."""
    return _most_within_window(trial, role, "waited_ns")


def stolen_ratio(trial: Trial, role: SampleRole) -> float:
    """Return the share of the window for which a virtual machine's host took the core of a role's processes."""
    window_ns = trial.info.window_end_ns - trial.info.window_start_ns
    return _most_within_window(trial, role, "stolen_ns") / window_ns


def likely_cause(trial: Trial) -> str:
    """Return what most likely delayed a server that had no work to do, and the remedy, as the end of a sentence."""
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
    """Return the growth of a cumulative column in the window, of the process of this role where it grew most."""
    own = trial.samples.where(trial.samples.role == role)
    processes = (own.where(own.worker == worker) for worker in np.unique(own.worker))
    window = (trial.info.window_start_ns, trial.info.window_end_ns)
    return max((rows.growth(column, *window) for rows in processes), default=0.0)
