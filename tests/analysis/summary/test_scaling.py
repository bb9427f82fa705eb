"""Knee, slopes, laws and flatness of points whose truth is dictated."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from analysis.formatting import knee_in_words
from analysis.summary.results import present
from analysis.summary.scaling import ScalePoint, further_cost, knee, law, least_squares_slope, scaling, wide_enough
from contract.parameters import Parameters
from contract.summary import Knee
from tests import fabricate
from tests.analysis import made_summary as made
from tests.runs import summarized

CLIENTS = (100, 300, 1000, 3000, 10_000)
SEND_US = 20.0
BLOCKS = 3


def scale_point(
    clients: int,
    *,
    name: str = "websocket",
    send_us: float = SEND_US,
    resting_us: float = 0.0,
    valid: bool = True,
    **changes: Any,
) -> ScalePoint:
    """A broadcast that follows the fan-out law exactly, but that each block is 1 % slower than the one before."""
    point = made.point(
        name, 1.0, 0.2 if name == "short_poll" else 1.0, **{"clients": clients, "rate_per_s": 0.5, **changes}
    )
    point["valid"] = valid
    point["reach_ms"] = {"p99": 5.0 + 0.99 * clients * send_us / 1000, "p99_ci95": None, "model_p99": 5.0}
    point["requests_per_event"] = 0.8 if name == "short_poll" else 1.0
    point["server_cpu_us_per_event"] = send_us + resting_us / clients
    point["load_cpu_us_per_event"] = None
    point["server_connected_rss_bytes"] = 50e6 + 10e3 * clients
    point["load_connected_rss_bytes"] = None
    slower = {block: 1 + block / 100 for block in range(BLOCKS)}
    mean_ms = {block: by * (clients + 1) * send_us / 2000 for block, by in slower.items()}
    max_ms = {block: by * clients * send_us / 1000 for block, by in slower.items()}
    entry = made.typed(point)
    return ScalePoint(entry, present(entry.reach_ms), mean_ms, max_ms)


def series(**changes: Any) -> list[ScalePoint]:
    return [scale_point(clients, **changes) for clients in CLIENTS]


@pytest.mark.parametrize(
    ("clients", "wide"),
    [
        ([], False),
        ([100], False),
        ([100, 1000], False),
        ([100, 300, 900], False),
        ([100, 300, 1000], True),
        (CLIENTS, True),
    ],
)
def test_scale_needs_three_numbers_over_a_decade(clients: list[int], wide: bool) -> None:
    assert wide_enough(clients) is wide


def test_the_knee_is_the_largest_number_within_the_bound() -> None:
    # 0.99 · 3000 · 20 µs = 59.4 ms, 0.99 · 10,000 · 20 µs = 198 ms.
    assert knee(series(), 100.0) == {"clients": 3000, "position": "between", "next_clients": 10_000}
    assert knee(series(), 59.4 + 1e-9) == {"clients": 3000, "position": "between", "next_clients": 10_000}
    assert knee(series(), 59.3).clients == 1000
    assert knee(series(), 198.1) == {"clients": 10_000, "position": "beyond", "next_clients": None}
    assert knee(series(), 1.0) == {"clients": None, "position": "below", "next_clients": 100}


def test_no_knee_lies_beyond_a_point_that_is_not_valid() -> None:
    points = series()
    points[3] = scale_point(3000, valid=False)
    assert knee(points, 1000.0) == {"clients": 1000, "position": "unknown", "next_clients": 3000}
    points[0] = scale_point(100, valid=False)
    assert knee(points, 1000.0) == {"clients": None, "position": "unknown", "next_clients": 100}


def test_a_number_above_the_knee_that_does_better_again_does_not_move_it() -> None:
    points = series()
    points[2] = scale_point(1000, send_us=500.0)
    assert knee(points, 300.0).clients == 300


@pytest.mark.parametrize(
    ("position", "held", "next_clients", "words"),
    [
        ("between", 3000, 10_000, "3,000 (10,000 exceeds it)"),
        ("beyond", 10_000, None, "beyond 10,000, the largest measured"),
        ("below", None, 100, "below 100, the smallest measured"),
        ("unknown", 3000, 10_000, "at least 3,000 (10,000 is not valid)"),
        ("unknown", None, 100, "not known: 100 is not valid"),
    ],
)
def test_the_knee_in_words(
    position: Literal["between", "beyond", "below", "unknown"], held: int | None, next_clients: int | None, words: str
) -> None:
    assert knee_in_words(Knee(held, position, next_clients)) == words


def test_least_squares_of_a_line_is_its_slope_and_the_textbooks_elsewhere() -> None:
    assert least_squares_slope([1, 2, 5], [3.0, 5.0, 11.0]) == pytest.approx(2.0)
    assert least_squares_slope([0, 1, 2], [0.0, 0.0, 3.0]) == pytest.approx(1.5)


def test_slopes_are_those_of_the_fan_out_law_with_the_spread_between_blocks() -> None:
    found = scaling(made.style("websocket"), series(), 100.0)
    mean, most = found["slope_us_per_client"]["mean"], found["slope_us_per_client"]["max"]
    assert mean["value"] == pytest.approx(1.01 * SEND_US / 2)
    assert most["value"] == pytest.approx(1.01 * SEND_US)
    # Three slopes of 1, 1.01 and 1.02 times c: t = 4.303 with 2 degrees of freedom, s = 0.01 c.
    half = 4.3027 * 0.01 * SEND_US / 3**0.5
    assert most["ci95"] == pytest.approx((1.01 * SEND_US - half, 1.01 * SEND_US + half), rel=1e-4)
    assert (found["law"]["mean_slope_us"], found["law"]["max_slope_us"]) == pytest.approx((SEND_US / 2, SEND_US))


def test_nothing_is_fitted_through_points_that_are_not_valid() -> None:
    points = series()
    points[4] = scale_point(10_000, send_us=300.0, valid=False)
    found = scaling(made.style("websocket"), points, 100.0)
    assert found["slope_us_per_client"]["max"]["value"] == pytest.approx(1.01 * SEND_US)
    assert found["law"]["service_us"] == SEND_US
    assert found["further"]["server_cpu_us_per_event"]["to_clients"] == 3000
    few = scaling(made.style("websocket"), [scale_point(n, valid=n < 1000) for n in CLIENTS], 100.0)
    assert few["slope_us_per_client"] == {"mean": None, "max": None}
    assert few["further"]["server_cpu_us_per_event"] is None


def test_a_core_is_full_where_the_laws_say() -> None:
    push = law(made.style("sse"), scale_point(1000, name="sse").point)
    assert push is not None
    assert push["saturated_at_clients"] == pytest.approx(1 / (0.5 * 20e-6))
    assert push["cycle_ms"] is None
    short = law(made.style("short_poll"), scale_point(1000, name="short_poll", poll_interval_s=5.0).point)
    assert short is not None
    # 20 µs per event with 0.8 polls per event are 25 µs per poll: 40,000 polls a second, 5 s each.
    assert (short["service_us"], short["per"]) == (25.0, "request")
    assert short["saturated_at_clients"] == pytest.approx(200_000)
    assert short["max_slope_us"] is None
    long = law(made.style("long_poll"), scale_point(10_000, name="long_poll", hold_s=30.0).point)
    assert long is not None
    assert long["cycle_ms"] == pytest.approx(10_000 * 0.02)
    assert long["saturated_at_clients"] == pytest.approx(2.0 / 20e-6)


def test_a_pause_after_each_answer_adds_the_answer_to_the_knee() -> None:
    point = scale_point(100, name="short_poll", poll_interval_s=1.0, one_way_delay_ms=50.0).point
    found = law(made.style("short_poll"), replace(point, parameters=point.parameters.replace(pacing="pause")))
    assert found is not None
    assert found["saturated_at_clients"] == pytest.approx((1.0 + 0.1 + 25e-6) / 25e-6)


def test_no_law_without_the_servers_cpu_or_for_round_trips() -> None:
    point = replace(scale_point(100).point, server_cpu_us_per_event=None)
    assert law(made.style("websocket"), point) is None
    assert law(made.style("echo_post"), scale_point(100).point) is None


def test_what_a_process_takes_at_rest_is_no_cost_of_a_further_client() -> None:
    found = scaling(made.style("websocket"), series(resting_us=50_000.0), 100.0)
    cpu = found["further"]["server_cpu_us_per_event"]
    assert (cpu["lower"], cpu["upper"], cpu["ratio"]) == pytest.approx((SEND_US, SEND_US, 1.0))
    assert cpu["flat"] is True
    assert (cpu["from_clients"], cpu["split_at_clients"], cpu["to_clients"]) == (100, 1000, 10_000)
    memory = found["further"]["server_rss_bytes_per_client"]
    assert (memory["lower"], memory["upper"]) == pytest.approx((10e3, 10e3))
    assert found["further"]["load_cpu_us_per_event"] is None


@pytest.mark.parametrize(("upper", "flat"), [(1.19, True), (1.21, False), (0.81, True), (0.79, False)])
def test_flat_is_within_a_fifth(upper: float, flat: bool) -> None:
    totals = [100.0, 1000.0, 1000.0 + 9000 * upper]
    found = further_cost([100, 1000, 10_000], totals)
    assert found.ratio == pytest.approx(upper)
    assert found.flat is flat


def test_costs_that_fall_are_not_flat() -> None:
    found = further_cost([10, 100, 1000], [5.0, 4.0, 6.0])
    assert found.ratio is None
    assert not found.flat


class Crowds(fabricate.Fabrication):
    """One transport with 2, 6 and 20 clients."""

    def points(self) -> list[tuple[str, Parameters]]:
        return [(name, self._parameters(name, clients=n)) for name in self.transports for n in (6, 2, 20)]


def test_a_run_that_varies_its_clients_tells_how_it_scales(tmp_path: Path) -> None:
    crowds = Crowds(transports=("websocket", "short_poll"), measured_s=2.0, warm_up_s=0.2, blocks=2)
    folder = fabricate.fabricate_run(tmp_path / "run", crowds)
    found = summarized(folder)["scaling"]
    assert found["p99_bound_ms"] == 100.0
    assert found["transports"].keys() == {"websocket", "short_poll"}
    assert found["transports"]["websocket"]["clients"] == [2, 6, 20]
    assert found["transports"]["websocket"]["knee"]["position"] == "beyond"
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    run["scenario"]["p99_bound_ms"] = 1e-6
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    strict = summarized(folder)["scaling"]
    assert strict["p99_bound_ms"] == 1e-6
    assert strict["transports"]["websocket"]["knee"]["position"] == "below"


def test_a_run_that_does_not_vary_them_has_no_scale(tmp_path: Path) -> None:
    narrow = fabricate.Fabrication(
        transports=("websocket",), intervals_s=(), rates_per_s=(), clients=2, measured_s=1.0, blocks=1
    )
    assert summarized(fabricate.fabricate_run(tmp_path / "run", narrow))["scaling"] is None
