"""Hostile clients: what they send is an answer or a count, and harms neither the server nor others."""

from __future__ import annotations

import pytest

from .conftest import RunningServer, StartServer, running_server
from .hostile_clients import BATCH, Usage, attack, has_grown

pytestmark = pytest.mark.takes_s(25)

BATCHES_PER_READING = 2
WARM_UP_READINGS = 6
READINGS = 9
MB = 1_000_000


def attack_warm(server: RunningServer) -> list[Usage]:
    """The readings of an attack on a server that has been warmed up."""
    return attack(server, WARM_UP_READINGS + READINGS, BATCHES_PER_READING)[WARM_UP_READINGS:]


@pytest.mark.parametrize("stack", ["fastapi", "asgi"])
def test_hostile_clients_harm_nobody(start_server: StartServer, stack: str) -> None:
    readings = attack_warm(start_server("all", "--stack", stack))
    assert not has_grown(readings), readings
    assert 0 < readings[0].client_errors < readings[-1].client_errors


def test_what_a_server_keeps_of_every_visit_is_found() -> None:
    visits_between_thirds = READINGS * 2 // 3 * BATCHES_PER_READING * BATCH
    kept_bytes = 8 * MB // visits_between_thirds
    with running_server(str(kept_bytes), "all", "--stack", "asgi", module="tests.servers.leaking_server") as server:
        readings = attack_warm(server)
    assert has_grown(readings), readings


@pytest.mark.parametrize(
    ("memory_mb", "grown"),
    [
        ([60] * 9, False),
        ([60, 61, 60, 65, 60, 61, 61, 60, 65], False),
        ([60, 60, 60, 60, 60, 60, 70, 62, 70], False),
        ([70, 60, 70, 60, 60, 60, 61, 62, 62], False),
        ([60, 61, 62, 63, 64, 65, 66, 67, 68], True),
        ([60.0, 60.6, 61.2, 61.8, 62.4, 63.0, 63.6, 64.2, 64.8], True),
    ],
    ids=["level", "spikes", "last third high but once", "first third high but once", "a leak", "a slow leak"],
)
def test_growth_is_what_the_least_of_the_readings_shows(memory_mb: list[float], grown: bool) -> None:
    assert has_grown([Usage(19, int(held * MB)) for held in memory_mb]) is grown


@pytest.mark.parametrize(
    ("descriptors", "grown"), [([19, 19, 19, 25, 19, 25], False), ([19, 20, 21, 22, 23, 24], True)]
)
def test_descriptors_are_judged_as_memory_is(descriptors: list[int], grown: bool) -> None:
    assert has_grown([Usage(number, 60 * MB) for number in descriptors]) is grown
