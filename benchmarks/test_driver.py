"""Benchmarks of reading one frame with everything that a trial does: driver, gevent's loop, the kernel and its stamps.

Real connections on loopback. All frames of a round are in the sockets before the clock starts, so that the work is
measured and not the waiting: the CPU time (not the elapsed time) of a hundred deliveries.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import gevent
import pytest

from benchmarks.test_clients import CLIENTS, EVENTS, ROUNDS, frames
from loadtests.clients.base import ClientSetup
from loadtests.clients.recorder import Recorder
from loadtests.load.socket_driver import Driver
from loadtests.plan.population import new_client
from tests.loadtests.clients.bench import DEFAULTS, PAYLOADS
from tests.loadtests.clients.test_websocket_client import Peer

DELIVERY_COLUMNS = 7


class Crowd:
    """Connected clients of one driver, and the server's end of each connection."""

    def __init__(self, running: ExitStack) -> None:
        listener = running.enter_context(socket.create_server(("127.0.0.1", 0), backlog=CLIENTS))
        self.recorder = Recorder()
        self.driver = Driver(listener.getsockname(), self.recorder)
        running.callback(self.driver.finish)
        self.ends: list[socket.socket] = []
        offsets_ns = tuple(range(EVENTS))
        for index in range(CLIENTS):
            setup = ClientSetup(index, "127.0.0.1:1", DEFAULTS, PAYLOADS, offsets_ns)
            connection = self.driver.add(new_client("websocket", setup, self.recorder))
            end = running.enter_context(listener.accept()[0])
            while not connection.open:
                gevent.sleep(0)
            end.sendall(Peer().receive(end.recv(4096)))
            self.ends.append(end)
            while not connection.client.ready:
                gevent.sleep(0)

    def receive(self, rows: int) -> None:
        while len(self.recorder.deliveries) < rows * DELIVERY_COLUMNS:
            gevent.sleep(0)


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    with ExitStack() as running:
        yield Crowd(running)


@pytest.mark.benchmark(timer=time.thread_time)
def test_websocket_delivery(benchmark: Any, crowd: Crowd) -> None:
    messages = frames()
    rows = 0

    def fill() -> tuple[tuple[int], dict[str, Any]]:
        nonlocal rows
        rows += CLIENTS
        data = next(messages)
        for end in crowd.ends:
            end.sendall(data)
        return (rows,), {}

    benchmark.pedantic(crowd.receive, setup=fill, rounds=ROUNDS)
    assert all(connection.client.cursor == rows // CLIENTS for connection in crowd.driver.connections)
