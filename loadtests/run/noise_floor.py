"""The noise floor that a run is judged by: the newest one measured beside it on a like machine, chosen once.

It is copied into the run's folder when the run begins, so that a report made again later says the same, whatever was
measured since.
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
    load_run_info,
    load_summary,
    write_json,
)


def record_noise_floor(folder: Path, run: RunInfo) -> None:
    """Write noise.json into a new run's folder, if one of its siblings measured a noise floor that fits."""
    siblings = [path for path in folder.parent.iterdir() if path != folder]
    found = [(other.started_at, path.name, floor) for path in siblings for other, floor in _measured(path, run)]
    if found:
        _, name, floor = max(found, key=lambda candidate: candidate[:2])
        write_json(folder / NOISE_FILE, NOISE_FORMAT, {"noise_floor_from": name, "noise_floor": floor})


def _measured(path: Path, run: RunInfo) -> list[tuple[RunInfo, JsonObject]]:
    """The other run and the noise floor that it measured itself, if it did, validly, with like machine and settings."""
    if path.is_symlink() or not (path / SUMMARY_FILE).is_file():
        return []
    try:
        other, summary = load_run_info(path), load_summary(path)
    except UserError:
        # What else lies among the results is none of this run's business.
        return []
    measured = summary.get("noise_floor")
    if not measured or summary.get("noise_floor_from") or not summary.get("valid"):
        return []
    alike = (other.machine, other.settings, other.target) == (run.machine, run.settings, run.target)
    return [(other, measured)] if alike else []
