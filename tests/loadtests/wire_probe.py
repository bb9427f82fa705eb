"""One client of one transport inside a network namespace: prints what its socket and its interface have counted.

`python -m tests.loadtests.wire_probe TRANSPORT URL INTERFACE`
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import gevent

from contract.records import Sockets, SocketStage
from contract.transports import TRANSPORTS
from loadtests.clients.base import ClientSetup
from loadtests.clients.recorder import Recorder
from loadtests.control_client import ControlClient
from loadtests.load.socket_driver import Driver
from loadtests.plan.population import new_client
from tests.made_parameters import parameters

EVENTS = 40
OFFSETS_NS = tuple((i + 1) * 10_000_000 for i in range(EVENTS))
PAYLOADS = ("x" * 200, "y" * 100)
PARAMETERS = parameters(rate_per_s=100, poll_interval_s=0.03, hold_s=5.0)
QUIET_S = 0.3
"""After the last event: delayed acknowledgements (40 ms) have been sent, and nothing is on its way."""


def main(transport: str, url: str, interface: str) -> None:
    """Receive a stream, then print counters as JSON."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    control = ControlClient(url)
    control.wait_until_ready(20)
    clients_send = TRANSPORTS[transport].kind.clients_send
    t0_ns = (
        time.monotonic_ns() + 10**9 if clients_send else control.start_stream(1000, list(OFFSETS_NS), list(PAYLOADS))
    )
    control.close()
    gevent.sleep(QUIET_S)
    before = _interface_counters(interface)
    recorder = Recorder()
    driver = Driver((parts.hostname, parts.port), recorder)
    setup = ClientSetup(0, parts.netloc, PARAMETERS, PAYLOADS, OFFSETS_NS)
    connection = driver.add(new_client(transport, setup, recorder))
    while not connection.client.ready:
        gevent.sleep(0.01)
    driver.begin([connection], t0_ns)
    while not connection.client.settled:
        gevent.sleep(0.01)
    # No more polls: what is on the wire from here on belongs to the request that is being answered.
    connection.client.timer_ns = None
    gevent.sleep(QUIET_S)
    driver.read_all_counters(SocketStage.CLOSED)
    after = _interface_counters(interface)
    sockets = Sockets.from_rows(recorder.sockets)
    closed = sockets.where(sockets.stage == SocketStage.CLOSED)
    print(
        json.dumps(
            {
                "socket": {name: int(getattr(closed, name)[-1]) for name in Sockets.column_names()[3:]},
                "interface": {name: after[name] - before[name] for name in after},
            }
        )
    )
    driver.finish()


def _interface_counters(interface: str) -> dict[str, int]:
    folder = Path("/sys/class/net") / interface / "statistics"
    return {name: int((folder / name).read_text()) for name in ("tx_bytes", "rx_bytes", "tx_packets", "rx_packets")}


if __name__ == "__main__":
    main(*sys.argv[1:])
