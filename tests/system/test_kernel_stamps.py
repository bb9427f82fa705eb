"""The kernel's receive stamps are on the wall clock, whatever the age of the machine by its other clocks."""

from __future__ import annotations

import socket
import struct
import sys
import time

import numpy as np
import pytest

from contract.records import NO_TIME_NS, ClockPairs
from loadtests.clients.recorder import Recorder
from system.kernel_stamps import arrival_ns, enable_stamps, read_stamped, read_with_arrival
from tests.running import PATIENCE_S

pytestmark = [
    pytest.mark.clocks,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kernel stamps are Linux's"),
]


def test_a_stamp_lies_between_sending_and_reading_on_the_monotonic_clock() -> None:
    recorder = Recorder()
    recorder.read_clocks()
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as reader:
        enable_stamps(reader)
        writer, _ = listener.accept()
        with writer:
            sent_ns, read_ns, stamp_ns = send_and_read(writer, reader)
    recorder.read_clocks()
    pairs = ClockPairs.from_rows(recorder.clock, worker=0)
    [arrived_ns] = pairs.to_monotonic(np.asarray([stamp_ns])).tolist()
    slack_ns = int(pairs.bracket_ns.max()) + 1_000
    assert sent_ns - slack_ns <= arrived_ns <= read_ns + slack_ns


def send_and_read(writer: socket.socket, reader: socket.socket) -> tuple[int, int, int]:
    """Monotonic times around one message, and the kernel's stamp of it."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        sent_ns = time.monotonic_ns()
        writer.send(b"x")
        _, stamp_ns = read_stamped(reader, 100)
        read_ns = time.monotonic_ns()
        # Where nobody else asks for stamps, the kernel begins to make them a moment later.
        if stamp_ns != NO_TIME_NS:
            return sent_ns, read_ns, stamp_ns
    raise AssertionError("the kernel stamps nothing")


def test_what_has_ended_has_no_stamp() -> None:
    reader, writer = socket.socketpair()
    writer.close()
    with reader:
        assert read_stamped(reader, 100) == (b"", NO_TIME_NS)


def test_a_connection_that_broke_has_not_ended() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, socket.create_connection(listener.getsockname()) as reader:
        writer, _ = listener.accept()
        writer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()
        assert read_stamped(reader, 100) == (None, NO_TIME_NS)


NOW_NS = 5_000_000_000
REALTIME_NOW_NS = 1_700_000_000_000_000_000


@pytest.mark.parametrize(
    ("stamp_ns", "expected_ns"),
    [
        (REALTIME_NOW_NS - 150_000, NOW_NS - 150_000),
        (REALTIME_NOW_NS, NOW_NS),
        (REALTIME_NOW_NS - 1_000_000_000, NOW_NS - 1_000_000_000),
        (REALTIME_NOW_NS - 1_000_000_001, NOW_NS),
        (REALTIME_NOW_NS + 1, NOW_NS),
        (NO_TIME_NS, NOW_NS),
    ],
)
def test_a_stamp_counts_unless_it_cannot_be(stamp_ns: int, expected_ns: int) -> None:
    assert arrival_ns(stamp_ns, NOW_NS, REALTIME_NOW_NS) == expected_ns


def test_an_accepted_socket_stamps_even_what_arrived_before_it_was_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert enable_stamps(listener)
        deadline = time.monotonic() + PATIENCE_S
        # Where nobody else asks for stamps, the kernel begins to make them a moment later: until then others come.
        while not arrived_before_it_was_accepted(listener):
            assert time.monotonic() < deadline, "no stamp of what arrived before it was accepted"


def arrived_before_it_was_accepted(listener: socket.socket) -> bool:
    """What the stamp says of data that waited for a connection to be accepted."""
    with socket.create_connection(listener.getsockname()) as client:
        client.sendall(b"early")
        time.sleep(0.01)
        accepting_ns = time.monotonic_ns()
        accepted, _ = listener.accept()
        with accepted:
            data, arrived_ns = read_with_arrival(accepted, 100)
    assert data == b"early"
    return arrived_ns < accepting_ns


def test_without_stamps_the_arrival_is_the_reading() -> None:
    near, far = socket.socketpair()
    with near, far:
        far.sendall(b"x")
        before_ns = time.monotonic_ns()
        data, arrived_ns = read_with_arrival(near, 100)
    assert data == b"x"
    assert before_ns <= arrived_ns <= time.monotonic_ns()
