"""The summary of a run, computed only from its raw records; equal records give equal bytes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from analysis.statistics.inference import AT_LEAST_ZERO, estimate
from analysis.summary.capacity import TrialLoad
from analysis.summary.corrections import corrected_estimates, estimates
from analysis.summary.crossover import capacity_summary
from analysis.summary.earlier_runs import earlier_noise_floor
from analysis.summary.noise_floor import floor_ms, noise_floors
from analysis.summary.pairing import PerBlock, against
from analysis.summary.point_figures import figures_by_block, least_spreads
from analysis.summary.pooling import load_processes_of, pool
from analysis.summary.precision import point_precision
from analysis.summary.results import Results
from analysis.summary.run_warnings import run_warnings
from analysis.summary.scaling import DEFAULT_P99_BOUND_MS, ScalePoint, scaling, wide_enough
from analysis.summary.wrong_ways import as_reported, misranked
from analysis.trial.measures import TrialMeasures, measure
from analysis.trial.validity import PublishedStream, mismatch_reason
from analysis.verdict.claims import correct_claims
from analysis.verdict.run_verdict import verdict
from contract.errors import UserError
from contract.parameters import Parameters
from contract.points import OF_THE_SERVER, agrees, differing, point_name
from contract.quantiles import QUANTILE_DEFINITION
from contract.records import (
    SUMMARY_FILE,
    SUMMARY_FORMAT,
    PlannedTrial,
    RunInfo,
    Trial,
    TrialInfo,
    as_document,
    disturbances,
    finished_trial_folders,
    load_run_info,
    set_aside_folders,
    write_json,
)
from contract.summary import (
    AgainstReference,
    Estimate,
    LatencyDifference,
    NoiseFloors,
    Point,
    Record,
    Scaling,
    SetAside,
    Summary,
    TransportScaling,
)
from contract.transports import TransportStyle

OnTrial = Callable[[Trial, TransportStyle, TrialMeasures], None]
"""Called with each trial while its records are in memory."""
_STREAM_PARAMETERS = ("rate_per_s", "arrival", "payload_bytes")
_SIGNIFICANT_DIGITS = 6
_NS_PER_MS = 1e6
_Value = TypeVar("_Value")


def write_summary(run_folder: Path, on_trial: OnTrial | None = None) -> Summary:
    """Compute the summary of a run, write it to summary.json, and return it."""
    summary = summarize_run(run_folder, on_trial)
    write_json(run_folder / SUMMARY_FILE, SUMMARY_FORMAT, as_document(summary))
    return summary


def summarize_run(run_folder: Path, on_trial: OnTrial | None = None) -> Summary:
    """Compute the summary of a run (docs/using/summary.md); raise UserError if it has no finished trial.

    `on_trial` is called with every trial, point by point.
    """
    run = load_run_info(run_folder)
    folders = {folder.name: folder for folder in finished_trial_folders(run_folder)}
    finished = [planned for planned in run.plan if planned.folder_name in folders]
    if not finished:
        kept = "; its report and summary.json stay as they are" if (run_folder / SUMMARY_FILE).is_file() else ""
        raise UserError(
            f"{run_folder}: nothing to report: it has no raw records of a finished trial (expected trials/*/trial.json)"
            f"{kept}"
        )
    pooled = list(_pooled_points(run, finished, folders, on_trial))
    floors, floors_from = _noise_floors(run_folder, run, pooled)
    compared = [_compared(entry, pooled, run) for entry in pooled]
    claimed = correct_claims(compared, run.transports, run.base_parameters)
    points = [_with_noise_floors(point, claimed, run.reference, floors) for point in claimed]
    reasons = [
        f"{_name(run, entry.point)}, {reason}"
        for entry in pooled
        for reason in entry.point.invalid_reasons
        if reason not in entry.excused
    ]
    infos = [info for entry in pooled for info in entry.infos]
    set_aside = _set_aside(run_folder)
    summary = _rounded(
        Summary(
            scenario=run.scenario["name"],
            wrong_way=run.scenario.get("wrong_way"),
            overload=run.scenario.get("overload", False),
            valid=not reasons,
            invalid_reasons=tuple(reasons),
            verdict="",
            verdict_lines=(),
            warnings=tuple(run_warnings(run, points, infos, set_aside)),
            set_aside=set_aside,
            reference=run.reference,
            transports=run.transports,
            base_point=_base_point(points, run.reference),
            varied=_varied(run),
            noise_floor=floors,
            noise_floor_from=floors_from,
            scaling=_scaling(run, pooled),
            workers=load_processes_of(infos),
            quantile_definition=QUANTILE_DEFINITION,
            planned_trials=len(run.plan),
            finished_trials=len(finished),
            fixed_work_ms=_fixed_work_ms(infos),
            points=tuple(points),
            capacity=capacity_summary([load for entry in pooled for load in entry.loads], run.base_parameters),
        )
    )
    found = verdict(Results.of(summary, run.base_parameters))
    return replace(summary, verdict=found.headline, verdict_lines=found.lines)


def _fixed_work_ms(infos: Sequence[TrialInfo]) -> Estimate | None:
    """Return how long the fixed piece of work took, as a mean of the trials, which have two readings each."""
    if not all(info.fixed_work_ns for info in infos):
        return None
    per_trial = [float(np.mean(info.fixed_work_ns)) / _NS_PER_MS for info in infos]
    return estimate(float(np.mean(per_trial)), per_trial, AT_LEAST_ZERO)


@dataclass(frozen=True)
class _Pooled:
    """A point, and the data of its trials that is still needed when their records are out of memory."""

    point: Point
    blocks: PerBlock
    infos: list[TrialInfo]
    loads: list[TrialLoad]
    excused: frozenset[str]
    """Reasons against the point that do not count against the run, since the scenario overloads the server on purpose.
    """


class _Streams:
    """The first stream of each kind in each block, which later streams must be equal to."""

    def __init__(self) -> None:
        self._first: dict[tuple[Any, ...], tuple[str, PublishedStream]] = {}

    def reason_against(self, planned: PlannedTrial, stream: PublishedStream) -> str | None:
        """Return why a trial's stream differs from the first equal one of its block; None if it does not."""
        span_s = planned.stream_span_s or planned.parameters.measured_s
        key = (planned.block, span_s, *(planned.parameters[name] for name in _STREAM_PARAMETERS))
        name, first = self._first.setdefault(key, (planned.folder_name, stream))
        return mismatch_reason(stream, first, name)


def _pooled_points(
    run: RunInfo, finished: Sequence[PlannedTrial], folders: Mapping[str, Path], on_trial: OnTrial | None
) -> Iterator[_Pooled]:
    """Yield points in the plan's order; only one point's raw values are in memory at once."""
    styles = {style.name: style for style in run.transports}
    streams = _Streams()
    pilot_blocks = run.scenario["repeats"]
    for number in sorted({planned.point for planned in finished}):
        planned_trials = [planned for planned in finished if planned.point == number]
        style = styles[planned_trials[0].transport]
        measured = [_measured(folders[planned.folder_name], planned, style, on_trial) for planned in planned_trials]
        reasons = [
            (f"trial {planned.folder_name}: {reason}", trial.overloaded and reason in trial.server_reasons)
            for planned, trial in zip(planned_trials, measured, strict=True)
            for reason in (*trial.reasons, streams.reason_against(planned, trial.stream))
            if reason
        ]
        point = pool(measured, style, pilot_blocks)
        estimated = estimates(measured, style, point)
        point = replace(point, estimates=corrected_estimates(estimated, measured, point, pilot_blocks))
        point = replace(
            point,
            by_block=figures_by_block(measured, point, estimated),
            least_spreads=least_spreads(measured, point, estimated),
            precision=point_precision(run, number, [trial.info for trial in measured], point.latency_ms),
            as_reported=as_reported(measured, style) if run.scenario.get("wrong_way") else None,
            base=agrees(point.parameters, run.base_parameters),
            valid=not reasons,
            invalid_reasons=tuple(reason for reason, _ in reasons),
        )
        loads = [load for trial in measured if (load := TrialLoad.of(trial, style)) is not None]
        excused = frozenset(reason for reason, overload in reasons if overload and run.scenario.get("overload"))
        blocks = PerBlock.of(measured, pilot_blocks, estimated)
        yield _Pooled(point, blocks, [trial.info for trial in measured], loads, excused)


def _measured(folder: Path, planned: PlannedTrial, style: TransportStyle, on_trial: OnTrial | None) -> TrialMeasures:
    trial = Trial.load(folder, planned)
    measures = measure(trial, style)
    if on_trial is not None:
        on_trial(trial, style, measures)
    return measures


def _set_aside(run_folder: Path) -> tuple[SetAside, ...]:
    """Return the attempts that the machine disturbed and that were repeated, with the reasons for each."""
    return tuple(
        SetAside(folder.name.rpartition("-")[0], tuple(disturbances(Trial.load(folder))))
        for folder in set_aside_folders(run_folder)
    )


def _noise_floors(run_folder: Path, run: RunInfo, pooled: Sequence[_Pooled]) -> tuple[NoiseFloors | None, str | None]:
    """Return the run's own noise floors, or those of an earlier run and that run's name."""
    own = noise_floors([(entry.point, entry.blocks) for entry in pooled], run.scenario.get("without_effect", ()))
    if own is not None:
        return own, None
    return earlier_noise_floor(run_folder, run) or (None, None)


def _compared(entry: _Pooled, pooled: Sequence[_Pooled], run: RunInfo) -> Point:
    """Return the point with its differences from the reference and from the first server."""
    return _against_first_server(_against_reference(entry, pooled, run.reference), entry, pooled, run.servers)


def _against_reference(entry: _Pooled, pooled: Sequence[_Pooled], reference: str) -> Point:
    """Return the point with its differences from the reference, if that has a point at the same parameters."""
    point = entry.point
    references = (other for other in pooled if other.point.transport == reference)
    match = next((other for other in references if agrees(other.point.parameters, point.parameters)), None)
    if match is None or match is entry:
        return point
    if point.as_reported is not None:
        ranks = misranked(point, entry.blocks, match.point, match.blocks)
        point = replace(point, as_reported=replace(point.as_reported, misranked=ranks))
    if point.transport == reference:
        return point
    return replace(point, against_reference=against(point, entry.blocks, match.point, match.blocks))


def _with_noise_floors(point: Point, points: Sequence[Point], reference: str, floors: NoiseFloors | None) -> Point:
    """Return the point with the noise floor of the two transports beside each difference."""
    references = (other for other in points if other.transport == reference)
    match = next((other for other in references if agrees(other.parameters, point.parameters)), None)
    return replace(
        point,
        against_reference=_beside_floors(point.against_reference, point, match, floors),
        against_first_server=_beside_floors(point.against_first_server, point, point, floors),
    )


def _beside_floors(
    against_other: AgainstReference | None, point: Point, other: Point | None, floors: NoiseFloors | None
) -> AgainstReference | None:
    if against_other is None or other is None:
        return against_other
    both = (point, other)

    def beside(difference: LatencyDifference | None, statistic: str) -> LatencyDifference | None:
        if difference is None:
            return None
        return replace(difference, noise_floor_ms=floor_ms(floors, both, statistic, difference.blocks))

    return replace(
        against_other,
        p50_difference_ms=beside(against_other.p50_difference_ms, "p50"),
        p95_difference_ms=beside(against_other.p95_difference_ms, "p95"),
        mean_difference_ms=beside(against_other.mean_difference_ms, "mean"),
    )


def _against_first_server(point: Point, entry: _Pooled, pooled: Sequence[_Pooled], servers: Sequence[str]) -> Point:
    """Return the point with its differences from the same point on the first server, if it is on another server."""
    first = [other for other in pooled if servers and other.point.parameters.server == servers[0]]
    match = next((other for other in first if _same_but_for_the_server(entry.point, other.point)), None)
    if match is None or match is entry:
        return point
    return replace(point, against_first_server=against(entry.point, entry.blocks, match.point, match.blocks))


def _same_but_for_the_server(point: Point, other: Point) -> bool:
    same_transport = point.transport == other.transport
    return same_transport and OF_THE_SERVER.issuperset(differing(point.parameters, other.parameters))


def _base_point(points: Sequence[Point], reference: str) -> int | None:
    return next((i for i, point in enumerate(points) if point.base and point.transport == reference), None)


def _varied(run: RunInfo) -> tuple[str, ...]:
    """Return the names of the parameters in which points differ, except the length of the warm-up."""
    values: dict[str, list[Any]] = {}
    for planned in run.plan:
        for name, value in planned.parameters.items():
            seen = values.setdefault(name, [])
            if value not in seen:
                seen.append(value)
    return tuple(name for name, seen in values.items() if len(seen) > 1 and name != "warm_up_s")


def _scaling(run: RunInfo, pooled: Sequence[_Pooled]) -> Scaling | None:
    """Return how each transport scales, if the run varies `clients` widely enough."""
    bound_ms = run.scenario.get("p99_bound_ms") or DEFAULT_P99_BOUND_MS
    base = {name: value for name, value in run.base_parameters.items() if name != "clients"}
    found: dict[str, TransportScaling] = {}
    for style in run.transports:
        points = [
            ScalePoint(entry.point, entry.point.reach_ms, _by_block(entry, "mean"), _by_block(entry, "max"))
            for entry in pooled
            if entry.point.transport == style.name
            and entry.point.reach_ms is not None
            and agrees(entry.point.parameters, base)
        ]
        if wide_enough([entry.clients for entry in points]):
            found[style.name] = scaling(style, sorted(points, key=lambda entry: entry.clients), bound_ms)
    return Scaling(bound_ms, found) if found else None


def _by_block(entry: _Pooled, name: str) -> dict[int, float]:
    return {block: excess[name] for block, excess in entry.blocks.excess_ms.items()}


def _name(run: RunInfo, point: Point) -> str:
    """Return the label of a point's transport, and its parameters if they are not the base ones."""
    label = next(style.label for style in run.transports if style.name == point.transport)
    return point_name(label, point.parameters, differing(point.parameters, run.base_parameters))


def _rounded(value: _Value) -> _Value:
    """Round all floats to _SIGNIFICANT_DIGITS, so that every rerun gives the same; None if one is not finite."""
    return cast(_Value, _rounded_part(value))


def _rounded_part(value: object) -> object:
    if isinstance(value, Record):
        return value.map_values(_rounded_part)
    if isinstance(value, Parameters):
        return Parameters.of({name: _rounded_part(item) for name, item in value.items()})
    if isinstance(value, dict):
        return {key: _rounded_part(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_rounded_part(item) for item in value)
    if isinstance(value, float):
        return float(f"{value:.{_SIGNIFICANT_DIGITS}g}") if math.isfinite(value) else None
    return value
