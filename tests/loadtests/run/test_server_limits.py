"""What only the server knows is refused before anything starts, and what it takes is not."""

from __future__ import annotations

import dataclasses
import subprocess
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest

from contract.errors import UserError
from contract.records import PlannedTrial
from contract.stream import due_offsets_ns, payloads
from contract.wire import STREAM_PATH
from loadtests.plan.blocks import plan_trials, stream_spec
from loadtests.plan.scenario import Scenario
from loadtests.plan.scenario_file import load_scenario, parse_scenario, shipped_scenarios
from loadtests.run.run_servers import check_server_limits, checked_faults
from tests.running import PATIENCE_S, running_server

TEXT = """
name = "own"
description = "Large."
repeats = 1
budget_s = 86400
transports = ["short_poll"]

[parameters]
clients = 2
rate_per_s = 20
arrival = "periodic"
payload_bytes = 30
one_way_delay_ms = 0
warm_up_s = 0
measured_s = 10
poll_interval_s = 0.2
hold_s = 5
"""


def scenario(**changed: object) -> Scenario:
    transport = changed.pop("transport", "short_poll")
    found = parse_scenario(TEXT.replace('["short_poll"]', f'["{transport}"]'), "own.toml")
    return dataclasses.replace(found, parameters=found.parameters.replace(**changed))


def check(**changed: object) -> None:
    asked = scenario(**changed)
    check_server_limits(asked, plan_trials(asked, 1))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"rate_per_s": 1200, "measured_s": 1000}, r"rate_per_s = 1200 for 100\d.* has 120\d+ events, more"),
        ({"rate_per_s": 100_000, "measured_s": 3600}, "has 36[0-9]+ events, more than the 1000000 that a server takes"),
        ({"rate_per_s": 2000, "payload_bytes": 60_000}, "has a history of 600020000 bytes, more than the 536870912"),
        ({"rate_per_s": 2000, "poll_interval_s": 10}, "has 20000 events within the 10 s between two polls, more than"),
        ({"rate_per_s": 2000, "one_way_delay_ms": 5000, "transport": "long_poll"}, "has 20000 events within the 10 s"),
    ],
)  # fmt: skip
def test_more_than_a_server_takes_is_refused(changed: dict[str, object], told: str) -> None:
    with pytest.raises(UserError, match=told):
        check(**changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"rate_per_s": 900, "measured_s": 1000},
        {"rate_per_s": 2000, "payload_bytes": 50_000},
        {"rate_per_s": 1000, "poll_interval_s": 10},
        {"rate_per_s": 2000, "poll_interval_s": 10, "cursor": False},
        {"rate_per_s": 2000, "one_way_delay_ms": 5000, "transport": "websocket"},
        {"rate_per_s": 2000, "measured_s": 1000, "transport": "echo_post"},
    ],
)
def test_what_a_server_takes_is_not_refused(changed: dict[str, object]) -> None:
    check(**changed)


@pytest.mark.parametrize("name", shipped_scenarios())
def test_no_shipped_scenario_is_refused(name: str) -> None:
    shipped = load_scenario(name)
    check_server_limits(shipped, plan_trials(shipped, 1))


def test_the_server_says_the_same(tmp_path: Path) -> None:
    with running_server(tmp_path, "polling") as url:
        for payload_bytes, refused in ((53_000, False), (54_000, True)):
            asked = scenario(rate_per_s=2000, payload_bytes=payload_bytes)
            (trial,) = plan_trials(asked, 1)
            assert answer_to(url, trial).is_client_error == refused
            with pytest.raises(UserError) if refused else nullcontext():
                check_server_limits(asked, (trial,))


def answer_to(url: str, trial: PlannedTrial) -> httpx.Response:
    """How a server answers the trial's stream."""
    spec = stream_spec(trial)
    stream = {"due_offsets_ns": due_offsets_ns(spec).tolist(), "payloads": list(payloads(spec))}
    return httpx.post(url + STREAM_PATH, json={"start_in_ms": 3_600_000, **stream}, timeout=PATIENCE_S, trust_env=False)


def test_they_are_parsed_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    asked = ("delay:ms=20.0,client=1", "drop:seq=5-5")
    assert checked_faults(asked, load_scenario("quick"), None) == ("delay:ms=20,client=1", "drop:seq=5")


def test_what_is_wrong_with_one_is_said() -> None:
    with pytest.raises(UserError, match=r"--fault drop:seq=x: seq=x is not a number or range"):
        checked_faults(("delay:ms=20", "drop:seq=x"), load_scenario("quick"), None)
    with pytest.raises(UserError, match=r"not for the server at http://other:1"):
        checked_faults(("drop:seq=2",), load_scenario("quick"), "http://other:1")
