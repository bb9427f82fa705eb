"""The exit statuses of the analysis: what a program that calls it can tell apart."""

from __future__ import annotations

from enum import IntEnum

from contract.records import JsonObject, RunInfo


class ExitStatus(IntEnum):
    """How a command ended. `make` itself ends with 2 whenever a command does not end with 0."""

    OK = 0
    USAGE = 2
    """A mistake that the user can mend."""
    INVALID = 3
    """The run is INVALID, so that nothing can be concluded from it."""


def is_invalid_unasked(summary: JsonObject, run: RunInfo) -> bool:
    """Whether a run is INVALID without being a wrong way or having faults, both of which are asked for."""
    return not (summary["valid"] or summary.get("wrong_way") or run.settings.get("faults"))
