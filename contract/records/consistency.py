"""Checks that the tables of a trial agree with trial.json and each other: UserError if they do not. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from contract.errors import UserError
from contract.records.tables import Ints, Table, is_time

if TYPE_CHECKING:
    from contract.records.run_folder import PlannedTrial, Trial, TrialInfo

_REACH_NS = 3600 * 1_000_000_000
"""How long before its stream and after its window a trial may have records, since it connects first and drains last."""
_TIMES = {
    "requests": ("planned_ns", "start_ns", "end_ns"),
    "deliveries": ("user_ns",),
    "sockets": ("at_ns",),
    "clients": ("connect_start_ns", "ready_ns"),
    "published": ("due_ns", "published_ns"),
    "samples": ("at_ns",),
    "clock": ("monotonic_ns",),
    "loop_lag": ("at_ns",),
}
"""Columns of times on the trial's own clock. Times that a server sent are not among them: they may be anything."""
_LONGEST_STREAM_NS = 4200 * 1_000_000_000
"""The longest warm-up and window together that a scenario may have."""


def check_info(info: TrialInfo, path: Path) -> None:
    """Raise UserError if the times or the workers of trial.json contradict each other."""
    times_ns = (info.t0_ns, info.window_start_ns, info.window_end_ns)
    if not (times_ns[0] <= times_ns[1] < times_ns[2] <= times_ns[0] + _LONGEST_STREAM_NS):
        raise UserError(
            f"{path}: t0_ns, window_start_ns, window_end_ns: expected times in this order, the last at most "
            f"{_LONGEST_STREAM_NS / 1e9:g} s after the first, not {', '.join(map(str, times_ns))}"
        )
    clients = info.parameters.clients
    for worker in info.workers:
        if worker.first_client + worker.clients > clients:
            raise UserError(
                f"{path}: workers: {worker.index} has the clients {worker.first_client} to "
                f"{worker.first_client + worker.clients - 1} (expected 0 to {clients - 1}, those of this trial)"
            )
    if len({worker.index for worker in info.workers}) < len(info.workers):
        raise UserError(f"{path}: workers: two have the same index (expected one of its own for each)")


def check_planned(info: TrialInfo, planned: PlannedTrial, path: Path) -> None:
    """Raise UserError if trial.json describes another trial than the one that run.json plans in its place."""
    both = {field.name for field in dataclasses.fields(info)}
    for name in (field.name for field in dataclasses.fields(planned) if field.name in both):
        expected, found = getattr(planned, name), getattr(info, name)
        if found != expected:
            raise UserError(f"{path}: {name}: expected {expected}, as run.json has planned it, not {found}")


def check_names(trial: Trial, folder: Path) -> None:
    """Raise UserError if a table names a client, an event or a load process that the trial does not have."""
    _check(_wrong_names(trial), folder)
    if len(trial.published) != trial.info.expected_events:
        raise UserError(
            f"{folder / trial.published.FILE}: has {len(trial.published)} rows (expected "
            f"{trial.info.expected_events}, the expected_events of trial.json)"
        )


def check_times(trial: Trial, folder: Path) -> None:
    """Raise UserError if a time of a table lies outside the trial, or times that must ascend do not."""
    _check(_wrong_times(trial), folder)


_Found = tuple[Table, str, npt.NDArray[np.bool_], str]
"""A table, one of its columns, which rows are wrong (a mask), and the expected values in words."""


def _check(findings: Iterable[_Found], folder: Path) -> None:
    for table, column, wrong, expected in findings:
        if wrong.any():
            row = int(wrong.argmax())
            value = getattr(table, column)[row]
            raise UserError(f"{folder / table.FILE}: column {column}: row {row} has {value} (expected {expected})")


def _wrong_names(trial: Trial) -> Iterator[_Found]:
    last = trial.info.parameters.clients - 1
    for table in (trial.deliveries, trial.requests, trial.sockets, trial.clients, trial.written):
        if table is not None:
            yield table, "client", _outside(table.client, 0, last), f"0 to {last}, the clients of this trial"
    again = np.ones(len(trial.clients), dtype=np.bool_)
    again[np.unique(trial.clients.client, return_index=True)[1]] = False
    yield trial.clients, "client", again, "each client once"
    seq = trial.published.seq
    yield trial.published, "seq", seq != np.arange(1, len(seq) + 1), "numbers from 1 on, without a gap"
    indices = sorted({0, *(worker.index for worker in trial.info.workers)})
    for recorded in (trial.samples, trial.clock, trial.loop_lag):
        expected = f"a load process of this trial: {', '.join(map(str, indices))}"
        yield recorded, "worker", ~np.isin(recorded.worker, indices), expected


def _wrong_times(trial: Trial) -> Iterator[_Found]:
    published, samples, clock = trial.published, trial.samples, trial.clock
    yield published, "due_ns", _decreases(published.due_ns), "times in ascending order"
    in_order = "times of each process in ascending order"
    yield samples, "at_ns", _decreases(samples.at_ns, samples.role, samples.worker), in_order
    yield clock, "monotonic_ns", _decreases(clock.monotonic_ns, clock.worker), in_order
    low_ns, high_ns = trial.info.t0_ns - _REACH_NS, trial.info.window_end_ns + _REACH_NS
    for name, columns in _TIMES.items():
        table: Table = getattr(trial, name)
        for column in columns:
            times_ns = getattr(table, column)
            wrong = _outside(times_ns, low_ns, high_ns) & is_time(times_ns)
            yield table, column, wrong, f"a time within {_REACH_NS / 1e9:g} s of the trial's stream"


def _outside(values: Ints, low: int, high: int) -> npt.NDArray[np.bool_]:
    if not len(values) or (values.min() >= low and values.max() <= high):
        return np.zeros(len(values), dtype=np.bool_)
    return np.asarray((values < low) | (values > high), dtype=np.bool_)


def _decreases(values: Ints, *groups: Ints) -> npt.NDArray[np.bool_]:
    """Return True for each value that is smaller than the previous value of the same group."""
    decreases = np.zeros(len(values), dtype=np.bool_)
    order = np.lexsort((np.arange(len(values)), *groups))
    same = np.ones(max(len(values) - 1, 0), dtype=np.bool_)
    for group in groups:
        same &= np.diff(group[order]) == 0
    decreases[order[1:]] = same & (np.diff(values[order]) < 0)
    return decreases
