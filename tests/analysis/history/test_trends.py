"""What counts as a change from run to run, and what as noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analysis.history.runs import ListedRun, read_runs
from analysis.history.trends import KEY_FIGURES, Trend, trends
from contract.transports import TRANSPORTS
from tests.analysis import made_summary as made
from tests.analysis.history.made_runs import noise_floor, runs_with, with_medians, write_run

P50 = 0


def of_runs(results: Path) -> list[list[Trend]]:
    return list(trends([run for run in read_runs(results) if isinstance(run, ListedRun)]))


def changed(trend: Trend) -> list[int]:
    return [number for number, step in enumerate(trend.steps) if step.changed]


def test_the_key_figures_are_how_fresh_events_are_and_at_what_cost() -> None:
    assert [figure.name for figure in KEY_FIGURES] == [
        "latency_ms.p50", "latency_ms.p95", "requests_per_event", "bytes_per_event.total", "server_cpu_us_per_event",
    ]  # fmt: skip


def test_there_is_a_trend_of_each_key_figure_at_each_base_point(tmp_path: Path) -> None:
    for day in (1, 2):
        write_run(tmp_path, day, made.standard())
    found = of_runs(tmp_path)
    assert [row[0].transport for row in found] == [TRANSPORTS[name].label for name in made.BROADCAST]
    assert [[len(trend.steps) for trend in row] for row in found] == 4 * [len(KEY_FIGURES) * [2]]


def test_what_stays_within_three_per_cent_is_no_change(tmp_path: Path) -> None:
    runs_with(tmp_path, [25.0, 25.5, 24.6, 25.2])
    [row] = of_runs(tmp_path)
    assert [changed(trend) for trend in row[:2]] == [[], []]
    low, high = row[P50].steps[1].band or (0.0, 0.0)
    assert (low, high) == pytest.approx((24.25, 25.75))
    assert row[P50].steps[0].band is None


def test_a_run_that_leaves_the_band_is_a_change_and_begins_a_new_one(tmp_path: Path) -> None:
    runs_with(tmp_path, [25.0, 25.1, 30.0, 30.1, 25.0])
    [row] = of_runs(tmp_path)
    assert changed(row[P50]) == [2, 4]
    assert row[P50].steps[3].band == pytest.approx((30 * 0.97, 30 * 1.03))


def test_an_interval_that_reaches_into_the_band_shows_no_change(tmp_path: Path) -> None:
    runs_with(tmp_path, [25.0, 30.0], half_width_ms=5.0)
    [row] = of_runs(tmp_path)
    assert changed(row[P50]) == []


def test_below_two_tenths_of_a_millisecond_nothing_is_a_change(tmp_path: Path) -> None:
    runs_with(tmp_path, [1.0, 1.15, 1.4], half_width_ms=0.001)
    [row] = of_runs(tmp_path)
    assert changed(row[P50]) == [2]


def test_within_the_noise_floor_nothing_is_a_change(tmp_path: Path) -> None:
    runs_with(tmp_path / "quiet", [25.0, 27.0])
    runs_with(tmp_path / "noisy", [25.0, 27.0], noise_floor=noise_floor(3.0))
    assert [changed(of_runs(tmp_path / name)[0][P50]) for name in ("quiet", "noisy")] == [[1], []]


def test_a_band_of_runs_that_were_not_precise_is_as_wide_as_their_intervals(tmp_path: Path) -> None:
    for day, (median_ms, half_width_ms) in enumerate(((25.0, 4.0), (30.0, 0.5), (35.0, 0.5)), start=1):
        write_run(tmp_path, day, with_medians(median_ms, half_width_ms=half_width_ms))
    [row] = of_runs(tmp_path)
    assert row[P50].steps[1].band == pytest.approx((21.0, 29.0))
    assert changed(row[P50]) == [1, 2]


def test_without_an_interval_nothing_is_told_from_chance(tmp_path: Path) -> None:
    summary = with_medians(40.0)
    summary["points"][0]["latency_ms"]["p50_ci95"] = None
    write_run(tmp_path, 1, with_medians(25.0))
    write_run(tmp_path, 2, summary)
    [row] = of_runs(tmp_path)
    assert changed(row[P50]) == []


def test_a_band_is_the_median_of_ten_runs_at_most(tmp_path: Path) -> None:
    runs_with(tmp_path, [25.0, *(11 * [25.5])])
    [row] = of_runs(tmp_path)
    assert row[P50].steps[-1].band == pytest.approx((25.5 * 0.97, 25.5 * 1.03))
    assert row[P50].steps[2].band == pytest.approx((25.25 * 0.97, 25.25 * 1.03))


@pytest.mark.parametrize(
    "unusable", [{"valid": False}, {"wrong_way": "Nobody keeps a cursor."}, {"points": []}, {"verdict": None}]
)
def test_a_run_whose_figures_are_not_to_be_used_is_not_followed(tmp_path: Path, unusable: dict[str, Any]) -> None:
    for day in (1, 3):
        write_run(tmp_path, day, with_medians(25.0))
    write_run(tmp_path, 2, {**with_medians(99.0), **unusable})
    write_run(tmp_path, 4, None)
    [row] = of_runs(tmp_path)
    assert [step.measured.value for step in row[P50].steps] == [25.0, 25.0]


def test_a_point_that_is_not_valid_or_has_other_parameters_is_not_followed(tmp_path: Path) -> None:
    write_run(tmp_path, 1, with_medians(25.0, 25.0))
    invalid, other = with_medians(99.0, 26.0), with_medians(99.0, 26.0)
    invalid["points"][0]["valid"] = False
    other["points"][0]["parameters"]["clients"] = 51
    write_run(tmp_path, 2, invalid)
    write_run(tmp_path, 3, other)
    write_run(tmp_path, 4, with_medians(25.0, 25.0))
    rows = of_runs(tmp_path)
    assert [len(row[P50].steps) for row in rows] == [2, 4]


def test_a_parameter_that_earlier_versions_did_not_have_ends_no_trend(tmp_path: Path) -> None:
    earlier = with_medians(25.0)
    del earlier["points"][0]["parameters"]["arrival"]
    write_run(tmp_path, 1, earlier)
    write_run(tmp_path, 2, with_medians(25.0))
    [row] = of_runs(tmp_path)
    assert len(row[P50].steps) == 2


def test_runs_that_nobody_may_use_have_no_trends(tmp_path: Path) -> None:
    write_run(tmp_path, 1, with_medians(25.0, valid=False))
    assert of_runs(tmp_path) == []


def test_each_server_has_a_trend_of_its_own_and_a_sweep_has_none(tmp_path: Path) -> None:
    for day, (before_ms, after_ms) in enumerate(((25.0, 27.0), (25.1, 33.0)), start=1):
        points = [with_medians(median_ms)["points"][0] for median_ms in (before_ms, after_ms, 60.0)]
        for point, server, base in zip(points, ("before", "after", "after"), (True, False, False), strict=True):
            point["parameters"]["server"], point["base"] = server, base
        points[1]["parameters"]["server_processes"] = 2
        points[2]["parameters"]["rate_per_s"] = 50
        write_run(tmp_path, day, made.summary(points))
    before, after = of_runs(tmp_path)
    assert [row[P50].transport for row in (before, after)] == ["WebSocket, server before", "WebSocket, server after"]
    assert [changed(row[P50]) for row in (before, after)] == [[], [1]]
    assert [step.measured.value for step in after[P50].steps] == [27.0, 33.0]
