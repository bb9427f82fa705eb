"""What a planned run can show, by the spread of an earlier one."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from analysis.formatting import figure
from analysis.statistics.inference import Spread, smallest_detectable
from contract.records import JsonObject, RunInfo, load_run_info, write_run_info
from contract.summary import load_summary
from tests import fabricate
from tests.fabricate_trial import Faults
from tests.runs import in_process

PLAN = dataclasses.replace(fabricate.SMALL, transports=("websocket", "sse"), clients=2, blocks=5, measured_s=25.0)
SLOWED_MS = (0.0, 2.0, 1.0, 4.0, 0.0)
"""Added to SSE's latencies in each block of the earlier run."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    faults = {
        fabricate.trial_index(PLAN, "sse", block): Faults(extra_latency_ms=extra_ms)
        for block, extra_ms in enumerate(SLOWED_MS)
    }
    run = fabricate.fabricate_run(folder / "earlier", PLAN, faults)
    assert in_process("analysis", "summary", run).returncode == 0
    summary = load_summary(run)
    assert summary["valid"], summary["invalid_reasons"]
    return folder


def planned(folder: Path, fabrication: fabricate.Fabrication = PLAN, **changes: object) -> RunInfo:
    info = fabricate.run_info(fabrication, fabrication.plan())
    later = dataclasses.replace(info, started_at="2026-02-01T00:00:00Z")
    write_run_info(folder, dataclasses.replace(later, **changes))  # type: ignore[arg-type]  # fields of several types
    return load_run_info(folder)


def told(folder: Path, results: Path) -> list[str]:
    done = in_process("analysis", "detectable", folder, "--results", results)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def differences(results: Path, name: str) -> list[float]:
    ours, theirs = (
        next(p["by_block"] for p in load_summary(results / "earlier")["points"] if p["transport"] == transport)
        for transport in ("sse", "websocket")
    )
    return [a - b for a, b in zip(ours[name], theirs[name], strict=True)]


@pytest.mark.parametrize("blocks", [3, 5, 10])
def test_the_spread_within_blocks_and_the_number_of_blocks_decide(blocks: int, results: Path, tmp_path: Path) -> None:
    planned(tmp_path, dataclasses.replace(PLAN, blocks=blocks))
    first, second = told(tmp_path, results)
    assert f"from WebSocket that {blocks} blocks show in 80 % of all runs" in first
    assert "by the spread of earlier:" in first
    for name, factor in (("latency_ms.p50", 1.0), ("latency_ms.p95", 1.2)):
        spread = float(np.std(differences(results, name), ddof=1))
        expected = smallest_detectable(spread, blocks, Spread(factor=factor))
        assert f"of latency {figure(expected)} ms, " in second, second
    assert second.startswith("  SSE: median of latency ")
    assert "; server CPU per event " in second


def test_nothing_smaller_is_told_than_is_claimed(results: Path, tmp_path: Path) -> None:
    summary = json.loads((results / "earlier" / "summary.json").read_text())
    for point in summary["points"]:
        point["by_block"]["latency_ms.p50"] = [25.0] * 5
    calm = tmp_path / "results" / "calm"
    calm.mkdir(parents=True)
    (calm / "summary.json").write_text(json.dumps(summary))
    (calm / "run.json").write_bytes((results / "earlier" / "run.json").read_bytes())
    planned(tmp_path)
    assert "median of latency 0.200 ms, 0.8 %, below which nothing is claimed;" in told(tmp_path, calm.parent)[1]
    floor: JsonObject = {"value": 0.0, "half_width": 7.0, "largest": 8.0, "pairs": 5}
    floors = {
        point["transport"]: {"parameters": point["parameters"], "p50_ms": floor, "p95_ms": None, "mean_ms": None}
        for point in summary["points"]
    }
    (calm / "summary.json").write_text(json.dumps({**summary, "noise_floor": floors}))
    assert "median of latency 7.00 ms, " in (line := told(tmp_path, calm.parent)[1])
    assert "%, the noise floor;" in line


@pytest.mark.parametrize(
    ("fabrication", "changes"),
    [
        (PLAN, {"machine": {"cores": 64}}),
        (PLAN, {"settings": {"server": "another"}}),
        (PLAN, {"started_at": "2025-01-01T00:00:00Z"}),
        (dataclasses.replace(PLAN, measured_s=50.0), {}),
        (dataclasses.replace(PLAN, clients=3), {}),
    ],
)
def test_other_machines_settings_and_points_say_nothing(
    fabrication: fabricate.Fabrication, changes: JsonObject, results: Path, tmp_path: Path
) -> None:
    planned(tmp_path, fabrication, **changes, asked={"SCENARIO": "quick"})
    (line,) = told(tmp_path, results)
    assert "not known, as no valid run under" in line
    assert "(a run of this scenario does: make bench SCENARIO=quick)" in line


def test_a_transport_that_the_earlier_run_lacks_is_not_known(results: Path, tmp_path: Path) -> None:
    planned(tmp_path, dataclasses.replace(PLAN, transports=("websocket", "sse", "long_poll")))
    _, sse, long_poll = told(tmp_path, results)
    assert sse.startswith("  SSE: median")
    assert long_poll == "  Long poll: not known"


@pytest.mark.parametrize(
    ("fabrication", "said"),
    [
        (dataclasses.replace(PLAN, blocks=2), "none in 2 blocks (expected repeats of at least 3)"),
        (dataclasses.replace(PLAN, transports=("websocket",)), "there is no other transport at the base parameters"),
    ],
)
def test_plans_that_can_show_none_say_so(
    fabrication: fabricate.Fabrication, said: str, results: Path, tmp_path: Path
) -> None:
    planned(tmp_path, fabrication)
    assert told(tmp_path, results) == [f"smallest difference from WebSocket: {said}"]


def test_where_there_are_no_results_yet_none_is_known(tmp_path: Path) -> None:
    planned(tmp_path)
    (line,) = told(tmp_path, tmp_path / "nowhere")
    assert "not known" in line


SERVERS = dataclasses.replace(PLAN, servers=("before", "after"))


def test_of_servers_the_smallest_difference_from_the_first_is_told_per_transport(tmp_path: Path) -> None:
    results = tmp_path / "results"
    slower = {
        trial.index: Faults(extra_latency_ms=SLOWED_MS[trial.block])
        for trial in SERVERS.plan()
        if trial.transport == "sse" and trial.parameters["server"] == "after"
    }
    run = fabricate.fabricate_run(results / "earlier", SERVERS, slower)
    assert in_process("analysis", "summary", run).returncode == 0
    planned(tmp_path, SERVERS)
    of_transports, sse, of_servers, *rows = told(tmp_path, results)
    assert of_transports.startswith("smallest difference from WebSocket on server before that 5 blocks show in 80 %")
    assert sse.startswith("  SSE: median of latency ")
    assert of_servers.startswith("smallest difference of server after from server before that 5 blocks show in 80 %")
    assert [row.split(": ")[0] for row in rows] == ["  WebSocket", "  SSE"]
    after, before = (
        next(
            point.by_block["latency_ms.p50"]
            for point in load_summary(run).points
            if (point.transport, point.parameters.server) == ("sse", server) and point.by_block is not None
        )
        for server in ("after", "before")
    )
    spread = float(np.std([a - b for a, b in zip(after, before, strict=True) if a and b], ddof=1))
    assert f"of latency {figure(smallest_detectable(spread, 5, Spread(factor=1.0)))} ms, " in rows[1]


def test_servers_that_share_one_transport_are_compared_by_it(tmp_path: Path) -> None:
    planned(tmp_path, dataclasses.replace(SERVERS, transports=("sse",), servers=("before", "after", "third")))
    assert [line.split(":")[0] for line in told(tmp_path, tmp_path / "nowhere")] == [
        f"smallest difference of server {name} from server before" for name in ("after", "third")
    ]
