"""The raw records of a run, trial by trial, each with the point of the summary that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from analysis.compare.comparison import ReportedRun
from contract.errors import UserError
from contract.records import PlannedTrial, Trial, finished_trial_folders
from contract.summary import Point


@dataclass(frozen=True)
class RawTrial:
    """One finished trial."""

    planned: PlannedTrial
    trial: Trial
    point: Point
    """Its point in the summary."""


def raw_trials(run: ReportedRun) -> Iterator[RawTrial]:
    """Yield the finished trials in the order of the plan, one in memory at a time; raise UserError if there is none."""
    folders = {folder.name: folder for folder in finished_trial_folders(run.folder)}
    if not folders:
        raise UserError(f"{run.folder}: has no raw records (expected trials/*/trial.json; published runs have none)")
    finished = [planned for planned in run.info.plan if planned.folder_name in folders]
    points = _points_by_number(run, finished)
    for planned in finished:
        yield RawTrial(planned, Trial.load(folders[planned.folder_name], planned), points[planned.point])


def _points_by_number(run: ReportedRun, finished: list[PlannedTrial]) -> dict[int, Point]:
    """Return the points of the summary by number; it has the points of all finished trials in this order."""
    transports = {planned.point: planned.transport for planned in finished}
    points = run.summary.points
    if [transports[number] for number in sorted(transports)] != [point.transport for point in points]:
        raise UserError(
            f"{run.folder}: its summary does not have the points of its trials (expected one that was made since the "
            f"last of them: make report RUN={run.folder})"
        )
    return dict(zip(sorted(transports), points, strict=True))
