"""Trials against servers with another clock than ours: times since 1970, as doubles or in whole milliseconds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loadtests.raw_server import Behaviour
from tests.loadtests.test_other_servers import check_all_delivered, measured
from tests.runs import STREAMS

pytestmark = pytest.mark.takes_s(15)


def since_1970_ns() -> float:
    """As `performance.timeOrigin + performance.now()` times a million: a double, in steps of 256 ns."""
    return float(time.time_ns())


def whole_milliseconds_ns() -> float:
    """As `Date.now()` times a million."""
    return float(time.time_ns() // 1_000_000 * 1_000_000)


@pytest.mark.parametrize(
    ("clock", "transports"),
    [(since_1970_ns, f'{STREAMS}, "echo_post"'), (whole_milliseconds_ns, '"websocket", "short_poll"')],
)
def test_a_server_whose_numbers_are_doubles(clock: Callable[[], float], transports: str, tmp_path: Path) -> None:
    points, _ = measured(tmp_path, transports, Behaviour(clock=clock))
    check_all_delivered(points)
    for point in points.values():
        assert not [reason for reason in point["invalid_reasons"] if "due time" in reason or "clock" in reason]
        assert point["bytes_per_event"]["total"] > 0
    for path in sorted((tmp_path / "results" / "latest" / "trials").glob("*/trial.json")):
        clock_found = json.loads(path.read_text())["capabilities"]["server_clock"]
        since_ns = time.time_ns() - time.monotonic_ns()
        assert abs(clock_found["offset_ns"] - since_ns) < clock_found["uncertainty_ns"] + 1_000_000_000
        assert clock_found["uncertainty_ns"] > 0
    # Half of a poll's interval is known well beside any such clock, whatever it says of what is pushed.
    assert points["short_poll"]["latency_ms"]["mean"] > 0
