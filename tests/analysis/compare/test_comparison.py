"""Runs beside a baseline: from their folders to terminal, page, Markdown and JSON."""

from __future__ import annotations

import copy
import dataclasses
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from analysis.compare.comparison import COMPARED, ReportedRun, compare_runs
from analysis.compare.contrast import Outcome
from contract.records import JsonObject, load_run_info, write_json, write_run_info
from tests import fabricate
from tests.analysis import made_summary as made
from tests.runs import in_process, refused, sentence_of


def run_with(folder: Path, summary: JsonObject, seed: int = 1, **changes: Any) -> Path:
    folder.mkdir()
    info = dataclasses.replace(fabricate.run_info(fabricate.SMALL, ()), seed=seed, **changes)
    scenario = {**info.scenario, "parameters": made.BASE}
    write_run_info(folder, dataclasses.replace(info, scenario=scenario))
    fields = {key: value for key, value in summary.items() if key not in ("format", "version")}
    write_json(folder / "summary.json", "push-vs-poll/summary", fields)
    return folder


def slowed(by_ms: float) -> JsonObject:
    """`standard` with every latency this much longer, and nothing else changed."""
    summary = copy.deepcopy(made.standard())
    for point in summary["points"]:
        for name, value in point["latency_ms"].items():
            point["latency_ms"][name] = [each + by_ms for each in value] if name.endswith("ci95") else value + by_ms
        mean = point["estimates"]["mean_ms"]
        point["estimates"]["mean_ms"] = mean | {
            "value": mean["value"] + by_ms, "ci95": [bound + by_ms for bound in mean["ci95"]],
        }  # fmt: skip
        for name in ("mean", "p50", "p90", "p95", "p99"):
            values = point["by_block"][f"latency_ms.{name}"]
            middle = point["latency_ms"][name]
            point["by_block"][f"latency_ms.{name}"] = [middle + 0.001 * (value - values[1]) for value in values]
    return summary


def steady() -> JsonObject:
    return slowed(0.0)


def test_times_are_judged_by_what_the_machines_speed_does_not_explain(tmp_path: Path) -> None:
    slower = made.standard() | {"fixed_work_ms": {"value": 2.5, "ci95": [2.4, 2.6]}}
    for point in slower["points"]:
        for name in ("server_cpu_us_per_event", "bytes_per_event.total"):
            point["by_block"][name] = [1.5 * cost for cost in point["by_block"][name]]
        point["server_cpu_us_per_event"] *= 1.5
        point["bytes_per_event"]["total"] *= 1.5
    base = ReportedRun.load(run_with(tmp_path / "a", made.standard()))
    run = ReportedRun.load(run_with(tmp_path / "b", slower, 2, started_at="2026-01-02T00:00:00+00:00"))
    comparison = compare_runs(base, run)
    assert comparison.notes[0].startswith("The machine's speed: a fixed piece of work took 1.25 ms of CPU time in A")
    judged = {each.figure.name: {row.contrast.outcome for row in each.judged if row.contrast is not None}
              for each in comparison.figures}  # fmt: skip
    assert judged["server_cpu_us_per_event"] == {Outcome.NOT_SHOWN}
    assert judged["bytes_per_event.total"] == {Outcome.WORSE}
    [cpu] = [each for each in comparison.figures if each.figure.name == "server_cpu_us_per_event"]
    assert all(row.contrast is not None and row.contrast.may_be_the_machine for row in cpu.judged)
    same_run = dataclasses.replace(run, info=dataclasses.replace(run.info, started_at=base.info.started_at))
    again = compare_runs(base, same_run)
    assert not [note for note in again.notes if "speed" in note], "the same run"


@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_is_the_same_as_itself(tmp_path: Path, seed: int) -> None:
    run = ReportedRun.load(run_with(tmp_path / "a", made.standard(), seed))
    comparison = compare_runs(run, run)
    assert set(comparison.outcomes) == {Outcome.SAME}
    assert comparison.unlike == comparison.notes == ()
    # Of the made runs no point has events enough for a p99.9.
    assert [each.figure for each in comparison.figures] == [of for of in COMPARED if of.name != "latency_ms.p999"]


def test_ten_milliseconds_more_are_found_at_every_point_and_nothing_else_is(tmp_path: Path) -> None:
    ours = ReportedRun.load(run_with(tmp_path / "a", steady()))
    theirs = ReportedRun.load(run_with(tmp_path / "b", slowed(10.0), seed=2))
    for each in compare_runs(ours, theirs).figures:
        for row in each.judged:
            assert row.contrast is not None
            if each.figure.name.startswith("latency_ms"):
                assert row.contrast.difference.value == pytest.approx(10)
                assert row.contrast.outcome in (
                    {Outcome.WORSE} if row.contrast.baseline < 300 else {Outcome.WORSE, Outcome.SAME}
                )
            else:
                assert row.contrast.outcome in (Outcome.SAME, Outcome.NOT_SHOWN)


def test_points_of_one_figure_are_corrected_for_their_number(tmp_path: Path) -> None:
    other = made.standard()
    changed = other["points"][0]
    for i, factor in enumerate((1.03, 1.035, 1.04)):
        changed["by_block"]["latency_ms.p50"][i] *= factor
    changed["latency_ms"]["p50"] *= 1.035
    alone, among = (
        compare_runs(
            *(
                ReportedRun.load(run_with(tmp_path / f"{side}{number}", {**whole, "points": whole["points"][:number]}))
                for side, whole in (("a", made.standard()), ("b", other))
            )
        )
        for number in (1, 9)
    )
    (first, *_), (many, *_) = (
        next(each for each in comparison.figures if each.figure.name == "latency_ms.p50").rows
        for comparison in (alone, among)
    )
    assert first.contrast is not None and many.contrast is not None
    assert first.contrast.outcome is Outcome.WORSE
    assert many.contrast.outcome is Outcome.NOT_SHOWN
    assert many.contrast.adjusted_p_value == pytest.approx(9 * (many.contrast.p_value or 0), rel=1e-6)


def test_noise_that_is_larger_than_the_margin_takes_its_place(tmp_path: Path) -> None:
    floor = {"value": 0.0, "half_width": 3.0, "largest": 3.0, "pairs": 3}
    noisy = steady()
    noisy["noise_floor"] = {
        "websocket": {
            "parameters": noisy["points"][0]["parameters"],
            "p50_ms": floor,
            "p95_ms": floor,
            "mean_ms": floor,
        }
    }
    noisy["noise_floor_from"] = None
    other = slowed(1.5)
    runs = [
        ReportedRun.load(run_with(tmp_path / name, s, seed)) for name, s, seed in (("a", noisy, 1), ("b", other, 2))
    ]
    medians = next(each for each in compare_runs(*runs).figures if each.figure.name == "latency_ms.p50").rows
    assert medians[0].contrast is not None and medians[1].contrast is not None
    assert medians[0].contrast.margin_ratio == pytest.approx(3.0 / noisy["points"][0]["latency_ms"]["p50"], rel=0.01)
    assert medians[0].contrast.outcome is Outcome.SAME
    assert medians[1].contrast.outcome is Outcome.WORSE


class Page(HTMLParser):
    """What a page would fetch, and its ids."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]
        self.ids += [value or "" for name, value in attrs if name == "id"]


def test_page_markdown_and_json_have_every_run(tmp_path: Path) -> None:
    folders = [
        run_with(tmp_path / name, summary, seed)
        for seed, (name, summary) in enumerate((("base", steady()), ("slow", slowed(10)), ("equal", steady())))
    ]
    out = tmp_path / "out"
    done = in_process("analysis", "compare", *folders, "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"{out}/compare.html\n")
    assert "A: base; B: slow" in done.stdout

    page = Page()
    text = (out / "compare.html").read_text(encoding="utf-8")
    page.feed(text)
    assert [link for link in page.fetched if not link.startswith("#")] == []
    assert len(set(page.ids)) == len(page.ids)
    assert text.count("<script>") == 1
    assert text.count("<figure") >= 6
    markdown = (out / "compare.md").read_text(encoding="utf-8")
    assert "## slow against base" in markdown
    assert "slower by 39.7 %" in markdown
    assert "## equal against base" in markdown
    tables = [line for line in markdown.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} == {7}

    document = json.loads((out / "comparison.json").read_text())
    assert (document["format"], document["version"]) == ("push-vs-poll/comparison", 1)
    slow, equal = document["runs"]
    medians = next(each for each in slow["figures"] if each["figure"] == "latency_ms.p50")["rows"]
    assert (medians[0]["outcome"], medians[0]["difference"]) == ("worse", pytest.approx(10))
    low, high = medians[0]["difference_ci95"]
    assert low < 10 < high < 10.5
    assert {row["outcome"] for each in equal["figures"] for row in each["rows"]} <= {"the same", "no difference shown"}

    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert in_process("analysis", "compare", *folders, "--out", out).returncode == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_hostile_names_are_no_markup(tmp_path: Path) -> None:
    summary = made.standard()
    for entry in summary["transports"]:
        entry["label"] = "<b>|`*"
    folders = [run_with(tmp_path / name, summary) for name in ("a", "b")]
    out = tmp_path / "out"
    assert in_process("analysis", "compare", *folders, "--out", out).returncode == 0
    assert "<b>" not in (out / "compare.html").read_text(encoding="utf-8")
    assert "\\<b>\\|\\`\\*" in (out / "compare.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"machine": {"cores": 8}}, "machine.cores: A has 2, B has 8"),
        ({"machine": {"cores": 2, "cpu_quota_cores": 1.5}}, "machine.cpu_quota_cores: A has nothing, B has 1.5"),
        ({"versions": {"python": "3.12"}}, "versions.python: A has 3.11.0, B has 3.12"),
        ({"settings": {"compression": "on"}}, "settings.compression: A has off, B has on"),
        ({"target": "http://127.0.0.1:9"}, "run.target: A has nothing, B has http://127.0.0.1:9"),
        ({"checkout": {"commit": "2" * 40, "clean": True}}, "code: A was measured with an unknown commit"),
    ],
)
def test_unlike_runs_are_refused_unless_forced(change: JsonObject, told: str, tmp_path: Path) -> None:
    folders = [run_with(tmp_path / "a", made.standard()), run_with(tmp_path / "b", made.standard(), **change)]
    out = tmp_path / "out"
    done = in_process("analysis", "compare", *folders, "--out", out)
    assert done.returncode == 2
    assert f"unlike: {told}" in done.stderr
    assert done.stderr.splitlines()[-1] == (
        f"error: {folders[1]}: unlike its baseline {folders[0]}, so that a difference may come from something else "
        "(expected runs that are alike, or FORCE=1)"
    )
    assert done.stdout == ""
    assert not out.exists()
    forced = in_process("analysis", "compare", "--force", *folders, "--out", out)
    assert forced.returncode == 0
    assert f"unlike: {told}" in forced.stdout
    assert told in (out / "compare.html").read_text(encoding="utf-8")


def test_an_invalid_run_and_another_setting_make_runs_unlike(tmp_path: Path) -> None:
    invalid = {**made.standard(), "valid": False, "verdict": "INVALID: lost events"}
    delayed = made.standard()
    for point in delayed["points"]:
        point["parameters"]["one_way_delay_ms"] = 35.0
    runs = [
        ReportedRun.load(run_with(tmp_path / name, summary))
        for name, summary in (("a", made.standard()), ("b", invalid), ("c", delayed))
    ]
    assert compare_runs(runs[0], runs[1]).unlike == ("B is INVALID: lost events",)
    assert compare_runs(runs[0], runs[2]).unlike == ("one_way_delay_ms: A has 25.0, B has 35.0",)


def test_points_of_one_run_only_are_counted(tmp_path: Path) -> None:
    fewer = made.standard()
    fewer["points"].pop()
    runs = [ReportedRun.load(run_with(tmp_path / n, s)) for n, s in (("a", made.standard()), ("b", fewer))]
    assert compare_runs(*runs).notes == ("1 point in one run only, not compared",)


def test_runs_that_cannot_be_compared_are_refused_in_one_sentence(tmp_path: Path) -> None:
    standard = run_with(tmp_path / "a", made.standard())
    echo = run_with(tmp_path / "b", made.summary([made.point("echo_post", 50, 5)]))
    earlier = made.standard()
    for point in earlier["points"]:
        del point["by_block"]
    old = run_with(tmp_path / "c", earlier)
    unreported = tmp_path / "d"
    unreported.mkdir()
    write_run_info(unreported, load_run_info(standard))
    for other, told in (
        (echo, "no point in common"),
        (old, f"by an earlier version (expected one with by_block: make report RUN={old})"),
        (unreported, "make report RUN="),
        (tmp_path / "nowhere", "no such folder"),
        (tmp_path, "not a run folder"),
    ):
        assert told in refused("analysis", "compare", standard, other, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_where_the_comparison_should_go_is_refused_before_anything_is_printed(tmp_path: Path) -> None:
    run = run_with(tmp_path / "a", made.standard())
    (tmp_path / "file").write_text("kept")
    for out in (tmp_path / "file", tmp_path / "file" / "below" / "it"):
        done = in_process("analysis", "compare", run, run, "--out", out)
        assert f"{tmp_path / 'file'}: not a folder (expected OUT=a folder that exists or can be made)" in (
            sentence_of(done)
        )
        assert done.stdout == ""
    assert (tmp_path / "file").read_text() == "kept"


def test_where_a_comparison_goes_that_has_no_place_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.command_line.RESULTS_FOLDER", tmp_path / "results")
    folders = [run_with(tmp_path / name, made.standard()) for name in ("first", "second")]
    assert in_process("analysis", "compare", *folders).returncode == 0
    assert (tmp_path / "results" / "compared" / "second-against-first" / "compare.html").is_file()
