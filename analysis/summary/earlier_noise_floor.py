"""The noise floor of an earlier run that a run is judged by: the newest one beside it, measured on the same machine.

It is chosen by the run's first report and kept in the run's folder, so that a later report says the same, whatever has
become of the other run since.
"""

from __future__ import annotations

from pathlib import Path

from analysis.summary.earlier_runs import EarlierRun, earlier_runs
from contract.records import NOISE_FILE, NOISE_FORMAT, JsonObject, RunInfo, load_noise_floor, write_json


def earlier_noise_floor(folder: Path, run: RunInfo) -> tuple[JsonObject, str] | None:
    """Return the noise floor kept with a run and the name of the run that measured it; None if none fits.

    If none is kept, one of a sibling that began before this run is, if one fits.
    """
    kept = load_noise_floor(folder)
    if kept is not None:
        return kept
    found = next((earlier for earlier in earlier_runs(folder.resolve().parent, run) if _has_its_own(earlier)), None)
    if found is None:
        return None
    floor: JsonObject = found.summary["noise_floor"]
    write_json(folder / NOISE_FILE, NOISE_FORMAT, {"noise_floor_from": found.name, "noise_floor": floor})
    return floor, found.name


def _has_its_own(earlier: EarlierRun) -> bool:
    """Return whether a run measured the noise floor itself, and was not judged by that of another one."""
    return bool(earlier.summary.get("noise_floor")) and not earlier.summary.get("noise_floor_from")
