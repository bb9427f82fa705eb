"""Checks whether the machine disturbed a trial, by late timers and by the use of its cores.

Neither latencies of deliveries nor the model are used: a disturbed trial is repeated, and which trials are repeated
must not depend on their results (docs/method/method.md).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from contract.records.lateness import MEAN_MS, Lateness, mean_limit_ms, scheduled_latency_ms
from contract.records.run_folder import Trial
from contract.records.tables import RequestKind, SampleRole, is_time
from contract.records.work import Work, server_work
from contract.times import RESOLUTION_MS

EXPLAINED_RATIO = 1.5
"""The server's unfinished work explains lateness of up to this multiple of it, as it is only known on average."""
LONGEST_BUSY_NS = 150_000_000
"""A server that has been busy without a pause for longer than this is overloaded."""
FULL_RATIO = 0.75
"""A server that uses more of its core than this causes its own lateness: pieces of work that differ in size queue
longer than equal ones, and the more so the fuller it is."""
WAITING_RATIO = 0.02
"""Largest share of the window spent waiting for a core; an undisturbed server or load waits for 0.04 to 1.2 % of it."""
OTHERS_RATIO = 0.2
"""Other programs count as using a core if they run on it for more than this share of the window. The system counts in
ticks of 10 ms, so that the share is known to a few per cent; a program that never sleeps uses most of the core's
remaining time."""
STOLEN_RATIO = 0.01
"""The least share of a core's time taken by the host of a virtual machine that counts as a cause."""


def disturbances(trial: Trial) -> list[str]:
    """Return one sentence for each way in which the machine disturbed this trial, with amount and limit.

    Lateness of an overloaded server is not a disturbance.
    """
    work = server_work(trial)
    return [
        *core_taken(trial, work),
        *load_stopped(trial),
        *server_stopped(trial, work),
        *published_without_cause(trial, work),
    ]


def published_without_cause(trial: Trial, work: Work | None) -> Iterator[str]:
    """Yield a sentence if events were published late although the server had nothing else to do."""
    if work is None or server_is_full(trial):
        return
    late = unexplained_lateness(trial, work, np.inf)
    excess = late.describe_excess("events were published", _scheduled_ms(trial), _mean_ms(trial, SampleRole.SERVER))
    if excess:
        yield f"{excess}, beyond what the server's own work explains: {likely_cause(trial)}"


def server_stopped(trial: Trial, work: Work | None) -> Iterator[str]:
    """Yield a sentence if the server's own timer fired late although the server had nothing else to do.

    This shows a stop even if no event was due in it. Nothing is yielded for servers that do not report late timers.
    """
    ticks = np.asarray(trial.info.server_stats.get("late_ticks") or np.empty((0, 2)), dtype=np.int64).reshape(-1, 2)
    due_ns, late_ns = ticks.T
    window = (due_ns >= trial.info.window_start_ns) & (due_ns < trial.info.window_end_ns)
    if work is None or server_is_full(trial) or not window.any():
        return
    explained_ns = EXPLAINED_RATIO * work.unfinished_ns(due_ns[window])
    late_ms = np.maximum(0.0, late_ns[window] - explained_ns) / 1e6
    if (moved_ms := _moved_ms(trial, late_ms)) > (limit_ms := _limit_ms(trial, SampleRole.SERVER)):
        yield (
            f"the server stood still for {late_ms.max():.0f} ms or longer while it had nothing to do, which delays "
            f"events by {moved_ms:.1f} ms on average (at most {limit_ms:.3g} ms): {likely_cause(trial)}"
        )


def load_stopped(trial: Trial) -> Iterator[str]:
    """Yield a sentence for each load process that stood still, if its clients poll, post or send messages.

    Clients that only listen are not affected: the kernel stamps their arrivals.
    """
    if not (_requests_in_stream(trial) or trial.info.capabilities.get("clients_stamp")):
        return
    start_ns, end_ns = trial.info.window_start_ns, trial.info.window_end_ns
    limit_ms = _limit_ms(trial, SampleRole.LOAD)
    rows = trial.loop_lag.where((trial.loop_lag.at_ns >= start_ns) & (trial.loop_lag.at_ns < end_ns))
    names = {worker.index: f" ({worker.name})" for worker in trial.info.workers}
    for worker in np.unique(rows.worker).tolist():
        late_ms = rows.lag_ns[rows.worker == worker] / 1e6
        if (moved_ms := _moved_ms(trial, late_ms)) > limit_ms:
            yield (
                f"the load process{names.get(worker, '')} stood still for {late_ms.max():.0f} ms or longer, which "
                f"delays requests by {moved_ms:.1f} ms on average (at most {limit_ms:.3g} ms)"
            )


def unexplained_lateness(trial: Trial, work: Work, longest_busy_ns: float = LONGEST_BUSY_NS) -> Lateness:
    """Return the lateness of each event published in the window beyond what the server's unfinished work explains.

    After `longest_busy_ns` of work without a pause the server is overloaded, and no lateness counts as explained. Empty
    where the clients stamp their own events.
    """
    rows = trial.published
    window = (rows.due_ns >= trial.info.window_start_ns) & (rows.due_ns < trial.info.window_end_ns)
    rows = rows.where(window & is_time(rows.published_ns))
    explained_ns = EXPLAINED_RATIO * work.unfinished_ns(rows.due_ns, longest_busy_ns)
    return Lateness(rows.due_ns, np.maximum(0.0, rows.published_ns - rows.due_ns - explained_ns) / 1e6)


def core_taken(trial: Trial, work: Work | None) -> Iterator[str]:
    """Yield a sentence if other programs used the core of the server, or of a load that polls or posts, for too long.

    The wait counts if it could change a result: it must exceed a share of the window and, divided by the number of busy
    periods, the limit on the mean lateness.
    """
    if work is None:
        return
    window_ns = trial.info.window_end_ns - trial.info.window_start_ns
    times = max(1, work.busy_periods(trial.info.window_start_ns, trial.info.window_end_ns))
    roles = (SampleRole.SERVER, SampleRole.LOAD) if _requests_in_stream(trial) else (SampleRole.SERVER,)
    for role in roles:
        waited_ns, limit_ms = waiting_ns(trial, role), _limit_ms(trial, role)
        if waited_ns > WAITING_RATIO * window_ns and waited_ns / times / 1e6 > limit_ms:
            yield (
                f"the {role.name.lower()} waited for its core while other programs ran on it: "
                f"{waited_ns / 1e6:.0f} ms of the window (at most {WAITING_RATIO * window_ns / 1e6:.0f} ms), "
                f"{waited_ns / times / 1e6:.1f} ms each time it had work (at most {limit_ms:.3g} ms)"
            )


def waiting_ns(trial: Trial, role: SampleRole) -> float:
    """Return the run-queue wait in the window, ns, of the process of this role that waited longest."""
    return _most_within_window(trial, role, "waited_ns")


def server_is_full(trial: Trial) -> bool:
    """Return whether the server's processes ran for more than FULL_RATIO of the window, spinning included."""
    own = trial.samples.where(trial.samples.role == SampleRole.SERVER)
    used_ns = own.growth("cpu_ns", trial.info.window_start_ns, trial.info.window_end_ns)
    processes = trial.info.parameters.server_processes
    return used_ns / processes > FULL_RATIO * (trial.info.window_end_ns - trial.info.window_start_ns)


def others_ratio(trial: Trial, role: SampleRole) -> float | None:
    """Return the share of the window in which other programs than the trial's used the cores of the server or the load.

    None if it is not known: if the processes are not pinned to cores, if the role has several processes, or if the
    platform does not report it.
    """
    cores = trial.info.capabilities.get("cpu_pinned")
    own = trial.samples.where(trial.samples.role == role)
    if not cores or len(np.unique(own.worker)) != 1 or not own.core_busy_ns.any():
        return None
    window = (trial.info.window_start_ns, trial.info.window_end_ns)
    names = {SampleRole.SERVER: "server", SampleRole.LOAD: "load", SampleRole.RELAY: "load"}
    there = [trial.samples.where(trial.samples.role == each) for each in names if names[each] == names[role]]
    number = len(cores[names[role]])
    busy_ns = own.growth("core_busy_ns", *window) * number
    ours_ns = sum(rows.growth("cpu_ns", *window) for rows in there if len(rows))
    return float(max(0.0, busy_ns - ours_ns)) / (window[1] - window[0]) / number


def others_use(trial: Trial, role: SampleRole) -> bool:
    """Return whether other programs used the cores of this role, as far as is known."""
    return (others_ratio(trial, role) or 0.0) > OTHERS_RATIO


def stolen_ratio(trial: Trial, role: SampleRole) -> float:
    """Return the share of the window for which a virtual machine's host took the core of a role's processes."""
    window_ns = trial.info.window_end_ns - trial.info.window_start_ns
    return _most_within_window(trial, role, "stolen_ns") / window_ns


def likely_cause(trial: Trial) -> str:
    """Return the most likely cause of delays of an idle server, and the remedy, as the end of a sentence."""
    if (stolen := stolen_ratio(trial, SampleRole.SERVER)) >= STOLEN_RATIO:
        return f"the machine's host took {stolen:.0%} of that core's time, so run again when it is quieter"
    window_ns = trial.info.window_end_ns - trial.info.window_start_ns
    if (throttled_ns := _most_within_window(trial, SampleRole.SERVER, "throttled_ns")) > WAITING_RATIO * window_ns:
        return f"a CPU quota held its processes up for {throttled_ns / 1e6:.0f} ms, so raise it or lower the load"
    waited_ns = waiting_ns(trial, SampleRole.SERVER)
    if others_use(trial, SampleRole.SERVER):
        share = others_ratio(trial, SampleRole.SERVER)
        return f"other programs used {share:.0%} of its core's time, so leave the machine alone"
    if waited_ns > WAITING_RATIO * window_ns:
        return f"it waited for its core for {waited_ns / 1e6:.0f} ms, so leave the machine alone"
    return "its process stood still though its core was free (stopped, swapped out, or the whole machine was)"


def _requests_in_stream(trial: Trial) -> bool:
    return bool(np.isin(trial.requests.kind, (RequestKind.POLL, RequestKind.POST)).any())


def _limit_ms(trial: Trial, role: SampleRole) -> float:
    return mean_limit_ms(_scheduled_ms(trial), _mean_ms(trial, role))


def _mean_ms(trial: Trial, role: SampleRole) -> float:
    """Return the constant part of the limit on the mean lateness: small where other programs use this role's core."""
    return RESOLUTION_MS if others_use(trial, role) else MEAN_MS


def _moved_ms(trial: Trial, late_ms: npt.NDArray[np.float64]) -> float:
    """Return by how much the stops of a process delay what falls due in the window, on average.

    A stop of length S in a window W delays by S²/2W. A timer that goes off L late was set at a random time of a stop,
    which therefore lasted 2L, give or take.
    """
    return 2 * float(np.sum(late_ms**2)) / ((trial.info.window_end_ns - trial.info.window_start_ns) / 1e6)


def _scheduled_ms(trial: Trial) -> float:
    return scheduled_latency_ms(trial.info.parameters)


def _most_within_window(trial: Trial, role: SampleRole, column: str) -> float:
    """Return the growth of a cumulative column in the window, of the process of this role where it grew most."""
    own = trial.samples.where(trial.samples.role == role)
    processes = (own.where(own.worker == worker) for worker in np.unique(own.worker))
    window = (trial.info.window_start_ns, trial.info.window_end_ns)
    return max((rows.growth(column, *window) for rows in processes), default=0.0)
