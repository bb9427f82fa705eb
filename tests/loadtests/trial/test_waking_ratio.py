from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from loadtests.trial.waking_ratio import LEAST_POLLS, MOST_POLLS, measure_waking_ratio
from system.addresses import Endpoint

EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


@contextmanager
def server(answer: bytes) -> Iterator[tuple[Endpoint, list[bytes]]]:
    """Answers one request per connection with these bytes and hangs up; what it was asked is in the list."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0), backlog=MOST_POLLS) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(4096))
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Endpoint(*listening.getsockname()), asked
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def readings(*cpu_ns: int) -> Callable[[], int]:
    values = iter(cpu_ns)
    return lambda: next(values)


@pytest.mark.parametrize(("clients", "polls"), [(1, LEAST_POLLS), (20, 20), (1000, MOST_POLLS)])
def test_the_share_is_what_answering_took_of_all_that_the_burst_took(clients: int, polls: int) -> None:
    with server(EMPTY) as (endpoint, asked):
        ratio = measure_waking_ratio(endpoint, "host:1", clients, 42, readings(1000, 1650, 2000), lambda _: None)
    assert ratio == 0.35
    assert len(asked) == polls
    assert asked[0].startswith(b"GET /poll/long?after=42&hold_ms=100 HTTP/1.1\r\nHost: host:1\r\n")


def test_without_answers_or_without_any_cpu_time_nothing_is_known() -> None:
    with server(b"") as (endpoint, _):
        assert measure_waking_ratio(endpoint, "h", 1, 1, readings(0, 1, 2), lambda _: None) is None
    assert measure_waking_ratio(endpoint, "h", 1, 1, readings(0, 1, 2), lambda _: None) is None, "it is gone"
    with server(EMPTY) as (endpoint, _):
        assert measure_waking_ratio(endpoint, "h", 1, 1, readings(5, 5, 5), lambda _: None) is None
