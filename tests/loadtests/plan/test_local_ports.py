from __future__ import annotations

from typing import Any

from contract.records import PlannedTrial
from loadtests.plan.local_ports import ports_held
from tests.made_parameters import parameters


def trial(transport: str, **changes: Any) -> PlannedTrial:
    return PlannedTrial(0, 0, 0, transport, parameters(**{"clients": 100, "rate_per_s": 2.0, **changes}), 1)


def test_a_client_that_keeps_its_connection_needs_one_port() -> None:
    for transport in ("websocket", "sse", "echo_websocket", "echo_post"):
        assert ports_held(trial(transport)) == 100
    assert ports_held(trial("short_poll", poll_interval_s=0.1, keep_alive=True)) == 100


def test_ports_of_closed_connections_rest_for_a_minute_or_as_long_as_the_trial() -> None:
    # 9 s of stream and one more turn, at most: 10 polls a second each.
    assert ports_held(trial("short_poll", poll_interval_s=0.1, keep_alive=False)) == 100 * (1 + 91)
    assert ports_held(trial("short_poll", poll_interval_s=1, keep_alive=False, measured_s=600)) == 100 * (1 + 60)
    assert ports_held(trial("long_poll", hold_s=1, keep_alive=False, measured_s=600)) == 100 * (1 + 3 * 60)
    assert ports_held(trial("echo_post_new", measured_s=600)) == 100 * (1 + 2 * 60)
