"""A transport against itself, and what follows for differences between two."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from analysis.summary.noise_floor import floor_ms, noise_floors
from analysis.summary.pairing import PerBlock
from contract.records import NOISE_FORMAT, write_json, write_run_info
from contract.summary import NoiseDifference, NoiseFloor, Point
from tests.analysis import made_summary as made
from tests.fabricate import SMALL, fabricate_planned, fabricate_run, run_info
from tests.fabricate_trial import Faults
from tests.made_parameters import parameters
from tests.runs import report_in_words, summarized


def blocks(*values: float) -> PerBlock:
    return PerBlock({i: {"p50": value, "p95": 2 * value, "mean": value + 1} for i, value in enumerate(values)})


def point(transport: str, latency_ms: Mapping[str, float] | None = None, **stated: object) -> Point:
    entry = made.point("websocket", 25.0, 0.0)
    entry["latency_ms"] |= latency_ms or {}
    return made.typed({**entry, "transport": transport, "parameters": dict(parameters(**stated)), "estimates": None})


def entry(transport: str, measured: PerBlock, **stated: object) -> tuple[Point, PerBlock]:
    known = list(measured.latency_ms.values())
    latency_ms = {name: sum(one[name] for one in known) / len(known) for name in known[0]}
    return point(transport, latency_ms, **stated), measured


def test_identical_points_give_the_floor_of_their_transport() -> None:
    floors = noise_floors(
        [
            entry("push", blocks(10.0, 11.0, 12.0), rate=1, copy="a"),
            entry("poll", blocks(50.0, 50.0), rate=1, copy="a"),
            entry("push", blocks(90.0, 90.0, 90.0), rate=2, copy="a"),
            entry("push", blocks(10.5, 10.5, 12.0), rate=1, copy="b"),
        ],
        ["copy"],
    )
    assert floors is not None
    assert list(floors) == ["push"]
    p50 = floors["push"].p50_ms
    assert p50 is not None
    # Differences 0.5, -0.5 and 0: s = 0.5, and t with two degrees of freedom is 4.3027.
    assert p50.half_width == pytest.approx(4.3027 * 0.5 / 3**0.5, rel=1e-4)
    assert (p50.value, p50.largest, p50.pairs) == (0.0, 0.5, 3)
    assert floors["push"].p95_ms is not None
    assert floors["push"].p95_ms.largest == 1.0


def test_points_that_differ_in_anything_else_are_not_identical() -> None:
    pair = [entry("push", blocks(1.0, 2.0), rate=1), entry("push", blocks(1.0, 2.0), rate=2)]
    assert noise_floors(pair, ["copy"]) is None


def test_a_difference_needs_the_floor_of_both_at_its_own_parameters() -> None:
    def floor(half_width: float) -> NoiseFloor:
        p50 = NoiseDifference(half_width=half_width, pairs=6)
        return NoiseFloor(parameters={"rate": 1}, p50_ms=p50, p95_ms=None, mean_ms=None)

    floors = {"a": floor(1.0), "b": floor(3.0)}
    a, b, c = (point(name, rate=1, warm_up_s=5.0) for name in "abc")
    assert floor_ms(floors, (a, b), "p50", blocks=6) == pytest.approx(3.0)
    assert floor_ms(floors, (a, c), "p50", blocks=6) is None
    assert floor_ms(None, (a, b), "p50", blocks=6) is None
    assert floor_ms(floors, (a, point("b", rate=2)), "p50", blocks=6) is None
    older = dataclasses.replace(floor(1.0), parameters=None)
    assert floor_ms({"a": older}, (a,), "p50", blocks=6) is None, "of an older run"


def test_a_floor_is_that_of_as_many_blocks_as_the_run_has() -> None:
    """t·s/√K with the spread of the noise run's six pairs."""
    p50 = NoiseDifference(half_width=2.5706 * 0.5 / 6**0.5, pairs=6)
    floors = {"a": NoiseFloor(parameters={}, p50_ms=p50, p95_ms=None, mean_ms=None)}
    assert floor_ms(floors, (point("a"),), "p50", blocks=3) == pytest.approx(4.3027 * 0.5 / 3**0.5, rel=1e-4)
    assert floor_ms(floors, (point("a"),), "p50", blocks=1) is None


def noise_run(folder: Path) -> Path:
    """Every base point twice in each block, told apart by `replica`."""
    folder.mkdir()
    points = len(SMALL.transports)
    plan = tuple(
        dataclasses.replace(
            planned,
            index=2 * planned.index + i,
            point=planned.point + i * points,
            parameters=planned.parameters.replace(replica=replica),
        )
        for planned in SMALL.plan()
        for i, replica in enumerate("ab")
    )
    info = run_info(SMALL, plan)
    scenario = info.scenario | {
        "parameters": {**info.scenario["parameters"], "replica": "a"}, "without_effect": ["replica"],
    }  # fmt: skip
    write_run_info(folder, dataclasses.replace(info, scenario=scenario))
    for planned in plan:
        fabricate_planned(planned, SMALL, Faults()).save(folder / "trials" / planned.folder_name)
    return folder


def test_a_noise_run_tells_each_transport_against_itself(tmp_path: Path) -> None:
    folder = noise_run(tmp_path / "noise")
    report_in_words(folder)
    summary = json.loads((folder / "summary.json").read_text())
    assert list(summary["noise_floor"]) == list(SMALL.transports)
    assert summary["noise_floor_from"] is None
    assert summary["verdict"].endswith(", each transport is measured against itself.")
    assert [line.split(":")[0] for line in summary["verdict_lines"]] == ["WebSocket", "SSE", "Long poll", "Short poll"]
    report = (folder / "report.md").read_text()
    assert "### Each transport against itself, measured in this run" in report


def test_a_difference_within_the_floor_that_a_run_began_with_is_not_detectable(tmp_path: Path) -> None:
    folder = fabricate_run(tmp_path / "run", SMALL)
    before = summarized(folder)
    assert (before["noise_floor"], before["noise_floor_from"]) == (None, None)
    assert any(": slower" in line for line in before["verdict_lines"])
    statistic = {"value": 0.0, "half_width": 1e6, "largest": 2e6, "pairs": 6}
    wide = {
        name: {"parameters": {}, **{f"{s}_ms": statistic for s in ("p50", "p95", "mean")}} for name in SMALL.transports
    }
    write_json(folder / "noise.json", NOISE_FORMAT, {"noise_floor_from": "earlier", "noise_floor": wide})
    report_in_words(folder)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["noise_floor_from"] == "earlier"
    said = " ".join(summary["verdict_lines"])
    assert "slower" not in said
    assert "by which a transport differs from itself" in said
    assert "judged by the noise floor of earlier" in (folder / "report.md").read_text()
