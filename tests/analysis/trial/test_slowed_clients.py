from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from analysis.trial.slowed_clients import pooled_slowed_clients, slowed_clients
from contract.records import Trial, is_slowed
from tests.fabricate import Fabrication, first_trial
from tests.fabricate_trial import Faults

NOISELESS = Fabrication(intervals_s=(), rates_per_s=(), noise_ms=0.0)
PAIRS = {"p50", "p99"}


def trial_slowed_by(delay_ms: float, faults: Faults | None = None) -> Trial:
    """As a slowed driver leaves it: every other client's own stamps lie later by the delay, the kernel's do not."""
    _, trial = first_trial("websocket", NOISELESS, faults)
    rows = trial.deliveries
    slowed = np.array([is_slowed(client) for client in rows.client.tolist()])
    return dataclasses.replace(
        trial,
        info=dataclasses.replace(trial.info, parameters={**trial.info.parameters, "client_delay_ms": delay_ms}),
        deliveries=dataclasses.replace(rows, user_ns=rows.user_ns + slowed * round(delay_ms * 1e6)),
    )


def test_half_of_the_clients_is_slowed_and_a_single_one_too() -> None:
    assert [is_slowed(client) for client in range(4)] == [True, False, True, False]


def test_the_delay_is_in_the_column_of_the_client_and_not_in_the_headline() -> None:
    found = pooled_slowed_clients([slowed_clients(trial_slowed_by(10)) for _ in range(3)], 1000)
    assert found is not None
    assert found["delay_ms"] == 10
    for name in PAIRS:
        assert found["client_delay_ms"]["difference"][name]["value"] == pytest.approx(10, abs=1e-6)
        assert found["latency_ms"]["difference"][name] == {"value": 0, "ci95": [0, 0]}
        assert found["latency_ms"]["slowed"][name] == found["latency_ms"]["others"][name] > 25


def test_a_delay_that_did_get_into_the_headline_would_be_seen() -> None:
    trial = trial_slowed_by(10)
    found = slowed_clients(trial)
    assert found is not None
    worse = dataclasses.replace(found, latency_ms=found.latency_ms + found.slowed * 0.7)
    pooled = pooled_slowed_clients([worse], 999)
    assert pooled is not None
    assert pooled["latency_ms"]["difference"]["p50"]["value"] == pytest.approx(0.7)
    assert pooled["latency_ms"]["difference"]["p50"]["ci95"] is None
    assert pooled["latency_ms"]["difference"]["p99"] == {"value": None, "ci95": None}, "a p99 needs a thousand events"
    assert pooled["latency_ms"]["slowed"]["p99"] is None


def test_nothing_is_said_where_nobody_was_slowed_or_arrivals_are_the_clients_own() -> None:
    _, plain = first_trial("websocket", NOISELESS)
    assert slowed_clients(plain) is None
    assert slowed_clients(trial_slowed_by(10, Faults(kernel_stamps=False))) is None
    assert pooled_slowed_clients([None], 1000) is None
    assert pooled_slowed_clients([slowed_clients(trial_slowed_by(10)), None], 1000) is None
