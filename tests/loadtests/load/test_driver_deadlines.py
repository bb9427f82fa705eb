"""A client is called back when its time has come, whatever it wanted meanwhile, and by few alarms."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import gevent
import pytest
from gevent.hub import get_hub

from loadtests.clients.base import ClientSetup
from loadtests.clients.polling import LongPollClient
from loadtests.clients.recorder import Recorder
from loadtests.load.connection import Connection
from loadtests.load.deadlines import Deadlines
from loadtests.load.socket_driver import Driver
from tests.made_parameters import parameters
from tests.running import PATIENCE_S

pytestmark = pytest.mark.clocks

MS = 1_000_000


class Sleeper(LongPollClient):
    """Wants no connection, only to be woken; it notes when it was."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(ClientSetup(0, "127.0.0.1:1", parameters(hold_s=1.0), ("x",), (1,)), recorder)
        self.wants_connection = False
        self.woken_ns: list[int] = []

    def timer(self, now_ns: int) -> None:
        self.woken_ns.append(now_ns)


def test_deadlines_around_the_origin_of_the_clock_are_kept_in_order() -> None:
    deadlines = Deadlines(get_hub().loop)
    rung: list[int] = []
    for due_ns in (0, 1, -7 * MS, -1):
        deadlines.call_at(due_ns, lambda rung, due_ns, _: rung.append(due_ns), rung)
    deadline = time.monotonic() + PATIENCE_S
    while len(rung) < 4:
        assert time.monotonic() < deadline, f"only {rung} rang"
        gevent.sleep(0.001)
    deadlines.close()
    assert rung == [-7 * MS, -1, 0, 1]


@pytest.fixture
def driver() -> Iterator[Driver]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Driver(listener.getsockname(), Recorder())
        yield made
        made.finish()


def sleeper(driver: Driver) -> tuple[Sleeper, Connection]:
    client = Sleeper(Recorder())
    return client, driver.add(client)


def want(driver: Driver, connection: Connection, due_ns: int | None) -> None:
    connection.client.timer_ns = due_ns
    driver._act(connection)


def wait_for(client: Sleeper, times: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while len(client.woken_ns) < times:
        assert time.monotonic() < deadline, "the client was never woken"
        gevent.sleep(0.001)


@pytest.mark.parametrize("wishes_ms", [(5,), (900_000, 5), (3, 25), (900_000, 40, 20, 5), (3, 900_000, 25), (-5,)])
def test_a_client_is_woken_once_and_not_before_its_last_wish(driver: Driver, wishes_ms: tuple[int, ...]) -> None:
    client, connection = sleeper(driver)
    start_ns = time.monotonic_ns()
    for wish_ms in wishes_ms:
        want(driver, connection, start_ns + wish_ms * MS)
    wait_for(client, 1)
    gevent.sleep(0.05)
    assert len(client.woken_ns) == 1
    assert client.woken_ns[0] >= start_ns + wishes_ms[-1] * MS


def test_a_wish_that_is_taken_back_wakes_nobody(driver: Driver) -> None:
    client, connection = sleeper(driver)
    want(driver, connection, time.monotonic_ns() + 5 * MS)
    want(driver, connection, None)
    gevent.sleep(0.03)
    assert not client.woken_ns


def test_a_poll_that_is_answered_in_time_adds_one_deadline_and_not_its_patience_too(driver: Driver) -> None:
    client, connection = sleeper(driver)
    for polls in range(1, 20):
        now_ns = time.monotonic_ns()
        want(driver, connection, now_ns + 10_000 * MS)
        want(driver, connection, now_ns + MS)
        wait_for(client, polls)
    assert len(driver._deadlines._waiting) <= 2


def test_no_deadline_of_the_connecting_rings_amid_the_stream(driver: Driver) -> None:
    setup = ClientSetup(0, "127.0.0.1:1", parameters(hold_s=30.0), ("x",), (1,))
    connection = driver.add(LongPollClient(setup, Recorder()))
    deadline = time.monotonic() + PATIENCE_S
    while not connection.client.ready:
        assert time.monotonic() < deadline
        gevent.sleep(0.001)
    driver.begin(driver.connections, time.monotonic_ns())
    wanted_ns = connection.client.timer_ns
    assert wanted_ns is not None
    assert wanted_ns > time.monotonic_ns() + 30_000 * MS
    assert [due_ns for due_ns, _, _, subject in driver._deadlines._waiting if subject is connection] == [wanted_ns]


def test_a_client_that_waits_when_the_stream_begins_is_woken_all_the_same(driver: Driver) -> None:
    client, connection = sleeper(driver)
    due_ns = time.monotonic_ns() + 20 * MS
    want(driver, connection, due_ns)
    driver.begin(driver.connections, time.monotonic_ns())
    wait_for(client, 1)
    assert client.woken_ns[0] >= due_ns
