"""The summary of a run, from its raw records alone; the same records give the same bytes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.formatting import point_name
from analysis.summary.capacity import TrialLoad
from analysis.summary.corrections import as_fields, estimates
from analysis.summary.crossover import capacity_summary
from analysis.summary.earlier_noise_floor import earlier_noise_floor
from analysis.summary.load_processes import workers_of
from analysis.summary.noise_floor import STATISTICS, floor_ms, noise_floors
from analysis.summary.pairing import PerBlock, against
from analysis.summary.point_figures import figures_by_block, least_spreads
from analysis.summary.pooling import pool
from analysis.summary.precision import point_precision
from analysis.summary.results import Results
from analysis.summary.run_warnings import caveats
from analysis.summary.same_point import agrees, differing
from analysis.summary.scaling import DEFAULT_P99_BOUND_MS, ScalePoint, scaling, wide_enough
from analysis.summary.wrong_ways import as_reported, misranked
from analysis.trial.measures import TrialMeasures, measure
from analysis.trial.validity import PublishedStream, mismatch_reason
from analysis.verdict.claims import correct_claims
from analysis.verdict.run_verdict import verdict
from contract.errors import UserError
from contract.quantiles import QUANTILE_DEFINITION
from contract.records import (
    SUMMARY_FILE,
    SUMMARY_FORMAT,
    JsonObject,
    PlannedTrial,
    RunInfo,
    Trial,
    TrialInfo,
    disturbances,
    finished_trial_folders,
    load_run_info,
    set_aside_folders,
    write_json,
)
from contract.transports import TransportStyle

AlsoMeasured = Callable[[Trial, TransportStyle, TrialMeasures], None]
_STREAM_PARAMETERS = ("rate_per_s", "arrival", "payload_bytes")
_SIGNIFICANT_DIGITS = 6


def write_summary(run_folder: Path, also: AlsoMeasured | None = None) -> JsonObject:
    """Summarise a run, write its summary.json, and return its fields without `format` and `version`."""
    summary = summarize_run(run_folder, also)
    write_json(run_folder / SUMMARY_FILE, SUMMARY_FORMAT, summary)
    return summary


def summarize_run(run_folder: Path, also: AlsoMeasured | None = None) -> JsonObject:
    """Return the summary of docs/using/summary.md; raise UserError if the folder has no finished trial of a run.

    `also` is called with every trial while its records are in memory, point by point.
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
    pooled = list(_pooled_points(run, finished, folders, also))
    _compare_with_reference(pooled, run.reference)
    points = [entry.point for entry in pooled]
    correct_claims(points, run.transports)
    reasons = [
        f"{_name(run, entry.point)}, {reason}"
        for entry in pooled
        for reason in entry.point["invalid_reasons"]
        if reason not in entry.excused
    ]
    floors, floors_from = _noise_floors(run_folder, run, pooled)
    _add_noise_floors(points, run.reference, floors)
    infos = [info for entry in pooled for info in entry.infos]
    set_aside = _set_aside(run_folder)
    summary: JsonObject = _rounded(
        {
            "scenario": run.scenario["name"],
            "wrong_way": run.scenario.get("wrong_way"),
            "overload": run.scenario.get("overload", False),
            "valid": not reasons,
            "invalid_reasons": reasons,
            "verdict": "",
            "verdict_lines": [],
            "warnings": caveats(run, points, infos, set_aside),
            "set_aside": set_aside,
            "reference": run.reference,
            "transports": [dataclasses.asdict(style) for style in run.transports],
            "base_point": _base_point(points, run.reference),
            "varied": _varied(run),
            "noise_floor": floors,
            "noise_floor_from": floors_from,
            "scaling": _scaling(run, pooled),
            "workers": workers_of(infos),
            "quantile_definition": QUANTILE_DEFINITION,
            "planned_trials": len(run.plan),
            "finished_trials": len(finished),
            "points": points,
            "capacity": capacity_summary([load for entry in pooled for load in entry.loads], run.base_parameters),
        }
    )
    found = verdict(Results.of(summary, run.base_parameters))
    return {**summary, "verdict": found.headline, "verdict_lines": list(found.lines)}


@dataclass(frozen=True)
class _Pooled:
    """A point, and what is still needed of its trials once their records are out of memory."""

    point: JsonObject
    blocks: PerBlock
    infos: list[TrialInfo]
    loads: list[TrialLoad]
    excused: frozenset[str]
    """Reasons against the point that do not count against the run, since the scenario overloads the server on purpose.
    """


class _Streams:
    """The first stream of each kind in each block, with which the later ones must agree."""

    def __init__(self) -> None:
        self._first: dict[tuple[Any, ...], tuple[str, PublishedStream]] = {}

    def reason_against(self, planned: PlannedTrial, stream: PublishedStream) -> str | None:
        """Return why a trial's stream differs from its block's at these parameters; None if it does not."""
        span_s = planned.stream_span_s or planned.parameters.measured_s
        key = (planned.block, span_s, *(planned.parameters[name] for name in _STREAM_PARAMETERS))
        name, first = self._first.setdefault(key, (planned.folder_name, stream))
        return mismatch_reason(stream, first, name)


def _pooled_points(
    run: RunInfo, finished: Sequence[PlannedTrial], folders: Mapping[str, Path], also: AlsoMeasured | None
) -> Iterator[_Pooled]:
    """Yield points in the plan's order; only one point's raw values are in memory at once."""
    styles = {style.name: style for style in run.transports}
    streams = _Streams()
    pilot_blocks = run.scenario["repeats"]
    for number in sorted({planned.point for planned in finished}):
        planned_trials = [planned for planned in finished if planned.point == number]
        style = styles[planned_trials[0].transport]
        measured = [_measured(folders[planned.folder_name], planned, style, also) for planned in planned_trials]
        reasons = [
            (f"trial {planned.folder_name}: {reason}", trial.overloaded and reason in trial.server_reasons)
            for planned, trial in zip(planned_trials, measured, strict=True)
            for reason in (*trial.reasons, streams.reason_against(planned, trial.stream))
            if reason
        ]
        point = pool(measured, style, pilot_blocks)
        estimated = estimates(measured, style, point)
        point["estimates"] = as_fields(estimated, measured, point, pilot_blocks)
        point["by_block"] = figures_by_block(measured, point, estimated)
        point["least_spreads"] = least_spreads(measured, point, estimated)
        point["precision"] = point_precision(run, number, [trial.info for trial in measured], point["latency_ms"])
        if run.scenario.get("wrong_way"):
            point["as_reported"] = as_reported(measured, style)
        point["base"] = agrees(point["parameters"], run.base_parameters)
        point["valid"], point["invalid_reasons"] = not reasons, [reason for reason, _ in reasons]
        loads = [load for trial in measured if (load := TrialLoad.of(trial, style)) is not None]
        excused = frozenset(reason for reason, overload in reasons if overload and run.scenario.get("overload"))
        blocks = PerBlock.of(measured, pilot_blocks, estimated)
        yield _Pooled(point, blocks, [trial.info for trial in measured], loads, excused)


def _measured(folder: Path, planned: PlannedTrial, style: TransportStyle, also: AlsoMeasured | None) -> TrialMeasures:
    trial = Trial.load(folder, planned)
    measures = measure(trial, style)
    if also is not None:
        also(trial, style, measures)
    return measures


def _set_aside(run_folder: Path) -> list[JsonObject]:
    """Return the attempts that the machine disturbed and that were repeated, with the reasons for each."""
    return [
        {"trial": folder.name.rpartition("-")[0], "reasons": disturbances(Trial.load(folder))}
        for folder in set_aside_folders(run_folder)
    ]


def _noise_floors(run_folder: Path, run: RunInfo, pooled: Sequence[_Pooled]) -> tuple[JsonObject | None, str | None]:
    """Return the run's own noise floors, or those of an earlier run and that run's name."""
    own = noise_floors([(entry.point, entry.blocks) for entry in pooled], run.scenario.get("without_effect", ()))
    if own is not None:
        return own, None
    return earlier_noise_floor(run_folder, run) or (None, None)


def _add_noise_floors(points: Sequence[JsonObject], reference: str, floors: JsonObject | None) -> None:
    """Add, beside each difference from the reference, how far the two transports differ from themselves."""
    references = [point for point in points if point["transport"] == reference]
    for point in points:
        match = next((r for r in references if agrees(r["parameters"], point["parameters"])), None)
        for statistic in STATISTICS:
            difference = (point["against_reference"] or {}).get(f"{statistic}_difference_ms")
            if difference and match is not None:
                difference["noise_floor_ms"] = floor_ms(floors, (point, match), statistic, difference["blocks"])


def _compare_with_reference(pooled: Sequence[_Pooled], reference: str) -> None:
    """Add `against_reference` to every point: null for the reference itself, and if there is no such point."""
    references = [entry for entry in pooled if entry.point["transport"] == reference]
    for entry in pooled:
        parameters = entry.point["parameters"]
        match = next((r for r in references if agrees(r.point["parameters"], parameters)), None)
        entry.point["against_reference"] = (
            None
            if match is None or entry.point["transport"] == reference
            else against(entry.point, entry.blocks, match.point, match.blocks)
        )
        if match is not None and "as_reported" in entry.point and entry is not match:
            entry.point["as_reported"]["misranked"] = misranked(entry.point, entry.blocks, match.point, match.blocks)


def _base_point(points: Sequence[JsonObject], reference: str) -> int | None:
    return next((i for i, p in enumerate(points) if p["base"] and p["transport"] == reference), None)


def _varied(run: RunInfo) -> list[str]:
    """Return the parameters in which points differ, except warm-ups that are as long as their point needs."""
    values: dict[str, list[Any]] = {}
    for planned in run.plan:
        for name, value in planned.parameters.items():
            seen = values.setdefault(name, [])
            if value not in seen:
                seen.append(value)
    return [name for name, seen in values.items() if len(seen) > 1 and name != "warm_up_s"]


def _scaling(run: RunInfo, pooled: Sequence[_Pooled]) -> JsonObject | None:
    """Return how each transport scales, if the run varies `clients` widely enough."""
    bound_ms = run.scenario.get("p99_bound_ms") or DEFAULT_P99_BOUND_MS
    base = {name: value for name, value in run.base_parameters.items() if name != "clients"}
    found: JsonObject = {}
    for style in run.transports:
        points = [
            ScalePoint(entry.point, _by_block(entry, "mean"), _by_block(entry, "max"))
            for entry in pooled
            if entry.point["transport"] == style.name
            and entry.point["reach_ms"] is not None
            and agrees(entry.point["parameters"], base)
        ]
        if wide_enough([entry.clients for entry in points]):
            found[style.name] = scaling(style, sorted(points, key=lambda entry: entry.clients), bound_ms)
    return {"p99_bound_ms": bound_ms, "transports": found} if found else None


def _by_block(entry: _Pooled, name: str) -> dict[int, float]:
    return {block: excess[name] for block, excess in entry.blocks.excess_ms.items()}


def _name(run: RunInfo, point: JsonObject) -> str:
    """Return the label of a point's transport, and its parameters if they are not the base ones."""
    label = next(style.label for style in run.transports if style.name == point["transport"])
    return point_name(label, point["parameters"], differing(point["parameters"], run.base_parameters))


def _rounded(value: Any) -> Any:
    """Round floats to the digits that a measurement can have, the same in every rerun; null if they are not finite."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{_SIGNIFICANT_DIGITS}g}") if math.isfinite(value) else None
    return value
