"""The noise floor of an earlier run that a run is judged by: the newest one beside it, measured on the same machine.

It is chosen by the run's first report and kept in the run's folder, so that a later report says the same, whatever has
become of the other run since.
"""

from __future__ import annotations

from pathlib import Path

from analysis.summary.earlier_runs import earlier_runs
from contract.records import NOISE_FILE, NOISE_FORMAT, RunInfo, as_document, write_json
from contract.summary import NoiseFloors, load_noise_floor


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
