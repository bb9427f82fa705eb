"""The differences between two runs that may have caused a difference between their figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contract.records import JsonObject, RunInfo
from contract.summary import Summary

_WITHOUT_EFFECT = frozenset({"description", "budget_s"})
"""Keys of a scenario that change no figure: its text and time limit."""


def run_differences(ours: RunInfo, theirs: RunInfo, our_summary: Summary, their_summary: Summary) -> list[str]:
    """Return a sentence for each difference that may change figures; the runs are called A and B."""
    return [
        *(
            f"{name} is INVALID: {summary.verdict.removeprefix('INVALID: ')}"
            for name, summary in (("A", our_summary), ("B", their_summary))
            if not summary.valid
        ),
        *differences("machine", ours.machine, theirs.machine),
        *differences("versions", ours.versions, theirs.versions),
        *differences("settings", ours.settings, theirs.settings),
        *differences("scenario", _scenario(ours), _scenario(theirs)),
        *differences("run", {"target": ours.target}, {"target": theirs.target}),
        *code_differences(ours.checkout, theirs.checkout),
    ]


def differences(what: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Return one sentence per key that differs, nested keys by their path."""
    found = []
    for key in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(key), theirs.get(key)
        if isinstance(mine, Mapping) and isinstance(other, Mapping):
            found += differences(f"{what}.{key}", mine, other)
        elif mine != other:
            found.append(f"{what}.{key}: A has {_shown(mine)}, B has {_shown(other)}")
    return found


def code_differences(ours: JsonObject | None, theirs: JsonObject | None) -> list[str]:
    """Return at most one sentence: that two runs were measured by different code of this project."""
    if ours == theirs:
        return []
    return [f"code: A was measured with {_code(ours)}, B with {_code(theirs)}"]


def unsaved_changes(ours: JsonObject | None, theirs: JsonObject | None) -> str | None:
    """Return a sentence if both were measured with changes of the code that are in no commit; otherwise None."""
    if ours != theirs or ours is None or ours["clean"]:
        return None
    return f"Both were measured with {_code(ours)}, and these may be others in each."


def _scenario(run: RunInfo) -> JsonObject:
    return {key: value for key, value in run.scenario.items() if key not in _WITHOUT_EFFECT}


def _code(checkout: JsonObject | None) -> str:
    if checkout is None:
        return "an unknown commit"
    changes = "" if checkout["clean"] else " and changes that are not in it"
    return f"commit {checkout['commit'][:12]}{changes}"


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)
