"""Real runs that differ by what is known: how they are judged, and the servers that they are of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from analysis.compare.comparison import ReportedRun
from analysis.gate.judgement import Judgement
from benchmarks.known_differences import delay_findings, gate_is_right
from loadtests.control_client import ControlClient
from loadtests.plan.blocks import plan_trials
from loadtests.plan.scenario_file import load_scenario
from loadtests.run.target_check import check_transports
from system.addresses import Target, reserved_port
from system.processes import Child
from tests.analysis.compare.test_comparison import run_with, slowed, steady
from tests.running import PATIENCE_S
from tests.runs import scenario


def test_ten_milliseconds_more_are_as_known_and_twelve_are_not(tmp_path: Path) -> None:
    shorter = ReportedRun.load(run_with(tmp_path / "a", steady()))
    for by_ms, as_known in ((10.0, True), (12.0, False)):
        longer = ReportedRun.load(run_with(tmp_path / f"{by_ms:g}", slowed(by_ms), seed=2))
        found = list(delay_findings(shorter, longer))
        assert len(found) == 2 * len(shorter.summary["points"])
        assert all(right is as_known for _, right in found), found
        assert found[0][0].startswith("WebSocket"), found[0]


def test_a_gate_is_right_if_it_calls_the_dearer_server_dearer_each_time_and_the_equal_one_never() -> None:
    right: Counter[tuple[str, str]] = Counter()
    right.update({("dearer", Judgement.BROKEN): 9, ("equal", Judgement.KEPT): 8, ("equal", Judgement.UNDECIDED): 1})
    assert gate_is_right(right)
    assert not gate_is_right(right + Counter({("equal", Judgement.BROKEN): 1}))
    assert not gate_is_right(right + Counter({("dearer", Judgement.UNDECIDED): 1}))
    assert not gate_is_right(Counter({("equal", Judgement.KEPT): 9}))


@pytest.fixture(params=[("event_source_server",), ("dearer_server", "--burn-us", "5")], ids=lambda words: words[0])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    module, *options = request.param
    with ExitStack() as running:
        port = running.enter_context(reserved_port())
        words = ["-m", f"benchmarks.{module}", "--port", str(port), *options]
        running.enter_context(Child(words, tmp_path / "server.log"))
        control = ControlClient(f"http://127.0.0.1:{port}")
        assert control.wait_until_ready(PATIENCE_S) == ["sse"]
        control.close()
        yield f"http://127.0.0.1:{port}"


def test_a_server_keeps_the_contract_of_server_sent_events(url: str, tmp_path: Path) -> None:
    check_transports(Target.find(url), plan_trials(load_scenario(str(scenario(tmp_path, '"sse"'))), 1), url)
