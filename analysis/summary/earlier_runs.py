"""Earlier runs that a run can be compared with: on the same machine, with the same settings and target.

The run's first report chooses the noise floor of one of them and copies it into the run's folder, so that later reports
use the same one even if the earlier run has been deleted.
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
    """A valid run that has a summary."""

    name: str
    """The folder's name."""
    info: RunInfo
    summary: Summary


def earlier_runs(results: Path, run: RunInfo) -> list[EarlierRun]:
    """Return the valid runs in `results` that can be compared with this run and started before it, newest first."""
    try:
        paths = list(results.iterdir())
    except OSError:
        return []
    found = [earlier for path in paths if (earlier := _read_if_comparable(path, run)) is not None]
    return sorted(found, key=lambda earlier: (earlier.info.started, earlier.name), reverse=True)


def _read_if_comparable(path: Path, run: RunInfo) -> EarlierRun | None:
    try:
        if path.is_symlink() or not (path / SUMMARY_FILE).is_file():
            return None
        other = load_run_info(path)
        comparable = (other.machine, other.settings, other.target) == (run.machine, run.settings, run.target)
        if not comparable or other.started >= run.started:
            return None
        summary = load_summary(path)
    except (UserError, OSError):
        # A damaged or unreadable folder, perhaps of another user, must not stop this run's report.
        return None
    return EarlierRun(plain(path.name), other, summary) if summary.valid else None


def earlier_noise_floor(folder: Path, run: RunInfo) -> tuple[NoiseFloors, str] | None:
    """Return the run's noise floor and the name of the earlier run that measured it; None if there is no such run.

    The first call searches the folders beside the run's and copies what it finds; later calls read the copy.
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
