"""A trial records whether anything was compressed where that was asked for, and is INVALID where nothing was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loadtests.engine.load_processes import LoadProcesses
from loadtests.load.trial_spec import TraceAndFaults
from loadtests.plan.blocks import plan_trials
from loadtests.plan.scenario_file import load_scenario
from loadtests.trial.run_trial import RunContext, run_trial
from system.addresses import Target
from system.processor import plan_cores
from tests.loadtests.raw_server import raw_server
from tests.runs import measured, scenario

pytestmark = pytest.mark.takes_s(25)


def compressed(folder: Path, transports: str) -> Path:
    path = scenario(folder, transports)
    path.write_text(path.read_text() + 'compression = "deflate"\n')
    return path


def test_what_was_compressed_is_recorded(tmp_path: Path) -> None:
    transports = ("websocket", "sse", "long_poll")
    measured(compressed(tmp_path, ", ".join(f'"{name}"' for name in transports)), "--results", tmp_path / "results")
    documents = [json.loads(path.read_text()) for path in (tmp_path / "results").glob("*/trials/*/trial.json")]
    deflated = {document["transport"]: document["capabilities"]["deflated"] for document in documents}
    assert deflated == dict.fromkeys(transports, True)
    assert [document["problems"] for document in documents if document["problems"]] == []


UNCOMPRESSED = {
    "websocket": "GET /ws answered 101 without permessage-deflate, which was offered: nothing is compressed",
    "long_poll": "no answer was compressed, though each request said Accept-Encoding: deflate",
}


@pytest.mark.parametrize(("transport", "processes"), [("websocket", 1), ("long_poll", 1), ("long_poll", 2)])
def test_what_was_not_compressed_is_said_by_the_trial(transport: str, processes: int, tmp_path: Path) -> None:
    # Without the check before the first trial, which would have said so.
    [trial] = plan_trials(load_scenario(str(compressed(tmp_path, f'"{transport}"'))), 1)
    with raw_server() as (url, _):
        context = RunContext(
            plan_cores(processes), {None: Target.find(url)}, lambda _: None, TraceAndFaults(), LoadProcesses(processes)
        )
        run_trial(trial, tmp_path / "trial", context)
    document = json.loads((tmp_path / "trial" / "trial.json").read_text())
    assert document["problems"] == [UNCOMPRESSED[transport]]
    assert document["capabilities"]["deflated"] is False
