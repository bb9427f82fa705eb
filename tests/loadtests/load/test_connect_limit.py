"""Clients come in a few at a time, in order, and all of them in the end."""

from __future__ import annotations

import gevent
import pytest

from loadtests.load.connect_limit import ConnectLimit


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
