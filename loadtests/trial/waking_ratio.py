"""The share of the server's CPU time for a held poll that is spent when it is answered, measured after the stream.

The server holds a burst of long polls without events for a tenth of a second. So its CPU time until all are held can be
measured apart from its CPU time to answer them. After the stream the server is as warm as during it, and the burst
disturbs no measurement.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack

from contract import wire
from system.addresses import Endpoint

LEAST_POLLS, MOST_POLLS = 10, 50
_HOLD_MS = 100
_ACCEPTED_AFTER_S = 0.02
_HELD_AFTER_S = 0.06
_DONE_AFTER_S = 0.005
"""Time for the server's work on an answer after it has sent it."""
_PATIENCE_S = 10.0


def measure_waking_ratio(
    server: Endpoint,
    host: str,
    polls: int,
    last_seq: int,
    cpu_time_ns: Callable[[], int],
    sleep: Callable[[float], None] = time.sleep,
) -> float | None:
    """Return the share for a burst of about `polls` requests; None if the server did not answer all of them.

    `cpu_time_ns` reads the CPU time that the server has used so far; `last_seq` is the last event that it published.
    """
    head = f"GET {wire.LONG_POLL_PATH}?after={last_seq}&hold_ms={_HOLD_MS} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    with ExitStack() as opened:
        try:
            connections = [
                opened.enter_context(socket.create_connection((server.host, server.port), timeout=_PATIENCE_S))
                for _ in range(min(max(polls, LEAST_POLLS), MOST_POLLS))
            ]
            sleep(_ACCEPTED_AFTER_S)
            idle_ns = cpu_time_ns()
            for connection in connections:
                connection.sendall(head)
            sleep(_HELD_AFTER_S)
            held_ns = cpu_time_ns()
            first_bytes = [connection.recv(1) for connection in connections]
            sleep(_DONE_AFTER_S)
            done_ns = cpu_time_ns()
        except OSError:
            return None
    return (done_ns - held_ns) / (done_ns - idle_ns) if all(first_bytes) and done_ns > idle_ns else None
