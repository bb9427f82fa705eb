from __future__ import annotations

import socket
import struct
import sys
import time

import pytest

from servers.relay.arrival_stamps import Ancillary, arrival_ns, ask_for_stamps, receive
from tests.running import PATIENCE_S

pytestmark = pytest.mark.clocks

NOW_NS = 5_000_000_000
REALTIME_NOW_NS = 1_700_000_000_000_000_000
STAMP = 35


def stamped(realtime_ns: int) -> Ancillary:
    return [(socket.SOL_SOCKET, STAMP, struct.pack("@qq", *divmod(realtime_ns, 1_000_000_000)))]


@pytest.mark.parametrize(
    ("ancillary", "expected_ns"),
    [
        (stamped(REALTIME_NOW_NS - 150_000), NOW_NS - 150_000),
        (stamped(REALTIME_NOW_NS), NOW_NS),
        (stamped(REALTIME_NOW_NS - 1_000_000_000), NOW_NS - 1_000_000_000),
        (stamped(REALTIME_NOW_NS - 1_000_000_001), NOW_NS),
        (stamped(REALTIME_NOW_NS + 1), NOW_NS),
        ([], NOW_NS),
        ([(socket.SOL_SOCKET, STAMP, b"short")], NOW_NS),
        ([(socket.IPPROTO_TCP, STAMP, stamped(REALTIME_NOW_NS - 150_000)[0][2])], NOW_NS),
    ],
)
def test_a_stamp_counts_unless_it_cannot_be(ancillary: Ancillary, expected_ns: int) -> None:
    assert arrival_ns(ancillary, NOW_NS, REALTIME_NOW_NS) == expected_ns


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kernel stamps are Linux's")
def test_an_accepted_socket_stamps_even_what_arrived_before_it_was_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ask_for_stamps(listener)
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
            data, arrived_ns = receive(accepted, 100)
    assert data == b"early"
    return arrived_ns < accepting_ns


def test_without_stamps_the_arrival_is_the_reading() -> None:
    near, far = socket.socketpair()
    with near, far:
        far.sendall(b"x")
        before_ns = time.monotonic_ns()
        data, arrived_ns = receive(near, 100)
    assert data == b"x"
    assert before_ns <= arrived_ns <= time.monotonic_ns()
