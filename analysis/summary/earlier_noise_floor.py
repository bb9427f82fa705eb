"""The noise floor of an earlier run that a run is judged by: the newest one beside it, measured on the same machine.

It is chosen by the run's first report and kept in the run's folder, so that a later report says the same, whatever has
become of the other run since.
"""

from __future__ import annotations

from pathlib import Path

from contract.errors import UserError
from contract.records import (
    NOISE_FILE,
    NOISE_FORMAT,
    SUMMARY_FILE,
    JsonObject,
    RunInfo,
    load_noise_floor,
    load_run_info,
    write_json,
)
from contract.summary import load_summary
from terminal.plain import plain


def earlier_noise_floor(folder: Path, run: RunInfo) -> tuple[JsonObject, str] | None:
    """Return the noise floor kept with a run and the name of the run that measured it; None if none fits.

    If none is kept, one of a sibling that began before this run is, if one fits.
    """
    kept = load_noise_floor(folder)
    if kept is not None:
        return kept
    found = [
        (other.started_at, plain(path.name), floor)
        for path in _siblings(folder)
        for other, floor in _measured(path, run)
    ]
    if not found:
        return None
    _, name, floor = max(found, key=lambda candidate: candidate[:2])
    write_json(folder / NOISE_FILE, NOISE_FORMAT, {"noise_floor_from": name, "noise_floor": floor})
    return floor, name


def _siblings(folder: Path) -> list[Path]:
    own = folder.resolve()
    try:
        return [path for path in own.parent.iterdir() if path.name != own.name]
    except OSError:
        return []


def _measured(path: Path, run: RunInfo) -> list[tuple[RunInfo, JsonObject]]:
    """Return the other run and the noise floor it measured, if it is earlier, valid and from the same machine."""
    try:
        if path.is_symlink() or not (path / SUMMARY_FILE).is_file():
            return []
        other, summary = load_run_info(path), load_summary(path)
    except (UserError, OSError):
        # Other folders among the results do not concern this run, and may be another user's.
        return []
    measured = summary.get("noise_floor")
    if not measured or summary.get("noise_floor_from") or not summary.get("valid"):
        return []
    alike = (other.machine, other.settings, other.target) == (run.machine, run.settings, run.target)
    return [(other, measured)] if alike and other.started_at < run.started_at else []
