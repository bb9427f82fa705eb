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
from system.kernel_stamps import ask_for_stamps, read_stamped
from tests.running import PATIENCE_S

pytestmark = [
    pytest.mark.clocks,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kernel stamps are Linux's"),
]


def test_a_stamp_lies_between_sending_and_reading_on_the_monotonic_clock() -> None:
    recorder = Recorder()
    recorder.read_clocks()
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as reader:
        ask_for_stamps(reader)
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
