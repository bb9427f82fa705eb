"""Earlier runs that a run can be judged by: measured before it, on the same machine, with the same settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contract.errors import UserError
from contract.records import SUMMARY_FILE, RunInfo, load_run_info
from contract.summary import Summary, load_summary
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
