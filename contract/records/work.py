"""The unfinished work of a server or a load at any time of a trial, computed from its CPU time and its requests.

Each process is modelled as a single-server queue (Lindley 1952, The theory of queues with a single server): each poll,
answer, or delivery on an open channel costs an equal share of the CPU time used for all of them. Latencies are not
used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract.records.run_folder import Trial
from contract.records.tables import Ints, Outcome, RequestKind, SampleRole

USUAL_WAKING_RATIO = 0.33
"""Share of the CPU time for a held poll that is spent when its event is published; the rest is spent when the poll
arrives. It is used for trials without a `waking_ratio` of their own: bursts of empty long polls on the FastAPI stack
gave 0.31 with 10 clients and 0.35 with 50."""


@dataclass(frozen=True)
class Work:
    """Pieces of work in the order in which they arrived at a process."""

    at_ns: Ints
    work_ns: npt.NDArray[np.float64]
    """CPU time of each piece."""

    def unfinished_ns(self, times_ns: Ints, longest_busy_ns: float = np.inf) -> npt.NDArray[np.float64]:
        """Return how much work was unfinished just before each of `times_ns`, ns of CPU time, in the same shape.

        0 where the process had been working without a pause for longer than `longest_busy_ns`.
        """
        if not len(self.at_ns):
            return np.zeros(len(times_ns))
        left_ns, starts = self._queue()
        busy_since_ns = self.at_ns[np.maximum.accumulate(np.where(starts, np.arange(len(starts)), 0))]
        last = np.searchsorted(self.at_ns, times_ns, side="left") - 1
        piece = np.maximum(last, 0)
        unfinished_ns = np.maximum(0.0, left_ns[piece] - (times_ns - self.at_ns[piece]))
        return np.where((last >= 0) & (times_ns - busy_since_ns[piece] <= longest_busy_ns), unfinished_ns, 0.0)

    def busy_periods(self, start_ns: int, end_ns: int) -> int:
        """Return the number of busy periods that began within [start, end)."""
        if not len(self.at_ns):
            return 0
        _, starts = self._queue()
        return int(np.count_nonzero(starts & (self.at_ns >= start_ns) & (self.at_ns < end_ns)))

    def _queue(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Return the work left just after each piece arrived, ns, and whether the process was idle before it."""
        since_ns = (self.at_ns - self.at_ns[0]).astype(np.float64)
        sums_ns = np.concatenate(([0.0], np.cumsum(self.work_ns)))
        # After piece k the queue holds S_k - t_k - min over j <= k of (S_{j-1} - t_j), S being the sums of the work.
        before_ns = sums_ns[:-1] - since_ns
        lowest_ns = np.minimum.accumulate(before_ns)
        starts = np.concatenate(([True], before_ns[1:] <= lowest_ns[:-1]))
        return sums_ns[1:] - since_ns - lowest_ns, starts


def server_work(trial: Trial) -> Work | None:
    """Return the work of each process of a trial's server from the start of its stream.

    None if its CPU time was not sampled, or if processes share cores, so that each waits for the others.
    """
    cpu_ns = _cpu_ns(trial)
    if cpu_ns is None or _processes_share_cores(trial):
        return None
    # Several processes of a server share the work; each publishes the whole stream.
    cpu_ns /= trial.info.parameters.server_processes
    at_ns, work_ns = _work_of_polls(trial, cpu_ns) or _work_of_pushes(trial, cpu_ns)
    order = np.argsort(at_ns, kind="stable")
    return Work(at_ns[order], work_ns[order])


def load_work(trial: Trial, worker: int, arrived_ns: Ints) -> Work | None:
    """Return the work of one load process whose clients' answers arrived at these times; None if it was not sampled."""
    rows = trial.samples.where((trial.samples.role == SampleRole.LOAD) & (trial.samples.worker == worker))
    if len(rows) < 2 or not len(arrived_ns):
        return None
    at_ns = np.sort(arrived_ns)
    each_ns = rows.growth("cpu_ns", int(at_ns[0]), int(at_ns[-1])) / len(at_ns)
    return Work(at_ns, np.full(len(at_ns), each_ns))


def _processes_share_cores(trial: Trial) -> bool:
    """Return whether the server has more processes than cores that they are known to be pinned to."""
    cores = (trial.info.capabilities.get("cpu_pinned") or {}).get("server") or ()
    return 1 < trial.info.parameters.server_processes > len(cores)


def _cpu_ns(trial: Trial) -> float | None:
    """Return the server's CPU time during the stream, less the publisher's spinning, which yields to all other work."""
    rows = trial.samples.where(trial.samples.role == SampleRole.SERVER)
    if len(rows) < 2:
        return None
    used_ns = rows.growth("cpu_ns", trial.info.t0_ns, trial.info.window_end_ns)
    return max(0.0, used_ns - (trial.info.server_stats.get("spin_cpu_ns") or 0))


def _work_of_polls(trial: Trial, cpu_ns: float) -> tuple[Ints, npt.NDArray[np.float64]] | None:
    rows = trial.requests
    answered = np.isin(rows.kind, (RequestKind.POLL, RequestKind.POST)) & np.isin(
        rows.outcome, (Outcome.ANSWERED, Outcome.EMPTY)
    )
    answered &= (rows.end_ns >= trial.info.t0_ns) & (rows.end_ns < trial.info.window_end_ns)
    if not answered.any():
        return None
    one_way_ns = round(trial.info.parameters.one_way_delay_ms * 1e6)
    came_ns, left_ns = rows.start_ns[answered] + one_way_ns, rows.end_ns[answered] - one_way_ns
    due_ns = np.append(trial.published.due_ns, np.iinfo(np.int64).max)
    woken_ns = np.maximum(came_ns, np.minimum(due_ns[np.searchsorted(due_ns[:-1], came_ns)], left_ns))
    each_ns = cpu_ns / len(came_ns)
    waking_ratio = USUAL_WAKING_RATIO if trial.info.waking_ratio is None else trial.info.waking_ratio
    shares = np.repeat(np.array([1 - waking_ratio, waking_ratio]), len(came_ns))
    return np.concatenate((came_ns, woken_ns)), each_ns * shares


def _work_of_pushes(trial: Trial, cpu_ns: float) -> tuple[Ints, npt.NDArray[np.float64]]:
    events = len(trial.published)
    seq = trial.deliveries.seq
    copies = np.bincount(seq[(seq >= 1) & (seq <= events)], minlength=events + 1)[1:]
    each_ns = cpu_ns / max(1, int(copies.sum()))
    return trial.published.due_ns, copies.astype(np.float64) * each_ns
