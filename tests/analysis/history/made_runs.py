"""Folders of reported runs, made by hand: a run.json and a summary.json each, no records."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contract.records import JsonObject, write_json, write_run_info
from tests import fabricate
from tests.analysis import made_summary as made

MACHINE = {
    "processor": "Made", "cores": 2, "usable_cores": 2, "memory_bytes": 2**33, "system": "Linux 6.1",
    "architecture": "x86_64",
}  # fmt: skip


def write_run(
    results: Path,
    day: int,
    summary: Mapping[str, Any] | None,
    *,
    name: str = "",
    scenario: str = "standard",
    **changes: Any,
) -> Path:
    """A run that began on this day, under the name that it would have, or another one."""
    folder = results / (name or f"202601{day:02d}T120000Z-{scenario}")
    folder.mkdir(parents=True)
    info = fabricate.run_info(fabricate.SMALL, ())
    changed = {"started_at": f"2026-01-{day:02d}T12:00:00+00:00", "machine": MACHINE, "seed": day, **changes}
    named = {**info.scenario, "name": scenario, "parameters": made.BASE}
    write_run_info(folder, dataclasses.replace(info, scenario=named, **changed))
    if summary is not None:
        fields = {key: value for key, value in summary.items() if key not in ("format", "version")}
        write_json(folder / "summary.json", "push-vs-poll/summary", fields)
    return folder


def with_medians(*medians_ms: float, half_width_ms: float = 0.05, **changes: Any) -> JsonObject:
    """A summary of one point per median, in the order of the transports, whose intervals are this wide."""
    points = []
    for name, median_ms in zip(made.BROADCAST, medians_ms, strict=False):
        point = made.point(name, median_ms, 0.0)
        for statistic in ("p50", "p95"):
            value = point["latency_ms"][statistic]
            point["latency_ms"][f"{statistic}_ci95"] = [value - half_width_ms, value + half_width_ms]
        points.append(point)
    return made.summary(points, **changes)


def runs_with(results: Path, medians_ms: Sequence[float], **changes: Any) -> list[Path]:
    """One run a day with each of these medians."""
    return [write_run(results, day, with_medians(each, **changes)) for day, each in enumerate(medians_ms, start=1)]


def noise_floor(half_width_ms: float, trials: int = 3) -> JsonObject:
    """How far WebSocket differs from itself at the made base point, over so many blocks."""
    difference = {"value": 0.0, "half_width": half_width_ms, "largest": half_width_ms, "pairs": trials}
    parameters = copy.deepcopy(made.parameters("websocket"))
    return {"websocket": {"parameters": parameters, **dict.fromkeys(("p50_ms", "p95_ms", "mean_ms"), difference)}}
