"""A run that the system cannot carry is refused before it starts, in one sentence with the command that helps."""

from __future__ import annotations

import itertools
import json
import math
import re
import socket
import subprocess
import sys
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contract.errors import UserError
from contract.records import PlannedTrial
from loadtests.engine import system_limits
from loadtests.engine.load_processes import LoadProcesses
from loadtests.engine.system_limits import ensure_descriptors, ensure_ports, ensure_share, largest_share
from servers.hosting.listening import StartError, listen_together
from system.addresses import Endpoint
from system.processes import PROJECT_FOLDER
from tests.made_parameters import parameters

resource = pytest.importorskip("resource", reason="Windows has no such limit")


def trial(clients: int, **changes: Any) -> PlannedTrial:
    return PlannedTrial(0, 0, 0, "websocket", parameters(clients=clients, rate_per_s=1, **changes), 1)


LIMITED = """
import json, resource, sys
from system.addresses import Endpoint
from loadtests.engine.system_limits import ensure_descriptors
from contract.errors import UserError
from contract.records import PlannedTrial
from loadtests.engine.load_processes import LoadProcesses
from tests.made_parameters import parameters

soft, hard, clients, delay_ms, workers, load_processes, target = json.loads(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
asked = [parameters(clients=n, one_way_delay_ms=delay_ms, server_processes=workers) for n in (10, clients, 20)]
trials = tuple(PlannedTrial(i, 0, i, "websocket", p, 1) for i, p in enumerate(asked))
try:
    ensure_descriptors(trials, LoadProcesses(*load_processes), None if target is None else Endpoint.of_url(target))
except UserError as error:
    print(json.dumps(str(error)))
else:
    print(json.dumps(resource.getrlimit(resource.RLIMIT_NOFILE)))
"""


def ensured(
    soft: int,
    hard: int,
    clients: int,
    delay_ms: float = 0,
    workers: int = 1,
    load_processes: tuple[int, int] = (1, 0),
    target: str | None = None,
) -> Any:
    asked = json.dumps([soft, hard, clients, delay_ms, workers, load_processes, target])
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


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one of the server's processes may get all clients")
def test_the_limit_is_that_of_each_process() -> None:
    assert ensured(256, 20_000, 50_000, workers=4, load_processes=(4, 0)) == [13_280, 20_000]
    assert ensured(256, 20_000, 50_000, load_processes=(4, 0), target="http://127.0.0.1:1") == [12_628, 20_000]
    # Clients that come from other machines hold no files here, but in the server.
    assert ensured(256, 20_000, 19_000, load_processes=(0, 2)) == [19_128, 20_000]
    assert ensured(256, 300, 19_000, load_processes=(0, 2), target="http://127.0.0.1:1") == [256, 300]
    for said, words in (
        (
            ensured(256, 20_000, 50_000, load_processes=(4, 0)),
            ("the server (one per client)", "50128", "at most 19872 clients"),
        ),
        (ensured(256, 20_000, 50_000, workers=4), ("the load (one per client)", "50128", "at most 19872 clients")),
        (
            ensured(256, 10_000, 50_000, workers=4, load_processes=(2, 0)),
            ("each of 2 load processes", "25128 files", "at most 19744 clients"),
        ),
        (
            ensured(256, 10_000, 50_000, workers=4, load_processes=(4, 0)),
            ("each of the server's 4 processes", "13280 files", "spread by the kernel"),
        ),
        (
            ensured(256, 20_000, 50_000, 5, workers=4, load_processes=(4, 0)),
            ("the relay (two per client)", "100128", "at most 9936"),
        ),
    ):
        for word in words:
            assert word in said


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one of the server's processes may get all clients")
def test_the_largest_number_that_is_named_is_accepted_and_one_more_is_not() -> None:
    named = re.search(r"at most (\d+) clients", ensured(256, 5_000, 50_000, workers=4, load_processes=(4, 0)))
    assert named is not None
    most = int(named[1])
    assert ensured(256, 5_000, most, workers=4, load_processes=(4, 0)) == [5_000, 5_000]
    assert "at most" in ensured(256, 5_000, most + 1, workers=4, load_processes=(4, 0))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one of the server's processes may get all clients")
@given(connections=st.integers(1, 60_000), processes=st.integers(1, 64))
@example(connections=50_000, processes=4)
def test_no_process_gets_more_than_its_share_in_a_thousand_million_trials(connections: int, processes: int) -> None:
    most = largest_share(connections, processes)
    assert connections / processes <= most <= connections
    log_tail = -math.inf if most == connections else log_binomial_tail(connections, 1 / processes, most + 1)
    assert log_tail + math.log(processes) <= math.log(1e-9)


def log_binomial_tail(n: int, p: float, least: int) -> float:
    """The logarithm of P(X >= least), X binomial: the sum of its terms, the largest of which is the first."""
    k = np.arange(least, n + 1)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    terms = log_factorial[n] - log_factorial[k] - log_factorial[n - k] + k * math.log(p) + (n - k) * math.log1p(-p)
    return float(terms.max() + np.log(np.exp(terms - terms.max()).sum()))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one of the server's processes may get all clients")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_kernel_spreads_connections_within_the_bound(host: str) -> None:
    try:
        listeners = listen_together(host, 0, 4)
    except StartError as error:
        assert host == "::1"
        pytest.skip(f"this machine has no IPv6: {error}")
    with ExitStack() as opened:
        for listener in listeners:
            opened.enter_context(listener)
        for _ in range(200):
            opened.enter_context(socket.create_connection(listeners[0].getsockname()[:2]))
        counts = [accepted(listener, opened) for listener in listeners]
    assert sum(counts) == 200
    assert max(counts) <= largest_share(200, 4) < 200


def accepted(listener: socket.socket, opened: ExitStack) -> int:
    """How many connections wait here; the kernel has given out all of those that are open."""
    for count in itertools.count():
        try:
            opened.enter_context(listener.accept()[0])
        except BlockingIOError:
            return count
    raise AssertionError


def test_a_limit_that_the_system_refuses_is_told_as_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))

    def refuse(_: int, _limits: tuple[int, int]) -> None:
        raise ValueError("Invalid argument")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    with pytest.raises(UserError, match=r"no process have more than 256 here \(expected at most 128 clients"):
        ensure_descriptors((trial(50_000),))


def test_ports_are_no_limit_on_loopback_but_elsewhere_and_behind_a_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_limits, "ephemeral_ports", lambda: 1000)
    monkeypatch.setattr(system_limits, "can_vary_sources", lambda host: host == "127.0.0.1")
    ensure_ports((trial(5000), trial(800, one_way_delay_ms=5)), None)
    ensure_ports((trial(5000),), Endpoint("127.0.0.1", 8000))
    ensure_ports((trial(800),), Endpoint("192.0.2.1", 8000))
    for trials, target, who in (
        ((trial(5), trial(801)), Endpoint("192.0.2.1", 8000), "connections to 192.0.2.1 need 801"),
        ((trial(801, one_way_delay_ms=5),), None, "the relay's connections need 801"),
    ):
        with pytest.raises(UserError, match=who) as refused:
            ensure_ports(trials, target)
        assert "ip_local_port_range" in str(refused.value)


def test_ports_are_needed_for_the_clients_of_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_limits, "ephemeral_ports", lambda: 1000)
    ensure_ports((trial(1600),), Endpoint("192.0.2.1", 8000), LoadProcesses(1, 1))
    ensure_ports((trial(5000),), Endpoint("192.0.2.1", 8000), LoadProcesses(0, 2))
    with pytest.raises(UserError, match=r"connections to 192\.0\.2\.1 need 801"):
        ensure_ports((trial(1601),), None, LoadProcesses(1, 1, "192.0.2.1"))


def test_a_worker_needs_ports_for_its_own_share_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_limits, "ephemeral_ports", lambda: 1000)
    monkeypatch.setattr(system_limits, "can_vary_sources", lambda host: host == "127.0.0.1")
    whole = trial(1600, one_way_delay_ms=5)
    ensure_share(whole, 800, "192.0.2.1")
    ensure_share(whole, 1600, "127.0.0.1")
    with pytest.raises(UserError, match=r"clients = 801: connections to 192\.0\.2\.1 need 801 local ports"):
        ensure_share(whole, 801, "192.0.2.1")
