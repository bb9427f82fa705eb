from __future__ import annotations

from servers.api.control import ClientErrorCounts, LoopLagMs, Stats
from servers.hosting.shared_control import merge


def stats_of(published: list[tuple[int, int, int]], worst_ms: float | None, connections: int | None = 3) -> Stats:
    lag = LoopLagMs(p50=None if worst_ms is None else 0.1, p99=worst_ms, max=worst_ms)
    return Stats(
        published=published,
        connections=connections,
        requests=connections,
        channels=2,
        waiting=1,
        cut_off=4,
        client_errors=ClientErrorCounts(malformed_requests=1, malformed_frames=0, abandoned_requests=5),
        spin_cpu_ns=10,
        loop_lag_ms=lag,
        late_ticks=[(100, round(worst_ms * 1e6))] if worst_ms is not None and worst_ms > 5 else [],
        options={"server_processes": 2},
    )


def test_an_event_is_published_when_the_last_process_has_published_it() -> None:
    ahead = stats_of([(1, 10, 11), (2, 20, 29), (3, 30, 31)], 1.0)
    behind = stats_of([(1, 10, 15), (2, 20, 21)], 2.0)
    assert merge([ahead, behind]).published == [(1, 10, 15), (2, 20, 29)]
    assert merge([ahead, stats_of([], None)]).published == []


def test_counts_are_summed_and_lateness_is_that_of_the_worst() -> None:
    merged = merge([stats_of([], 1.0), stats_of([], 7.0)])
    assert (merged.connections, merged.channels, merged.waiting, merged.cut_off, merged.requests) == (6, 4, 2, 8, 6)
    assert merged.client_errors == ClientErrorCounts(malformed_requests=2, malformed_frames=0, abandoned_requests=10)
    assert merged.spin_cpu_ns == 20
    assert merged.loop_lag_ms == LoopLagMs(p50=0.1, p99=7.0, max=7.0)
    assert merged.late_ticks == [(100, 7_000_000)]
    assert merged.options == {"server_processes": 2}


def test_what_one_process_does_not_know_is_not_made_up() -> None:
    assert merge([stats_of([], None, connections=None), stats_of([], 3.0)]).connections is None
    assert merge([stats_of([], None), stats_of([], 3.0)]).loop_lag_ms.max == 3.0
    assert merge([stats_of([], None), stats_of([], None)]).loop_lag_ms == LoopLagMs(p50=None, p99=None, max=None)
