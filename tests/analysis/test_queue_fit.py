from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.queue_fit import Fits, count_fits, fits, main
from contract.summary import Point
from tests.analysis import made_summary as made
from tests.fabricate import SMALL, fabricate_run


def point(mean_ms: float, requests: float, queued_ms: float | None) -> Point:
    entry = made.point("long_poll", mean_ms, requests)
    entry["latency_ms"]["mean"] = mean_ms
    entry["requests_per_event"] = requests
    entry["model"] |= {"mean_ms": 100.0, "requests_per_event": 1.0}
    entry["queue_model"] |= {"mean_ms": queued_ms, "requests_per_event": None if queued_ms is None else 0.98}
    return made.typed(entry)


@pytest.mark.parametrize(
    ("mean_ms", "requests", "expected"),
    [(102.4, 1.0, True), (97.6, 1.019, True), (102.6, 1.0, False), (100.0, 1.03, False)],
)
def test_both_mean_and_requests_have_to_fit(mean_ms: float, requests: float, expected: bool) -> None:
    found = point(mean_ms, requests, None)
    assert fits(found, found.model) is expected
    assert not fits(found, found.queue_model), "there is none"


def test_fits_are_counted_and_what_is_left_added_up() -> None:
    found = Fits()
    found.add(point(103.0, 0.99, 102.0))
    found.add(point(101.0, 1.0, None))
    assert (found.counted, found.plain, found.queued) == (2, 1, 1)
    assert (found.plain_left_ms, found.queued_left_ms) == (4.0, 1.0)


def test_a_run_has_a_row_for_each_transport(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = fabricate_run(tmp_path, SMALL)
    assert main([str(run)]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split(" | ")[0] for row in rows[2:]] == [
        f"| fabricated, {label}" for label in ("Long poll", "SSE", "Short poll", "WebSocket")
    ]
    without, given = (count_fits([run], ratio)["fabricated", "Long poll"] for ratio in (None, 0.3))
    assert without[0].queued == without[1].queued == 0, "nothing is known of what waking costs"
    assert without[1].counted == given[1].counted > given[0].counted > 0
