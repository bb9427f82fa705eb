"""The exit statuses of the analysis, for programs that call it."""

from __future__ import annotations

from enum import IntEnum

from contract.records import RunInfo
from contract.summary import Summary


class ExitStatus(IntEnum):
    """The end of a command. `make` itself ends with 2 whenever a command does not end with 0."""

    OK = 0
    BROKEN = 1
    """A budget is broken."""
    USAGE = 2
    """A mistake that the user can correct."""
    INVALID = 3
    """The run is INVALID, so that nothing can be concluded from it."""
    UNDECIDED = 4
    """No budget is broken, and not all are surely kept: further trials would tell."""


def is_invalid_unasked(summary: Summary, run: RunInfo) -> bool:
    """Return whether a run is INVALID, except for wrong ways and faults, which the user has asked for."""
    return not (summary.valid or summary.wrong_way or run.settings.get("faults"))
