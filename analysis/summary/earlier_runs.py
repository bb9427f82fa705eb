"""Earlier runs that a run can be judged by: measured before it, on the same machine, with the same settings.

The noise floor of one is chosen by the run's first report and kept in the run's folder, so that a later report says the
same, whatever has become of the other run since.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contract.errors import UserError
from contract.records import NOISE_FILE, NOISE_FORMAT, SUMMARY_FILE, RunInfo, as_document, load_run_info, write_json
from contract.summary import NoiseFloors, Summary, load_noise_floor, load_summary
from terminal.plain import plain


@dataclass(frozen=True)
class EarlierRun:
    """A valid reported run."""

    name: str
    """The folder's name."""
    info: RunInfo
    summary: Summary


def earlier_runs(results: Path, run: RunInfo) -> list[EarlierRun]:
    """Return the valid runs of a folder that began before this one on a like machine and server, the newest first."""
    try:
        paths = list(results.iterdir())
    except OSError:
        return []
    found = [earlier for path in paths if (earlier := _earlier(path, run)) is not None]
    return sorted(found, key=lambda earlier: (earlier.info.started, earlier.name), reverse=True)


def _earlier(path: Path, run: RunInfo) -> EarlierRun | None:
    try:
        if path.is_symlink() or not (path / SUMMARY_FILE).is_file():
            return None
        other = load_run_info(path)
        alike = (other.machine, other.settings, other.target) == (run.machine, run.settings, run.target)
        if not alike or other.started >= run.started:
            return None
        summary = load_summary(path)
    except (UserError, OSError):
        # Other folders among the results do not concern this run, and may be another user's.
        return None
    return EarlierRun(plain(path.name), other, summary) if summary.valid else None


def earlier_noise_floor(folder: Path, run: RunInfo) -> tuple[NoiseFloors, str] | None:
    """Return the noise floor kept with a run and the name of the run that measured it; None if none fits.

    If none is kept, one of a sibling that began before this run is, if one fits.
    """
    kept = load_noise_floor(folder)
    if kept is not None:
        return kept
    for earlier in earlier_runs(folder.resolve().parent, run):
        measured = earlier.summary.noise_floor
        if measured and not earlier.summary.noise_floor_from:
            fields = {"noise_floor_from": earlier.name, "noise_floor": as_document(measured)}
            write_json(folder / NOISE_FILE, NOISE_FORMAT, fields)
            return measured, earlier.name
    return None
