"""A run that the system cannot carry is refused before it starts, in one sentence with the command that helps."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from loadtests import limits
from loadtests.limits import ensure_ports, ensure_share
from loadtests.processes import PROJECT_FOLDER
from loadtests.records import PlannedTrial, UserError

resource = pytest.importorskip("resource", reason="Windows has no such limit")


def trial(clients: int, **changes: Any) -> PlannedTrial:
    parameters = {"clients": clients, "rate_per_s": 1, "one_way_delay_ms": 0, "warm_up_s": 1, "measured_s": 8}
    return PlannedTrial(0, 0, 0, "websocket", {**parameters, **changes}, 1)


LIMITED = """
import json, resource, sys
from loadtests.limits import ensure_descriptors
from loadtests.records import PlannedTrial, UserError

soft, hard, clients, delay_ms = json.loads(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
parameters = [{"clients": n, "one_way_delay_ms": delay_ms} for n in (10, clients, 20)]
try:
    ensure_descriptors(tuple(PlannedTrial(i, 0, i, "websocket", p, 1) for i, p in enumerate(parameters)))
except UserError as error:
    print(json.dumps(str(error)))
else:
    print(json.dumps(resource.getrlimit(resource.RLIMIT_NOFILE)))
"""


def ensured(soft: int, hard: int, clients: int, delay_ms: float = 0) -> Any:
    asked = json.dumps([soft, hard, clients, delay_ms])
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, asked], cwd=PROJECT_FOLDER, check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def test_the_soft_limit_is_raised_as_far_as_needed_and_no_farther() -> None:
    assert ensured(256, 4096, 50) == [256, 4096]
    assert ensured(256, 4096, 1000) == [1128, 4096]
    assert ensured(256, 4096, 1000, delay_ms=5) == [2128, 4096]


def test_a_hard_limit_that_is_too_low_is_named_with_what_raises_it() -> None:
    said = ensured(256, 1024, 1000)
    for words in ("clients = 1000", "one per client", "1128 files", "1024", "at most 896 clients", "ulimit -n 1128",
                  "limits.conf"):  # fmt: skip
        assert words in said
    relayed = ensured(256, 2000, 1000, delay_ms=5)
    for words in ("the relay (two per client)", "2128 files", "at most 936 clients", "ulimit -n 2128"):
        assert words in relayed


def test_ports_are_no_limit_on_loopback_but_elsewhere_and_behind_a_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ephemeral_ports", lambda: 1000)
    monkeypatch.setattr(limits, "can_vary_sources", lambda host: host == "127.0.0.1")
    ensure_ports((trial(5000), trial(800, one_way_delay_ms=5)), None)
    ensure_ports((trial(5000),), "http://127.0.0.1:8000")
    ensure_ports((trial(800),), "http://192.0.2.1:8000")
    for trials, target, who in (
        ((trial(5), trial(801)), "http://192.0.2.1:8000", "connections to 192.0.2.1 need 801"),
        ((trial(801, one_way_delay_ms=5),), None, "the relay's connections need 801"),
    ):
        with pytest.raises(UserError, match=who) as refused:
            ensure_ports(trials, target)
        assert "ip_local_port_range" in str(refused.value)


def test_a_worker_needs_ports_for_its_own_share_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ephemeral_ports", lambda: 1000)
    monkeypatch.setattr(limits, "can_vary_sources", lambda host: host == "127.0.0.1")
    whole = trial(1600, one_way_delay_ms=5)
    ensure_share(whole, 800, "192.0.2.1")
    ensure_share(whole, 1600, "127.0.0.1")
    with pytest.raises(UserError, match=r"clients = 801: connections to 192\.0\.2\.1 need 801 local ports"):
        ensure_share(whole, 801, "192.0.2.1")
