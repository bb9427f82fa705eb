"""The costs of a point: ratios of sums over its trials, with intervals from the spread between trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from analysis.statistics.inference import AT_LEAST_ZERO, SHARE, Spread
from analysis.summary.pooled_latency import Trials, interval_of_trials
from analysis.trial.connecting import HeldMemory
from analysis.trial.costs import ByteCounts
from analysis.trial.measures import TrialMeasures
from contract import quantiles
from contract.records import SampleRole
from contract.summary import (
    BytesIntervals,
    BytesPerEvent,
    BytesSplit,
    Estimate,
    Freshness,
    Requests,
    SetupTimes,
    SteadyState,
)

Parts = tuple[float, float]
"""The numerator and the denominator that a trial adds to a ratio of sums."""
Figure = Callable[[TrialMeasures], Parts | None]
"""Returns a figure's parts of one trial; None if the trial did not measure it."""

_ROLES = (("server", SampleRole.SERVER), ("load", SampleRole.LOAD))
_RELAY = ("relay", SampleRole.RELAY)
"""There is a relay only if the network is emulated; its memory does not depend on the clients."""
_EVENTS_AT_A_READING = 0.3
"""Standard deviation of the number of events that a trial's bytes and its deliveries do not have in common. In 5 of 50
trials over open channels of five `standard` runs it was one event, in the others none."""
_UNEXPLAINED_GROWTH_BYTES = 2e6
"""Standard deviation between trials of the growth of a process's memory that clients do not explain, since memory is
taken from the operating system in large steps: in 28 of 450 trials of ten `standard` runs, a server that ten clients
had made 1 MB larger in most others grew by 4 to 15 MB."""
_MEMORY_BYTES = 1e5
"""Standard deviation of the memory of equal processes; that of a few trials is often smaller."""
_COLD_START_MS = 0.4
"""Standard deviation between trials of the set-up time: in one trial of eight of the same runs, the first requests met
a server that was not warm yet, and took about 1 ms longer."""
_OUTDATED_FROM_MS = {"older_than_100_ms_ratio": 100.0, "older_than_1_s_ratio": 1000.0}


def pooled_costs(trials: Trials, pilot_blocks: int | None) -> dict[str, Any]:
    """Return the fields of a point on its costs, freshness and set-up; each `_ci95` is beside its figure.

    Figures per delivery, shares of empty polls and freshness leave out trials that were not in a steady state.
    """

    def pooled(name: str) -> dict[str, Any]:
        found = _estimate(trials, name, pilot_blocks)
        return {name: found.value, f"{name}_ci95": found.ci95}

    fields: dict[str, Any] = {"steady_state": _steady_state(trials)}
    for name in ("requests_per_event", "requests_per_s", "empty_ratio"):
        fields |= pooled(name)
    fields["requests"] = Requests(**summed([trial.requests.totals for trial in trials]))
    fields |= _bytes(trials, pilot_blocks)
    for name, role in (*_ROLES, _RELAY):
        fields |= pooled(f"{name}_cpu_us_per_event")
        known = [use for trial in trials if (use := trial.processors[role]) is not None]
        fields[f"{name}_cpu_ratio"] = max((use.ratio for use in known), default=None)
    for name, role in _ROLES:
        known = [use for trial in trials if (use := trial.processors[role]) is not None]
        fields[f"{name}_stolen_ratio"] = max((use.stolen_ratio for use in known), default=None)
        others = [ratio for trial in trials if (ratio := trial.others_ratios[role]) is not None]
        fields[f"{name}_core_others_ratio"] = max(others, default=None)
        fields[f"{name}_rss_bytes"] = max((use.rss_bytes for use in known), default=None)
        for memory in (f"{name}_connected_rss_bytes", f"{name}_rss_bytes_per_client"):
            fields |= pooled(memory)
    fields["throttled_ms"] = max(trial.throttled_ms for trial in trials)
    fields |= pooled("time_to_connect_s")
    return {**fields, "freshness": _freshness(trials, pilot_blocks)}


def per_block(trials: Trials, name: str) -> dict[int, float]:
    """Return a figure of FIGURES by block, for the trials that measured it."""
    found = [(trial.info.block, FIGURES[name](trial)) for trial in trials]
    return {block: parts[0] / parts[1] for block, parts in found if parts is not None and parts[1]}


def summed(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Return counts by name, added up over trials that all have the same names."""
    return {name: sum(count[name] for count in counts) for name in counts[0]}


def least_spread(trials: Trials, name: str, value: float) -> float:
    """Return the least standard deviation between trials to use for a figure of FIGURES, however well they agree.

    Trials with events of equal size agree to the byte, until in one of them an event is on its way while the counters
    are read. Most trials also agree on the memory of a few clients, until a process takes a large step at once, and on
    the set-up time, until the first requests find a server that is not warm.
    """
    if name.startswith("bytes_per_event"):
        return value * _EVENTS_AT_A_READING / max(1.0, float(np.mean([trial.events for trial in trials])))
    if name.endswith("_rss_bytes_per_client"):
        return _UNEXPLAINED_GROWTH_BYTES / trials[0].connecting.clients
    if name.endswith("_connected_rss_bytes"):
        return _MEMORY_BYTES
    return _COLD_START_MS if name == "setup_ms" else 0.0


def _estimate(trials: Trials, name: str, pilot_blocks: int | None) -> Estimate:
    """Return a ratio of sums over the trials, with the interval of the trials' ratios; None without a denominator."""
    figure = FIGURES[name]
    found = [(trial, figure(trial)) for trial in trials]
    known = [(trial, parts) for trial, parts in found if parts is not None and parts[1]]
    if not known:
        return Estimate(value=None, ci95=None)
    pooled = sum(above for _, (above, _) in known) / sum(below for _, (_, below) in known)
    ratios = [above / below for _, (above, below) in known]
    spread = Spread(least_spread(trials, name, pooled))
    possible = SHARE if name.endswith("_ratio") else AT_LEAST_ZERO
    measured = [trial for trial, _ in known]
    return Estimate(pooled, interval_of_trials(pooled, measured, ratios, pilot_blocks, possible, spread))


def _steady(figure: Figure) -> Figure:
    return lambda trial: figure(trial) if trial.unsteady_reason is None else None


def _cpu_us(role: SampleRole, trial: TrialMeasures) -> Parts | None:
    use = trial.processors[role]
    return None if use is None else (use.cpu_ns / 1000, trial.deliveries)


def _socket_bytes(count: Callable[[ByteCounts], int], trial: TrialMeasures) -> Parts | None:
    return None if trial.bytes is None else (count(trial.bytes), trial.bytes.deliveries)


def _memory(role: SampleRole, size: Callable[[HeldMemory, int], float], trial: TrialMeasures) -> Parts | None:
    held = trial.connecting.memory[role]
    return None if held is None else (size(held, trial.connecting.clients), 1)


def _setup_bytes(trial: TrialMeasures) -> Parts | None:
    return float(trial.setup_bytes.sum()), len(trial.setup_bytes)


def _setup_ms(trial: TrialMeasures) -> Parts | None:
    return (quantiles.quantiles(trial.setup_ms, [0.5])[0], 1) if len(trial.setup_ms) else None


def _mean_age(trial: TrialMeasures) -> Parts | None:
    if trial.ages is None or not trial.clocks_agree:
        return None
    return trial.ages.mean_ms * trial.ages.observed_ms, trial.ages.observed_ms


def _outdated(from_ms: float, trial: TrialMeasures) -> Parts | None:
    if trial.ages is None or not trial.clocks_agree:
        return None
    return float(trial.ages.older_than([from_ms])[0]) * trial.ages.observed_ms, trial.ages.observed_ms


FIGURES: dict[str, Figure] = {
    "requests_per_event": lambda trial: (trial.requests.sent, trial.due_deliveries),
    "requests_per_s": lambda trial: (trial.requests.sent, trial.client_seconds),
    "empty_ratio": _steady(lambda trial: (trial.requests.empty_polls, trial.requests.answered_polls)),
    "bytes_per_event_up": _steady(partial(_socket_bytes, lambda counted: counted.up)),
    "bytes_per_event_down": _steady(partial(_socket_bytes, lambda counted: counted.down)),
    "bytes_per_event": _steady(partial(_socket_bytes, lambda counted: counted.up + counted.down)),
    "setup_bytes_per_client": _setup_bytes,
    "setup_ms": _setup_ms,
    "time_to_connect_s": lambda trial: None if trial.connecting.time_s is None else (trial.connecting.time_s, 1),
    "mean_age_ms": _steady(_mean_age),
    **{name: _steady(partial(_outdated, from_ms)) for name, from_ms in _OUTDATED_FROM_MS.items()},
    **{f"{name}_cpu_us_per_event": _steady(partial(_cpu_us, role)) for name, role in (*_ROLES, _RELAY)},
    **{
        f"{name}_connected_rss_bytes": partial(_memory, role, lambda held, _: held.connected_bytes)
        for name, role in _ROLES
    },
    **{f"{name}_rss_bytes_per_client": partial(_memory, role, HeldMemory.per_client_bytes) for name, role in _ROLES},
}
"""Every figure that has an interval and can be compared block by block; `setup_ms` is a mean of the trials' medians."""


def _steady_state(trials: Trials) -> SteadyState:
    """Return the ratio of deliveries read in the windows to those due in them, and why it is not a steady state."""
    due = sum(trial.due_deliveries for trial in trials)
    return SteadyState(
        read_ratio=sum(trial.deliveries for trial in trials) / due if due else None,
        reason=next((trial.unsteady_reason for trial in trials if trial.unsteady_reason is not None), None),
    )


def _freshness(trials: Trials, pilot_blocks: int | None) -> Freshness | None:
    mean_age = _estimate(trials, "mean_age_ms", pilot_blocks)
    older_than_100_ms, older_than_1_s = (_estimate(trials, name, pilot_blocks) for name in _OUTDATED_FROM_MS)
    if mean_age.value is None:
        return None
    return Freshness(
        older_than_100_ms_ratio=older_than_100_ms.value,
        older_than_100_ms_ratio_ci95=older_than_100_ms.ci95,
        older_than_1_s_ratio=older_than_1_s.value,
        older_than_1_s_ratio_ci95=older_than_1_s.ci95,
        mean_age_ms=mean_age.value,
        mean_age_ms_ci95=mean_age.ci95,
    )


def _bytes(trials: Trials, pilot_blocks: int | None) -> dict[str, Any]:
    up, down, total = (
        _estimate(trials, name, pilot_blocks)
        for name in ("bytes_per_event_up", "bytes_per_event_down", "bytes_per_event")
    )
    counted = [t.bytes for t in trials if t.bytes is not None and t.unsteady_reason is None]
    deliveries = sum(count.deliveries for count in counted)

    def per_event(size_bytes: int) -> float | None:
        return size_bytes / deliveries if deliveries else None

    payload, empty_polls = sum(count.payload for count in counted), sum(count.empty_polls for count in counted)
    both_ways = sum(count.up + count.down for count in counted)
    # Events that were compressed together with their framing have no size of their own.
    separable = trials[0].info.parameters.compression != "deflate"
    tcp_ip = [count.tcp_ip for count in counted if count.tcp_ip is not None]
    setup_bytes = _estimate(trials, "setup_bytes_per_client", pilot_blocks)
    return {
        "bytes_per_event": BytesPerEvent(up.value, down.value, total.value),
        "bytes_per_event_ci95": BytesIntervals(up.ci95, down.ci95, total.ci95),
        "bytes_split_per_event": BytesSplit(
            payload=per_event(payload) if separable else None,
            framing_and_headers=per_event(both_ways - payload - empty_polls) if separable else None,
            empty_polls=per_event(empty_polls),
            tcp_ip=per_event(sum(tcp_ip)) if len(tcp_ip) == len(counted) else None,
        ),
        "setup_bytes_per_client": setup_bytes.value,
        "setup_bytes_per_client_ci95": setup_bytes.ci95,
        "setup_ms": _setup_times(trials, pilot_blocks),
    }


def _setup_times(trials: Trials, pilot_blocks: int | None) -> SetupTimes:
    known = [trial for trial in trials if len(trial.setup_ms)]
    if not known:
        return SetupTimes(p50=None, p50_ci95=None, max=None)
    setup_ms = np.concatenate([trial.setup_ms for trial in known])
    p50 = quantiles.quantiles(setup_ms, [0.5])[0]
    medians = [quantiles.quantiles(trial.setup_ms, [0.5])[0] for trial in known]
    return SetupTimes(
        p50=p50,
        p50_ci95=interval_of_trials(
            p50, known, medians, pilot_blocks, AT_LEAST_ZERO, Spread(least_spread(known, "setup_ms", p50))
        ),
        max=float(setup_ms.max()),
    )
