"""The measurements of a run as rows, one per tool and work, and the file that holds them.

History of results/peers/summary.json
    1: first version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.peers import harness
from benchmarks.peers.measurement import Measurement
from benchmarks.peers.tool import ToolDescription
from benchmarks.peers.workloads import WORKS, WorkName
from contract.parameters import Choice, Number
from contract.records import SUMMARY_FILE, JsonObject, read_json, write_json
from contract.records.fields import Fields, ListOf, Nullable, Text, check_fields

FORMAT = "push-vs-poll/peers"

_AMOUNT = Number(0, 1e15)
_WORK = Choice(tuple(WORKS))
_ROW: dict[str, Text | Choice | Number | ListOf | Nullable] = {
    **dict.fromkeys(("tool", "version"), Text()),
    "work": _WORK,
    "cpu_us_per_unit": _AMOUNT,
    "cpu_us_per_unit_range": ListOf(_AMOUNT, least=2, most=2),
    "units_per_s": _AMOUNT,
    **dict.fromkeys(("times_ours", "reported_p50_ms", "reported_mean_ms", "kernel_p50_ms"), Nullable(_AMOUNT)),
    "cannot_see": ListOf(Text()),
}
_SHOWN = Fields(
    {
        "started_at": Text(),
        "rows": ListOf(Fields(_ROW, required=tuple(_ROW))),
        "not_installed": ListOf(Text()),
        "failed": ListOf(
            Fields({"tool": Text(), "work": Nullable(_WORK), "reason": Text()}, required=("tool", "work", "reason"))
        ),
    },
    required=("rows", "not_installed", "failed"),
)
"""The fields that are shown to people."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A trial that could not be carried out, or a tool that cannot be used."""

    tool: str
    work: WorkName | None
    """None if it fails before any work."""
    block: int | None
    reason: str

    def as_json(self) -> JsonObject:
        """Return its entry under `failed`."""
        return {"tool": self.tool, "work": self.work, "block": self.block, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Entrant:
    """A tool with one work."""

    tool: str
    work: WorkName
    version: str
    description: ToolDescription


def rows(entrants: Sequence[Entrant], measurements: Sequence[Measurement]) -> list[JsonObject]:
    """Return one row per measured entrant, grouped by work, the cheapest first."""
    measured: dict[tuple[str, str], list[Measurement]] = {}
    for one in measurements:
        measured.setdefault((one.work, one.tool), []).append(one)
    cheapest_first = sorted(
        (entrant for entrant in entrants if (entrant.work, entrant.tool) in measured),
        key=lambda entrant: (
            list(WORKS).index(entrant.work),
            _cpu_us_per_unit(measured[entrant.work, entrant.tool]),
        ),
    )
    return [_row(entrant, measured) for entrant in cheapest_first]


def write_summary(folder: Path, fields: Mapping[str, object]) -> None:
    """Write summary.json."""
    write_json(folder / SUMMARY_FILE, FORMAT, dict(fields))


def read_summary(folder: Path) -> JsonObject:
    """Read summary.json; raise UserError if it is missing, of another kind, or such as no comparison writes."""
    path = folder / SUMMARY_FILE
    summary = read_json(path, FORMAT)
    check_fields(summary, _SHOWN, path)
    return summary


def _row(entrant: Entrant, measured: Mapping[tuple[str, str], list[Measurement]]) -> JsonObject:
    trials = measured[entrant.work, entrant.tool]
    ours = measured.get((entrant.work, harness.NAME))
    cpu_us = _cpu_us_per_unit(trials)
    each_us = [trial.cpu_us_per_unit for trial in trials]
    kernel_ms = [trial.kernel_ms for trial in trials if trial.kernel_ms]
    units, seconds = sum(trial.units for trial in trials), sum(trial.window_s for trial in trials)
    return {
        "tool": entrant.tool,
        "version": entrant.version,
        "work": entrant.work,
        "unit": WORKS[entrant.work].unit,
        "clients": WORKS[entrant.work].clients,
        "trials": len(trials),
        "window_s": round(seconds, 3),
        "units": units,
        "units_per_s": round(units / seconds, 1),
        "cpu_us_per_unit": round(cpu_us, 2),
        "cpu_us_per_unit_range": [round(min(each_us), 2), round(max(each_us), 2)],
        "times_ours": round(cpu_us / _cpu_us_per_unit(ours), 2) if ours else None,
        "cpu_ratio": round(sum(trial.cpu_ns for trial in trials) / 1e9 / seconds, 4),
        "reported_p50_ms": _middle([trial.reported_p50_ms for trial in trials]),
        "reported_mean_ms": _middle([trial.reported_mean_ms for trial in trials]),
        "kernel_p50_ms": _middle([float(np.quantile(sample, 0.5)) for sample in kernel_ms]),
        "kernel_p99_ms": _middle([float(np.quantile(sample, 0.99)) for sample in kernel_ms]),
        "kernel_samples": sum(len(sample) for sample in kernel_ms),
        "staleness_p50_ms": _middle([trial.staleness_p50_ms for trial in trials]),
        "counted": _total([trial.counted for trial in trials]),
        "expected": _total([trial.expected for trial in trials]),
        "settings": entrant.description.settings,
        "reports": entrant.description.reports,
        "cannot_see": list(entrant.description.cannot_see),
    }


def _cpu_us_per_unit(trials: Sequence[Measurement]) -> float:
    return sum(trial.cpu_ns for trial in trials) / 1000 / sum(trial.units for trial in trials)


def _middle(values: Sequence[float | None]) -> float | None:
    """Return the median over trials; None if one has no value. Quantiles of other tools cannot be pooled."""
    known = [value for value in values if value is not None]
    return round(float(np.median(known)), 3) if known and len(known) == len(values) else None


def _total(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None
