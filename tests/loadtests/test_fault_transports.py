"""Servers that misbehave on purpose: for every fault and transport the harness reports exactly what was done.

Real servers, real sockets, the real driver; what is counted is what the analysis counts.
"""

from __future__ import annotations

from pathlib import Path

import gevent
import numpy as np
import pytest

from analysis.trial.ledger import Ledger, keep_ledger
from contract.records import Deliveries, Ints, Outcome, RequestKind, Requests
from contract.transports import TRANSPORTS, Transport
from tests.loadtests.test_transport_contract import CLIENTS, EVENTS, OFFSETS_NS, Exchange
from tests.running import running_server

pytestmark = pytest.mark.takes_s(45, waits=True)

STREAMS = [transport for transport in TRANSPORTS.values() if not transport.kind.clients_send]
SEQ = 7
MS = 1_000_000
LINGER_S = 0.2
"""After all that is expected: what comes without being expected has this long to show itself."""

every_transport = pytest.mark.parametrize("transport", STREAMS, ids=lambda transport: transport.name)


class Misled:
    """What the clients of a server with these faults have recorded."""

    def __init__(
        self,
        folder: Path,
        transport: Transport,
        rows: int,
        *faults: str,
        offsets_ns: tuple[int, ...] = OFFSETS_NS,
    ) -> None:
        options = [part for fault in faults for part in ("--fault", fault)]
        with running_server(folder, transport.server, *options) as url:
            exchange = Exchange(transport, url, one_by_one=True, offsets_ns=offsets_ns)
            exchange.stream()
            exchange.wait(lambda: len(exchange.deliveries) >= rows)
            gevent.sleep(LINGER_S)
            exchange.driver.finish()
            self.stats = exchange.control.stats()
            exchange.control.close()
        self.problems = list(exchange.recorder.problems)
        self.deliveries: Deliveries = exchange.deliveries
        self.requests = Requests.from_rows(exchange.recorder.requests)

    @property
    def ledger(self) -> Ledger:
        rows = self.deliveries
        return keep_ledger(
            rows.client,
            rows.seq,
            rows.user_ns,
            rows.payload_ok,
            clients=CLIENTS,
            events=EVENTS,
            late_after_ns=2**62,
        )

    def told(self, client: int) -> list[int]:
        """The seqs it was told in order; negative where the payload was another one, 0 for what was no event."""
        rows = self.deliveries.where(self.deliveries.client == client)
        return [seq if ok else -seq for seq, ok in zip(rows.seq.tolist(), rows.payload_ok, strict=True)]

    @property
    def connects(self) -> Ints:
        rows = self.requests
        made = rows.where((rows.kind == RequestKind.CONNECT) & (rows.outcome == Outcome.ANSWERED))
        return np.bincount(made.client, minlength=CLIENTS)


VICTIM = 1
"""The second client that the server comes to know."""
FOR_ONE = tuple(
    f"{fault},client=2"
    for fault in ("drop:seq=3", "duplicate:seq=5", "reorder:seq=7", "corrupt:seq=10", "garble:seq=12", "close:seq=14")
)
FOR_ALL = ("drop:seq=16", "duplicate:seq=18", "reorder:seq=20", "corrupt:seq=23", "garble:seq=25", "close:seq=27")
TOLD_TO_ALL = [17, 18, 18, 19, 21, 20, 22, -23, 24, 0, 26, 27, 28, 29, 30]
TOLD_TO_VICTIM = [1, 2, 4, 5, 5, 6, 8, 7, 9, -10, 11, 0, 13, 14, 15, *TOLD_TO_ALL]
TOLD_TO_OTHERS = [*range(1, 16), *TOLD_TO_ALL]
FAR_APART_NS = tuple(3 * offset_ns for offset_ns in OFFSETS_NS)
"""So far that the victim, twice away for a tenth of a second, is back long before the others lose their connections:
the server takes who comes first for the one it missed."""


@every_transport
def test_every_fault_is_reported_exactly_per_client_and_seq(transport: Transport, tmp_path: Path) -> None:
    rows = len(TOLD_TO_VICTIM) + (CLIENTS - 1) * len(TOLD_TO_OTHERS)
    misled = Misled(tmp_path, transport, rows, *FOR_ONE, *FOR_ALL, offsets_ns=FAR_APART_NS)
    for client in range(CLIENTS):
        assert misled.told(client) == (TOLD_TO_VICTIM if client == VICTIM else TOLD_TO_OTHERS)
    once = np.array([2 if client == VICTIM else 1 for client in range(CLIENTS)])
    ledger = misled.ledger
    assert ledger.lost.tolist() == (2 * once).tolist(), "the dropped and the garbled one"
    assert ledger.duplicate.tolist() == once.tolist()
    assert ledger.reordered.tolist() == once.tolist()
    assert ledger.corrupt.tolist() == (2 * once).tolist(), "the corrupt and the garbled one"
    # A poll that is answered with garbage gives its connection up, as after any broken answer.
    reconnects = once * (2 if transport.role == "polling" else 1)
    assert misled.connects.tolist() == (1 + reconnects).tolist()
    (problem,) = misled.problems
    assert "no event" in problem, "what was garbled"
    assert misled.stats["options"]["faults"] == [*FOR_ONE, *FOR_ALL]


@every_transport
def test_closed_connections_lose_nothing_and_who_comes_back_is_who_it_was(transport: Transport, tmp_path: Path) -> None:
    closes = ("close:seq=7,client=2", "close:seq=20,client=2")
    misled = Misled(tmp_path, transport, CLIENTS * EVENTS, *closes)
    assert all(misled.told(client) == list(range(1, EVENTS + 1)) for client in range(CLIENTS))
    assert misled.connects.tolist() == [3 if client == VICTIM else 1 for client in range(CLIENTS)]


@every_transport
def test_a_stall_holds_up_one_client_and_loses_nothing(transport: Transport, tmp_path: Path) -> None:
    misled = Misled(tmp_path, transport, CLIENTS * EVENTS, f"stall:seq={SEQ},ms=250,client=2")
    assert all(misled.told(client) == list(range(1, EVENTS + 1)) for client in range(CLIENTS))
    assert misled.connects.tolist() == [1] * CLIENTS
    rows = misled.deliveries
    stalled = rows.where((rows.client == VICTIM) & (rows.seq >= SEQ))
    over_ns = stalled.due_ns[0] + 250 * MS
    assert (stalled.user_ns >= over_ns).all()
    others = rows.where((rows.client != VICTIM) & (rows.seq == SEQ))
    assert (others.user_ns < stalled.user_ns[0]).all()


@every_transport
def test_one_delayed_event_is_overtaken_and_comes_in_its_time(transport: Transport, tmp_path: Path) -> None:
    misled = Misled(tmp_path, transport, CLIENTS * EVENTS, f"delay:seq={SEQ},ms=150")
    ledger = misled.ledger
    assert ledger.reordered.tolist() == [1] * CLIENTS
    assert ledger.lost.sum() == ledger.duplicate.sum() == ledger.corrupt.sum() == 0
    delayed = misled.deliveries.where(misled.deliveries.seq == SEQ)
    assert (delayed.user_ns - delayed.due_ns >= 150 * MS).all()


@every_transport
def test_no_event_is_told_before_its_delay_is_over(transport: Transport, tmp_path: Path) -> None:
    # That it is no later is measured (docs/method/accuracy.md): here other programs may hold it up.
    delayed = Misled(tmp_path, transport, CLIENTS * EVENTS, "delay:ms=40").deliveries
    assert len(delayed) == CLIENTS * EVENTS
    assert (delayed.user_ns - delayed.due_ns >= 40 * MS).all()
