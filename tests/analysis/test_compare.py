"""Two runs agree or do not, and what makes them unlike is said."""

from __future__ import annotations

import copy
import dataclasses
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.command_line import main
from analysis.compare import Agreement, compare_points, compare_runs, differences, print_comparison
from contract.errors import UserError
from contract.records import JsonObject, load_run_info, write_json, write_run_info
from terminal.console import PlainConsole
from tests import fabricate
from tests.analysis import made_summary as made


def run_with(folder: Path, summary: JsonObject, seed: int = 1) -> Path:
    folder.mkdir()
    write_run_info(folder, dataclasses.replace(fabricate.run_info(fabricate.SMALL, ()), seed=seed))
    fields = {key: value for key, value in summary.items() if key not in ("format", "version")}
    write_json(folder / "summary.json", "push-vs-poll/summary", fields)
    return folder


@pytest.mark.parametrize(
    ("ours", "theirs", "our_interval", "their_interval", "outcome"),
    [
        # The interval of the difference is ± 10 and ± 12 in quadrature.
        (100, 101, (90, 110), (89, 113), "no difference shown (±15.6)"),
        (100, 150, (90, 110), (140, 160), ""),
        (100, 102, (99.6, 100.4), (101.7, 102.3), "the same within 3 %"),
        (100, 102.9, (99, 101), (102, 104), ""),
        (100, 110, (99, 101), (109, 111), ""),
        (0, 0, (0, 0), (0, 0), "the same within 3 %"),
        (100, 100, None, (99, 101), None),
        (None, 3, None, (2, 4), None),
    ],
)
def test_outcome(
    ours: float | None,
    theirs: float,
    our_interval: tuple[float, float] | None,
    their_interval: tuple[float, float] | None,
    outcome: str | None,
) -> None:
    assert Agreement("p50 ms", ours, theirs, our_interval, their_interval).outcome == outcome


@given(st.floats(0.01, 1e5), st.floats(0.01, 1e5))
def test_the_outcome_does_not_depend_on_the_order(one: float, other: float) -> None:
    intervals = [(0.9 * value, 1.1 * value) for value in (one, other)]
    there = Agreement("x", one, other, *intervals)
    back = Agreement("x", other, one, *reversed(intervals))
    assert there.outcome == back.outcome


def test_a_run_agrees_with_itself() -> None:
    points, unmatched = compare_points(made.standard(), made.standard())
    assert unmatched == 0
    assert len(points) == len(made.standard()["points"])
    assert all(agreement.outcome for point in points for agreement in point.agreements)


def test_points_are_matched_on_parameters_not_on_place_or_length() -> None:
    other = made.standard()
    other["points"].reverse()
    for point in other["points"]:
        point["parameters"]["measured_s"] = 99.0
    points, unmatched = compare_points(made.standard(), other)
    assert unmatched == 0
    assert {agreement.relative_difference for point in points for agreement in point.agreements} <= {0.0, None}


def test_runs_from_before_a_factor_existed_are_compared_with_its_default() -> None:
    newer = made.standard()
    for point in newer["points"]:
        point["parameters"] |= {"stack": "fastapi", "compression": "off"}
    newer["points"][0]["parameters"]["stack"] = "asgi"
    points, unmatched = compare_points(made.standard(), newer)
    assert (len(points), unmatched) == (len(newer["points"]) - 1, 2)


def test_differences_name_the_path_and_both_values() -> None:
    ours = {"cores": 2, "clock": {"source": "tsc"}, "same": 1}
    theirs = {"cores": 4, "clock": {"source": "hpet"}, "same": 1, "new": True}
    assert differences("machine", ours, theirs) == [
        "machine.clock.source: A has tsc, B has hpet",
        "machine.cores: A has 2, B has 4",
        "machine.new: A has nothing, B has True",
    ]


def test_what_differs_and_disagrees_is_printed_and_nothing_written(tmp_path: Path) -> None:
    changed = copy.deepcopy(made.standard())
    changed["points"][0]["latency_ms"] |= {"p50": 99.0, "p50_ci95": [98.0, 99.5]}
    changed["valid"] = False
    changed["points"].pop()
    folders = [run_with(tmp_path / "a", made.standard()), run_with(tmp_path / "b", changed)]
    before = sorted(tmp_path.rglob("*"))
    comparison = compare_runs(*folders)
    output = io.StringIO()
    print_comparison(comparison, PlainConsole(file=output, width=140))
    assert comparison.disagreements == 1
    assert "B is INVALID" in output.getvalue()
    assert "1 point in one run only" in output.getvalue()
    assert "DIFFERENT" in output.getvalue()
    assert "1 differ, and for 44 no difference was shown, which is no proof that there is none" in output.getvalue()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_that_varies_how_long_it_measures_agrees_with_itself(tmp_path: Path) -> None:
    points = [
        made.point(name, p50_ms * length_s, 0.0, measured_s=length_s, base=length_s == 1)
        for name, p50_ms in (("websocket", 25), ("sse", 30))
        for length_s in (1, 2, 4)
    ]
    run = run_with(tmp_path / "x", made.summary(points, ["measured_s"]))
    comparison = compare_runs(run, run)
    assert comparison.disagreements == 0
    assert comparison.warnings == ()
    labels = [point.label for point in comparison.points]
    assert len(set(labels)) == len(points)


@pytest.mark.parametrize("seed", [1, 2])
def test_other_streams_are_no_difference_of_settings_and_the_same_ones_are_said(tmp_path: Path, seed: int) -> None:
    comparison = compare_runs(
        run_with(tmp_path / "a", made.standard(), seed=1), run_with(tmp_path / "b", made.standard(), seed=seed)
    )
    assert comparison.warnings == ()
    output = io.StringIO()
    print_comparison(comparison, PlainConsole(file=output, width=200))
    assert ("Both have the streams of seed 1" in output.getvalue()) == (seed == 1)


def test_how_long_trials_took_does_not_keep_runs_apart() -> None:
    short, long = (made.summary([made.point("sse", 25, 0.0, measured_s=length_s)]) for length_s in (1, 2))
    compared, unmatched = compare_points(short, long)
    assert (len(compared), unmatched) == (1, 0)


ONE = {"commit": "1" * 40, "clean": True}
OTHER = {"commit": "2" * 40, "clean": True}


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        (ONE, ONE, []),
        (None, None, []),
        (ONE, OTHER, ["code: A was measured with commit 111111111111, B with commit 222222222222"]),
        (None, ONE, ["code: A was measured with an unknown commit, B with commit 111111111111"]),
        (
            ONE,
            ONE | {"clean": False},
            [
                "code: A was measured with commit 111111111111, "
                "B with commit 111111111111 and changes that are not in it",
            ],
        ),
        (
            ONE | {"clean": False},
            ONE | {"clean": False},
            [
                "code: both were measured with commit 111111111111 and changes that are not in it, and these may be "
                "others in each"
            ],
        ),
    ],
)
def test_a_difference_of_the_code_is_named(
    tmp_path: Path, ours: JsonObject | None, theirs: JsonObject | None, told: list[str]
) -> None:
    folders = [run_with(tmp_path / name, made.standard()) for name in "ab"]
    for folder, checkout in zip(folders, (ours, theirs), strict=True):
        write_run_info(folder, dataclasses.replace(load_run_info(folder), checkout=checkout))
    assert [warning for warning in compare_runs(*folders).warnings if "code" in warning] == told


def test_runs_without_a_common_point_are_refused(tmp_path: Path) -> None:
    echo = made.summary([made.point("echo_post", 50, 5)])
    folders = [run_with(tmp_path / "a", made.standard()), run_with(tmp_path / "b", echo)]
    with pytest.raises(UserError, match="no point in common"):
        compare_runs(*folders)


@pytest.mark.parametrize("command", [["report", "{}"], ["summary", "{}"], ["compare", "{}", "{}"]])
def test_a_folder_that_is_no_run_is_one_sentence_and_status_2(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([part.format(tmp_path) for part in command]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "not a run folder" in told


def test_a_run_without_finished_trials_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run_info(tmp_path, fabricate.run_info(fabricate.SMALL, fabricate.SMALL.plan()))
    assert main(["report", str(tmp_path)]) == 2
    assert "no raw records of a finished trial" in capsys.readouterr().err
    assert not (tmp_path / "report.html").exists()


def test_comparing_a_run_that_was_not_reported_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run_info(tmp_path, fabricate.run_info(fabricate.SMALL, fabricate.SMALL.plan()))
    assert main(["compare", str(tmp_path), str(tmp_path)]) == 2
    assert "make report RUN=" in capsys.readouterr().err


def test_a_missing_folder_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "no-such-run"]) == 2
    assert "no-such-run" in capsys.readouterr().err
