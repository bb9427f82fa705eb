"""Labels never lie on one another, and stay as near as they can."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.charts.labels import Box, place_labels, spread_out

WANTED = st.lists(st.floats(-50, 150), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([10, 50, 90], [10, 50, 90]),
        ([50, 50], [45, 55]),
        ([50, 50, 50], [40, 50, 60]),
        ([0, 0], [5, 15]),
        ([100, 100], [85, 95]),
        ([50, 52, 90], [46, 56, 90]),
        ([90, 10], [90, 10]),
    ],
)
def test_labels_ten_high_move_apart_evenly(wanted: list[float], expected: list[float]) -> None:
    assert spread_out(wanted, [10.0] * len(wanted), 0, 100) == pytest.approx(expected)


@given(WANTED)
def test_spread_labels_fit_and_do_not_overlap(wanted: list[float]) -> None:
    centres = spread_out(wanted, [10.0] * len(wanted), 0, 100)
    ordered = sorted(centres)
    assert all(after - before >= 10 - 1e-6 for before, after in pairwise(ordered))
    assert ordered[0] >= 5 - 1e-6
    assert ordered[-1] <= 95 + 1e-6


@given(WANTED)
def test_spread_labels_keep_their_order(wanted: list[float]) -> None:
    centres = spread_out(wanted, [10.0] * len(wanted), 0, 100)
    by_wish = [centres[i] for i in sorted(range(len(wanted)), key=lambda i: wanted[i])]
    assert by_wish == sorted(by_wish)


def test_labels_that_cannot_fit_are_stacked_from_the_bottom() -> None:
    assert spread_out([50, 50, 50], [10, 10, 10], 0, 20) == pytest.approx([5, 15, 25])


@given(st.lists(st.tuples(st.floats(50, 350), st.floats(50, 250)), min_size=1, max_size=6))
def test_placed_labels_lie_on_no_label_no_mark_and_inside(anchors: list[tuple[float, float]]) -> None:
    marks = [Box(x - 3, y - 3, x + 3, y + 3) for x, y in anchors]
    bounds = Box(0, 0, 400, 300)
    placed = place_labels(anchors, [(40, 10)] * len(anchors), marks, bounds, 6)
    for one, other in combinations(placed, 2):
        assert one.overlap(other) == pytest.approx(0, abs=1e-6)
    for box in placed:
        assert sum(box.overlap(mark) for mark in marks) == pytest.approx(0, abs=1e-6)
        assert box.outside(bounds) == 0


def test_a_lone_label_stands_to_the_right_of_its_point() -> None:
    [box] = place_labels([(100, 100)], [(40, 10)], [], Box(0, 0, 400, 300), 6)
    assert box == Box(106, 95, 146, 105)


def test_at_the_right_edge_it_stands_elsewhere() -> None:
    [box] = place_labels([(390, 100)], [(40, 10)], [], Box(0, 0, 400, 300), 6)
    assert box.right <= 400
