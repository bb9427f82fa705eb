"""Which of the harness' own trials stand beside those of other tools."""

from __future__ import annotations

import pytest

from analysis.trial.measures import TrialMeasures, measure
from benchmarks.peers.harness import reasons_against_a_row
from tests.fabricate import SMALL, first_trial, style
from tests.fabricate_trial import Faults


def measured(transport: str, faults: Faults) -> TrialMeasures:
    return measure(first_trial(transport, SMALL, faults)[1], style(transport))


@pytest.mark.parametrize(
    "faults",
    [
        Faults(server_cpu_ratio=0.98, publish_lag_ms=60.0),
        Faults(server_cpu_ratio=0.01, publish_lag_ms=60.0),
        Faults(waited_ratio=0.3),
        Faults(client_delay_ms=30.0),
    ],
)
@pytest.mark.parametrize("transport", ["websocket", "short_poll"])
def test_a_full_server_and_a_busy_machine_are_no_reason(transport: str, faults: Faults) -> None:
    found = measured(transport, faults)
    assert reasons_against_a_row(found) == []
    if transport == "websocket":
        assert found.reasons, "an ordinary run would say so"


def test_what_was_lost_is_a_reason() -> None:
    [reason] = reasons_against_a_row(measured("websocket", Faults(drop=frozenset({(0, 20)}), server_cpu_ratio=0.98)))
    assert "lost" in reason
