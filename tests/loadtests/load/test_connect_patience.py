"""Clients are given the time to connect that the server takes with all of a trial's, in whichever process they are."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from contract.errors import UserError
from contract.records import PlannedTrial
from loadtests.load.trial_clients import TrialClients
from loadtests.load.trial_spec import Instruments, TrialSpec
from loadtests.plan.durations import connect_patience_s
from tests.made_parameters import parameters

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
    clients = TrialClients(TrialSpec(trial, "http://127.0.0.1:1", "http://127.0.0.1:1", "127.0.0.1:1", Instruments()))
    module = "loadtests.load.trial_clients"
    monkeypatch.setattr(f"{module}.gevent", SimpleNamespace(spawn=lambda _: None, sleep=sleep))
    monkeypatch.setattr(f"{module}.time", SimpleNamespace(monotonic=lambda: now_s))
    clients.open(share)
    with pytest.raises(UserError, match=f"only 0 of {len(share)} clients were ready after 45 s"):
        clients.wait_for_clients()
    clients.driver.finish()
    assert now_s - 100 == pytest.approx(connect_patience_s(PARAMETERS), abs=0.1)
