from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.errors import UserError
from contract.records import Clients, ClockPairs, Deliveries, Samples, Table
from loadtests.engine.merging import WorkerClock, index_ranges, judge_clock, merge
from loadtests.engine.spool import TABLES, Spool
from loadtests.server_clock import ClockReading

HOUR_NS = 3600 * 10**9


@given(total=st.integers(0, 10_000), parts=st.integers(1, 50))
def test_every_client_belongs_to_one_worker_and_all_have_about_as_many(total: int, parts: int) -> None:
    ranges = index_ranges(total, parts)
    assert [index for share in ranges for index in share] == list(range(total))
    sizes = [len(share) for share in ranges]
    assert len(sizes) == parts
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("before", "after", "server_offset_ns", "same_machine", "expected"),
    [
        # One kernel, and the reading agrees within its round trip: one clock.
        ((1000, 900), (1000, 800), 0, True, WorkerClock(0, 0, -100)),
        # One kernel, but the clock is elsewhere: a time namespace.
        ((1000, -HOUR_NS), (600, -HOUR_NS + 50), 0, True, WorkerClock(-HOUR_NS, 550, 50)),
        # Another machine is never taken for the same clock.
        ((1000, 900), (1000, 900), 0, False, WorkerClock(900, 500, 0)),
        # The worse of both round trips counts, and the drift either way.
        ((1000, HOUR_NS), (3000, HOUR_NS - 70), 0, False, WorkerClock(HOUR_NS, 1570, -70)),
        # A server whose clock is not the trial's.
        ((1000, HOUR_NS), (1000, HOUR_NS), HOUR_NS - 5, True, WorkerClock(5, 500, 0)),
        # A worker that died was not asked again.
        ((1000, HOUR_NS), None, 0, False, WorkerClock(HOUR_NS, 500, None)),
    ],
)
def test_a_clock_is_judged_by_its_readings(
    before: tuple[int, int],
    after: tuple[int, int] | None,
    server_offset_ns: int,
    same_machine: bool,
    expected: WorkerClock,
) -> None:
    second = None if after is None else ClockReading(*after)
    assert judge_clock(ClockReading(*before), second, server_offset_ns, same_machine=same_machine) == expected


def packed(*values: int) -> bytes:
    return np.asarray(values, dtype="<i8").tobytes()


def merged(folder: Path, server_offset_ns: int = 0) -> dict[type[Table], Table]:
    spools = [(i, Spool(folder / str(i))) for i in (0, 1)]
    return {type(table): table for table in merge(spools, server_offset_ns)}


def test_rows_of_all_workers_become_one_table_and_say_whose_they_are(tmp_path: Path) -> None:
    for i, client in enumerate((0, 7)):
        Spool(tmp_path / str(i)).append(
            {
                "deliveries": packed(client, 1, 1100, 1200, 0, 300 + i, 1),
                "clock": packed(10 + i, 20, 1),
                "samples": packed(5, 1, 1000, 2000, 900, 0, 7, 0) + packed(6, 1, 1001, 2000, 901, 30, 8, 40),
            }
        )
    tables = merged(tmp_path, server_offset_ns=1000)
    deliveries, clock, samples = tables[Deliveries], tables[ClockPairs], tables[Samples]
    assert isinstance(deliveries, Deliveries)
    assert isinstance(clock, ClockPairs)
    assert isinstance(samples, Samples)
    assert deliveries.client.tolist() == [0, 7]
    assert deliveries.due_ns.tolist() == [100, 100], "what the server stamped is on the trial's clock"
    assert deliveries.published_ns.tolist() == [200, 200]
    assert deliveries.user_ns.tolist() == [300, 301], "what a worker stamped stays as it is"
    assert clock.worker.tolist() == [0, 1]
    assert samples.worker.tolist() == [0, 0, 1, 1]
    assert samples.core_busy_ns.tolist() == [900, 901, 900, 901]
    assert samples.stolen_ns.tolist() == [0, 30, 0, 30]
    assert samples.waited_ns.tolist() == [7, 8, 7, 8]
    assert samples.throttled_ns.tolist() == [0, 40, 0, 40]


def test_a_client_is_what_was_last_said_of_it(tmp_path: Path) -> None:
    ready, at_the_end = (3, 0, 11, 12, 0), (3, 0, 11, 12, 1)
    Spool(tmp_path / "0").append({"clients": packed(*ready, 4, 0, 13, 14, 0) + packed(*at_the_end)})
    clients = merged(tmp_path)[Clients]
    assert isinstance(clients, Clients)
    assert (clients.client.tolist(), clients.cut_off.tolist()) == ([4, 3], [0, 1])


@settings(max_examples=50)
@given(
    rows=st.dictionaries(st.sampled_from(sorted(TABLES)), st.binary(max_size=400)),
    server_offset_ns=st.integers(-(2**62), 2**62),
)
def test_whatever_a_worker_sends_as_rows_is_a_table_or_one_sentence(
    rows: dict[str, bytes], server_offset_ns: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("sent")
    spool = Spool(folder / "received-0")
    spool.append(rows)
    merged = merge([(0, spool)], server_offset_ns)
    assert [type(table) for table in merged] == list(TABLES.values())
    for table in merged:
        table.save(folder)
        try:
            assert len(type(table).load(folder)) == len(table)
        except UserError as error:
            assert str(error).startswith(f"{folder / table.FILE}: column ")
