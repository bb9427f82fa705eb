from __future__ import annotations

import numpy as np
import pytest

from analysis.charts.cheapest_transport import (
    Cost,
    byte_costs,
    candidates,
    cheapest_map,
    longest_interval_s,
    processor_costs,
    staleness_of_interval_s,
)
from analysis.summary.crossover import capacity_summary
from tests.analysis import made_summary as made
from tests.analysis.made_loads import BASE, EVENT_BYTES, FRAME_BYTES, measured

COSTS = {"websocket": Cost(0.0, 25.0), "long_poll": Cost(180.0, 5.0), "short_poll": Cost(200.0, 5.0)}
DELAYED = BASE.replace(one_way_delay_ms=25.0)


def cheapest(names: list[str], rate_per_s: float, staleness_s: float, costs: dict[str, Cost] = COSTS) -> str | None:
    among = candidates([made.style(name) for name in names], costs, DELAYED)
    [[found]] = cheapest_map(among, np.array([rate_per_s]), np.array([staleness_s])).cheapest.tolist()
    return None if found < 0 else among[found].transport.name


@pytest.mark.parametrize(
    ("rate_per_s", "staleness_s", "winner"),
    [
        (10.0, 0.5, "websocket"),
        (10.0, 2.0, "short_poll"),
        (0.1, 50.0, "websocket"),
        (0.1, 200.0, "short_poll"),
        (10.0, 0.02, None),
    ],
)
def test_the_cheapest_that_is_fresh_enough(rate_per_s: float, staleness_s: float, winner: str | None) -> None:
    assert cheapest(["websocket", "long_poll", "short_poll"], rate_per_s, staleness_s) == winner


def test_a_long_poll_wins_where_there_is_no_push_and_short_polls_would_be_too_many() -> None:
    assert cheapest(["long_poll", "short_poll"], 1.0, 0.2) == "long_poll"
    assert cheapest(["long_poll", "short_poll"], 1.0, 20.0) == "short_poll"


def test_short_polls_cannot_be_fresher_than_one_exchange() -> None:
    assert cheapest(["short_poll"], 1.0, 0.06) is None
    assert cheapest(["short_poll"], 1.0, 0.1) == "short_poll"


def test_the_longest_interval_meets_the_staleness_exactly() -> None:
    [one] = candidates([made.style("short_poll")], COSTS, DELAYED)
    assert longest_interval_s(one.conditions, 1.015) == pytest.approx(1.0)
    assert staleness_of_interval_s(one.conditions, 1.0) == pytest.approx(1.015)
    assert longest_interval_s(one.conditions, 0.01) == 0.0
    assert one.least_cost(10.0, 1.015) == pytest.approx(200.0 + 5.0 * 10)


def test_a_kind_is_shown_by_its_cheapest_and_names_those_that_cost_as_much() -> None:
    styles = [made.style(name) for name in ("websocket", "sse", "short_poll")]
    alike, _ = candidates(styles, COSTS | {"sse": Cost(0.0, 24.0)}, BASE)
    assert (alike.transport.name, alike.label) == ("sse", "WebSocket or SSE")
    dearer, _ = candidates(styles, COSTS | {"sse": Cost(0.0, 40.0)}, BASE)
    assert dearer.label == "WebSocket"


def test_costs_are_those_of_the_run() -> None:
    found = capacity_summary(measured(), BASE)
    assert found is not None
    processor = processor_costs(found.transports)
    assert processor["websocket"].event == pytest.approx(20e-6, rel=0.02)
    assert processor["short_poll"].request == pytest.approx(160e-6, rel=0.02)
    pushed = byte_costs(found.transports)["websocket"]
    assert pushed.request == 0
    assert pushed.event == pytest.approx(EVENT_BYTES + FRAME_BYTES)
    unsaturated = [load for load in measured() if load.parameters.clients != 4000]
    found = capacity_summary(unsaturated, BASE)
    assert found is not None
    assert processor_costs(found.transports)["short_poll"].request == pytest.approx(200e-6, rel=0.02)
