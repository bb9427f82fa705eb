"""Clients connect a few at a time, in order, and have the time that the server takes with all of a trial's."""

from __future__ import annotations

from types import SimpleNamespace

import gevent
import pytest

from contract.errors import UserError
from contract.records import PlannedTrial
from loadtests.load.trial_clients import ConnectLimit, TrialClients
from loadtests.load.trial_spec import TraceAndFaults, TrialSpec
from loadtests.plan.durations import connect_patience_s
from tests.made_parameters import parameters


@pytest.mark.parametrize("at_once", [1, 3, 50])
def test_no_more_than_so_many_are_on_their_way_and_all_come_in(at_once: int) -> None:
    limit = ConnectLimit(at_once)
    entered: list[int] = []

    def enter(client: int) -> None:
        limit.enter()
        entered.append(client)

    clients = [gevent.spawn(enter, client) for client in range(20)]
    ready = 0
    gevent.sleep(0)
    while len(entered) < 20:
        assert len(entered) == min(20, ready + at_once)
        ready += 1
        limit.make_room(ready)
        gevent.sleep(0)
    gevent.joinall(clients, timeout=30)
    assert entered == list(range(20))


def test_who_is_told_of_the_same_clients_twice_lets_nobody_else_in() -> None:
    limit = ConnectLimit(2)
    entered: list[int] = []

    def enter(client: int) -> None:
        limit.enter()
        entered.append(client)

    clients = [gevent.spawn(enter, client) for client in range(6)]
    for ready in (0, 0, 1, 1, 1):
        limit.make_room(ready)
        gevent.sleep(0)
    assert entered == [0, 1, 2]
    gevent.killall(clients)


PARAMETERS = parameters(clients=3000, rate_per_s=5.0, arrival="periodic", warm_up_s=0.0, measured_s=1.0)


@pytest.mark.parametrize("share", [range(3000), range(2900, 3000)])
def test_the_patience_of_a_load_process_is_that_of_the_whole_population(
    share: range, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 100.0

    def sleep(seconds: float) -> None:
        nonlocal now_s
        now_s += seconds

    trial = PlannedTrial(0, 0, 0, "websocket", PARAMETERS, 1, 1.0)
    clients = TrialClients(
        TrialSpec(trial, "http://127.0.0.1:1", "http://127.0.0.1:1", "127.0.0.1:1", TraceAndFaults())
    )
    module = "loadtests.load.trial_clients"
    monkeypatch.setattr(f"{module}.gevent", SimpleNamespace(spawn=lambda _: None, sleep=sleep))
    monkeypatch.setattr(f"{module}.time", SimpleNamespace(monotonic=lambda: now_s))
    clients.open(share)
    with pytest.raises(UserError, match=f"only 0 of {len(share)} clients were ready after 45 s"):
        clients.wait_for_clients()
    clients.driver.finish()
    assert now_s - 100 == pytest.approx(connect_patience_s(PARAMETERS), abs=0.1)
