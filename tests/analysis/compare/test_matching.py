"""Points are matched by what they measured."""

from __future__ import annotations

from analysis.compare.matching import Matching, match_points
from contract.records import JsonObject
from contract.summary import Summary
from tests.analysis import made_summary as made


def matched(baseline: JsonObject, other: JsonObject) -> Matching:
    return match_points(Summary.parse(baseline), Summary.parse(other))


def test_points_are_matched_on_parameters_not_on_place_or_length() -> None:
    other = made.standard()
    other["points"].reverse()
    for point in other["points"]:
        point["parameters"]["measured_s"] = 99.0
    found = matched(made.standard(), other)
    assert (len(found.points), found.unmatched) == (len(other["points"]), 0)
    assert all(point.baseline.latency_ms == point.other.latency_ms for point in found.points)


def test_runs_from_before_a_factor_existed_are_compared_with_its_default() -> None:
    newer = made.standard()
    for point in newer["points"]:
        point["parameters"] |= {"stack": "fastapi", "compression": "off"}
    newer["points"][0]["parameters"]["stack"] = "asgi"
    found = matched(made.standard(), newer)
    assert (len(found.points), found.unmatched) == (len(newer["points"]) - 1, 2)


def test_a_setting_in_which_the_runs_differ_as_a_whole_is_what_is_compared() -> None:
    slower = made.standard()
    for point in slower["points"]:
        point["parameters"] |= {"one_way_delay_ms": 35.0, "stack": "asgi"}
    found = matched(made.standard(), slower)
    assert (len(found.points), found.unmatched) == (len(slower["points"]), 0)
    assert found.settings == (("one_way_delay_ms", 25.0, 35.0), ("stack", "fastapi", "asgi"))


def test_what_a_run_varies_keeps_its_points_apart() -> None:
    points = [made.point("sse", 25 * s, 0.0, measured_s=s, base=s == 1) for s in (1, 2, 4)]
    found = matched(made.summary(points, ["measured_s"]), made.summary(points, ["measured_s"]))
    assert len({point.label for point in found.points}) == 3
    assert all(point.baseline.parameters == point.other.parameters for point in found.points)


def test_how_long_trials_took_does_not_keep_runs_apart() -> None:
    short, long = (made.summary([made.point("sse", 25, 0.0, measured_s=length_s)]) for length_s in (1, 2))
    found = matched(short, long)
    assert (len(found.points), found.unmatched) == (1, 0)


def test_other_transports_share_no_point() -> None:
    assert matched(made.standard(), made.summary([made.point("echo_post", 50, 5)])).points == ()
