"""Hostile clients: what they send is an answer or a count, and harms neither the server nor others."""

from __future__ import annotations

import pytest

from .conftest import StartServer
from .hostile_clients import Usage, attack, usage_after

BATCHES = 12


@pytest.mark.parametrize("stack", ["fastapi", "asgi"])
def test_hostile_clients_harm_nobody(start_server: StartServer, stack: str) -> None:
    server = start_server("all", "--stack", stack)
    attack(server, BATCHES)
    before = Usage.of(server)
    attack(server, BATCHES)
    after = usage_after(server, before)
    assert after.within(before), (before, after)
