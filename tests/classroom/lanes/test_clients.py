from __future__ import annotations

import pytest

from classroom.lanes import clients
from classroom.lanes.clients import ClassroomFullError, Clients
from classroom.lanes.definitions import MAX_CLIENT, TRANSPORTS
from classroom.limits import GRACE_S, MAX_CLIENTS, REQUESTS_PER_S

pytestmark = pytest.mark.clocks


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_ns = 0

    def monotonic_ns(self) -> int:
        return self.now_ns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(clients, "time", clock)
    return clock


def test_numbers_are_drawn_from_so_many_that_they_are_a_capability() -> None:
    clients = Clients()
    numbers = [clients.admit().number for _ in range(MAX_CLIENTS)]
    assert len(set(numbers)) == MAX_CLIENTS
    assert all(0 <= number < MAX_CLIENT for number in numbers)
    assert max(numbers) - min(numbers) > MAX_CLIENT / 10
    assert clients.get(-1) is None


def test_who_was_known_has_its_number_again_unless_another_has_it() -> None:
    clients = Clients()
    assert clients.admit(known=7).number == 7
    other = clients.admit(known=7).number
    assert other != 7
    assert clients.get(other) is not clients.get(7)


def test_a_full_room_takes_nobody_until_someone_has_been_gone_for_a_while(clock: Clock) -> None:
    clients = Clients()
    first, *others = [clients.admit() for _ in range(MAX_CLIENTS)]
    for other in others:
        other.sockets = 1
    with pytest.raises(ClassroomFullError, match=f"takes {MAX_CLIENTS} pages"):
        clients.admit()
    clock.now_ns = round((GRACE_S + 1) * 1e9)
    assert clients.admit().transports == TRANSPORTS
    assert clients.get(first.number) is None
    assert len(clients) == MAX_CLIENTS


def test_who_asks_is_still_here(clock: Clock) -> None:
    clients = Clients()
    polling = clients.admit(("short_poll",))
    clock.now_ns = round((GRACE_S + 1) * 1e9)
    assert polling.may_ask(3)
    clients.admit()
    assert clients.get(polling.number) is polling


def test_each_lane_has_a_rate_of_its_own(clock: Clock) -> None:
    client = Clients().admit()
    asked = [client.may_ask(3) for _ in range(1000)]
    assert sum(asked) == 2 * REQUESTS_PER_S
    assert client.may_ask(2)
    clock.now_ns = 1_000_000_000
    assert client.may_ask(3)
