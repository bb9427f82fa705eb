"""Each format is read back by its own reader, and holds what the run does."""

from __future__ import annotations

import csv
import json
import shutil
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from analysis.export import parquet
from analysis.export.formats import FORMATS
from analysis.export.histogram_log import LONGEST_NS, SIGNIFICANT_DIGITS
from analysis.export.openmetrics import metric_name
from analysis.statistics.distribution import LATENCY_QUANTILES
from analysis.summary.point_figures import POINT_FIGURES
from contract.parameters import PARAMETERS
from contract.quantiles import quantiles
from contract.records import Outcome, RequestKind, Trial, as_document, finished_trial_folders
from contract.summary import Point, load_summary
from tests import fabricate
from tests.fabricate_trial import Faults
from tests.runs import in_process, refused

OF_POINTS = ("csv", "jsonl", "openmetrics", "bencher", "junit")
OF_RAW_RECORDS = tuple(name for name in FORMATS if name not in OF_POINTS)

PLAN = fabricate.Fabrication(
    transports=("websocket", "short_poll"), intervals_s=(0.5,), rates_per_s=(), clients=2, measured_s=52.0, blocks=2
)
"""With enough events for every quantile."""


def reported(folder: Path, faults: Mapping[int, Faults] | None = None) -> Path:
    fabricate.fabricate_run(folder, PLAN, faults)
    assert in_process("analysis", "summary", folder).returncode == 0
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reported(tmp_path_factory.mktemp("results") / "run")


@pytest.fixture(scope="module")
def invalid_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In one trial a delivery is missing, and others are there twice."""
    first = fabricate.trial_index(PLAN, "websocket")
    faults = Faults(drop=frozenset({(0, 7)}), duplicate=frozenset((1, seq) for seq in range(20, 60)))
    return reported(tmp_path_factory.mktemp("results") / "invalid", {first: faults})


@pytest.fixture(scope="module")
def points(run: Path) -> tuple[Point, ...]:
    return points_of(run)


def points_of(run: Path) -> tuple[Point, ...]:
    return load_summary(run).points


def exported(run: Path, format_name: str, folder: Path) -> Path:
    path = folder / f"out.{format_name}"
    done = in_process("analysis", "export", run, "--format", format_name, "--out", path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert [found.name for found in folder.iterdir() if "partial" in found.name] == []
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def read_metrics(path: Path) -> dict[str, Metric]:
    parse: Callable[[str], Iterator[Metric]] = text_string_to_metric_families
    return {family.name: family for family in parse(path.read_text())}


def read_histograms(path: Path) -> Iterator[Any]:
    reader = HistogramLogReader(str(path), HdrHistogram(1, LONGEST_NS, SIGNIFICANT_DIGITS))
    with reader.input_file:
        while (histogram := reader.get_next_interval_histogram()) is not None:
            yield histogram


def name_of(point: Point) -> list[str]:
    parameters = point["parameters"]
    own = [f"poll_interval_s={parameters['poll_interval_s']}"] if "poll_interval_s" in parameters else []
    return [point["transport"], *own]


def test_csv_has_every_point_with_its_figures_and_intervals(
    run: Path, points: tuple[Point, ...], tmp_path: Path
) -> None:
    rows = read_csv(exported(run, "csv", tmp_path))
    assert [row["transport"] for row in rows] == [point["transport"] for point in points]
    for row, point in zip(rows, points, strict=True):
        assert row["clients"] == str(point["parameters"]["clients"])
        assert row.get("poll_interval_s", "") == str(point["parameters"].get("poll_interval_s", ""))
        for name, figure in POINT_FIGURES.items():
            value, bounds = figure.value(point), figure.interval(point)
            assert row[name] == ("" if value is None else str(value))
            assert [row[f"{name}_low"], row[f"{name}_high"]] == list(map(str, bounds or ("", "")))


def assert_percentiles(latencies_ms: Any, point: Point) -> None:
    assert len(latencies_ms) == point["deliveries"]
    assert np.mean(latencies_ms) == pytest.approx(point["latency_ms"]["mean"], rel=1e-5)
    for name, found in zip(LATENCY_QUANTILES, quantiles(latencies_ms, list(LATENCY_QUANTILES.values())), strict=True):
        assert found == pytest.approx(point["latency_ms"][name], rel=1e-5)


@pytest.mark.parametrize("name", ["run", "invalid_run"])
def test_csv_deliveries_give_the_latencies_of_the_summary(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    run = request.getfixturevalue(name)
    rows = read_csv(exported(run, "csv-deliveries", tmp_path))
    assert len(rows) == sum(len(Trial.load(folder).deliveries) for folder in finished_trial_folders(run))
    for number, point in enumerate(points_of(run)):
        own = [row for row in rows if int(row["point"]) == number]
        assert {row["transport"] for row in own} == {point["transport"]}
        latencies_ms = [(int(r["arrival_ns"]) - int(r["due_ns"])) / 1e6 for r in own if r["measured"] == "1"]
        assert_percentiles(latencies_ms, point)


def test_parquet_has_the_deliveries_of_csv_with_units_and_parameters(
    run: Path, points: tuple[Point, ...], tmp_path: Path
) -> None:
    table = pq.read_table(exported(run, "parquet", tmp_path))
    rows = read_csv(exported(run, "csv-deliveries", tmp_path))
    assert table.num_rows == len(rows)
    for name in rows[0]:
        found = [str(int(each) if isinstance(each, bool) else each) for each in table[name].to_pylist()]
        assert found == [row[name] for row in rows], name
    for number, point in enumerate(points):
        own = table.filter(pc.field("point") == number)
        assert {name: set(own[name].to_pylist()) for name in PARAMETERS if name in table.column_names} == {
            name: {point["parameters"].get(name)} for name in PARAMETERS if name in table.column_names
        }
        measured = own.filter(own["measured"])
        assert_percentiles((measured["arrival_ns"].to_numpy() - measured["due_ns"].to_numpy()) / 1e6, point)
    units = dict.fromkeys(("due_ns", "published_ns", "arrival_ns"), "ns") | {
        "rate_per_s": "1/s", "poll_interval_s": "s", "one_way_delay_ms": "ms", "payload_bytes": "bytes",
    }  # fmt: skip
    for name, unit in units.items():
        assert table.schema.field(name).metadata[b"unit"].decode() == unit
    assert b"unit" not in (table.schema.field("seq").metadata or {})
    assert table.schema.metadata[b"run"] == b"run"


def test_parquet_requests_have_every_request_with_words_and_nulls(run: Path, tmp_path: Path) -> None:
    table = pq.read_table(exported(run, "parquet-requests", tmp_path))
    trials = [Trial.load(folder) for folder in finished_trial_folders(run)]
    assert table.num_rows == sum(len(trial.requests) for trial in trials)
    for trial in trials:
        own = table.filter(pc.field("trial") == trial.info.index)
        recorded = trial.requests
        assert own["kind"].to_pylist() == [RequestKind(kind).name.lower() for kind in recorded.kind]
        assert own["outcome"].to_pylist() == [Outcome(outcome).name.lower() for outcome in recorded.outcome]
        for name in ("planned_ns", "start_ns", "end_ns"):
            assert own[name].to_pylist() == [time_ns or None for time_ns in getattr(recorded, name).tolist()]
        for name in ("client", "status", "events", "up_bytes", "down_bytes"):
            assert own[name].to_pylist() == getattr(recorded, name).tolist()
        window = range(trial.info.window_start_ns, trial.info.window_end_ns)
        assert own["measured"].to_pylist() == [time_ns in window for time_ns in recorded.start_ns.tolist()]
    assert table.schema.field("up_bytes").metadata[b"unit"] == b"bytes"


def test_parquet_is_written_in_groups_of_few_rows(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pq.read_table(exported(run, "parquet", tmp_path))
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 100)
    (tmp_path / "in_groups").mkdir()
    path = exported(run, "parquet", tmp_path / "in_groups")
    groups = pq.read_metadata(path)
    assert max(groups.row_group(i).num_rows for i in range(groups.num_row_groups)) == 100
    assert pq.read_table(path).equals(whole)


def test_a_parameter_of_a_later_version_is_a_column_of_text(run: Path, tmp_path: Path) -> None:
    later = tmp_path / "later"
    shutil.copytree(run, later)
    for path in (later / "run.json", later / "summary.json", *later.glob("trials/*/trial.json")):
        document = json.loads(path.read_text())
        for holder in (*document.get("plan", ()), *document.get("points", ()), document):
            if "parameters" in holder:
                holder["parameters"]["of_a_later_version"] = 2
        path.write_text(json.dumps(document))
    table = pq.read_table(exported(later, "parquet", tmp_path))
    assert set(table["of_a_later_version"].to_pylist()) == {"2"}
    assert {row["of_a_later_version"] for row in read_csv(exported(later, "csv", tmp_path))} == {"2"}


def test_a_histogram_log_has_an_interval_per_trial_and_its_percentiles(
    run: Path, points: tuple[Point, ...], tmp_path: Path
) -> None:
    histograms = list(read_histograms(exported(run, "hdrhistogram", tmp_path)))
    assert len(histograms) == len(finished_trial_folders(run))
    for number, point in enumerate(points):
        latencies_ns = []
        added = HdrHistogram(1, LONGEST_NS, SIGNIFICANT_DIGITS)
        for histogram in histograms:
            if histogram.get_tag() == ";".join(name_of(point)):
                added.add(histogram)
        for folder in finished_trial_folders(run):
            trial = Trial.load(folder)
            if trial.info.point == number:
                window = (trial.info.window_start_ns, trial.info.window_end_ns)
                rows = trial.deliveries.where(
                    (trial.deliveries.due_ns >= window[0]) & (trial.deliveries.due_ns < window[1])
                )
                latencies_ns += (trial.arrivals_ns(rows) - rows.due_ns).tolist()
        latencies_ns.sort()
        assert added.get_total_count() == len(latencies_ns) == point["deliveries"]
        assert added.get_max_value() == pytest.approx(point["latency_ms"]["max"] * 1e6, rel=1e-3)
        for share in LATENCY_QUANTILES.values():
            found = added.get_value_at_percentile(100 * share)
            # The package rounds the rank, to which the summary rounds up.
            rank = round(share * len(latencies_ns))
            low, high = latencies_ns[rank - 2], latencies_ns[rank]
            assert low * (1 - 1e-3) <= found <= high * (1 + 1e-3)


def test_openmetrics_have_every_figure_in_base_units_at_the_time_of_the_run(
    run: Path, points: tuple[Point, ...], tmp_path: Path
) -> None:
    path = exported(run, "openmetrics", tmp_path)
    assert path.read_text().endswith("\n# EOF\n")
    families = read_metrics(path)
    per_unit = {"ms": 1e3, "µs": 1e6}
    for figure in POINT_FIGURES.values():
        name, unit = metric_name(figure)
        family = families[name if not unit or name.endswith(f"_{unit}") else f"{name}_{unit}"]
        assert family.unit == unit
        found = {
            (s.labels["transport"], s.labels["poll_interval_s"], s.labels["bound"]): s.value for s in family.samples
        }
        expected = {}
        for point in points:
            value, bounds = figure.value(point), figure.interval(point)
            which = (point["transport"], str(point["parameters"].get("poll_interval_s", "")))
            if value is not None:
                expected[(*which, "estimate")] = value / per_unit.get(figure.unit, 1)
            for bound, limit in zip(("low", "high"), bounds or (), strict=False):
                expected[(*which, bound)] = limit / per_unit.get(figure.unit, 1)
        assert found == expected
        assert {float(str(sample.timestamp)) for sample in family.samples} <= {1767225600.0}
    assert families["push_vs_poll_latency_p95_seconds"].samples
    assert families["push_vs_poll_server_cpu_per_event_seconds"].samples
    (about,) = families["push_vs_poll_run"].samples
    assert (about.labels["run"], about.labels["run_valid"]) == ("run", "true")


def test_jsonl_has_the_points_of_the_summary(run: Path, points: tuple[Point, ...], tmp_path: Path) -> None:
    read = [json.loads(line) for line in exported(run, "jsonl", tmp_path).read_text().splitlines()]
    assert [{name: row[name] for name in point} for row, point in zip(read, points, strict=True)] == as_document(points)
    assert {(row["run"], row["scenario"], row["run_valid"]) for row in read} == {("run", "fabricated", True)}


def test_bencher_has_a_benchmark_per_point_with_limits(run: Path, points: tuple[Point, ...], tmp_path: Path) -> None:
    read = json.loads(exported(run, "bencher", tmp_path).read_text())
    assert list(read) == [" ".join(name_of(point)) for point in points]
    for measures, point in zip(read.values(), points, strict=True):
        low, high = point["latency_ms"]["p50_ci95"]
        assert measures["latency-ms-p50"] == {
            "value": point["latency_ms"]["p50"], "lower_value": low, "upper_value": high,
        }  # fmt: skip
        assert all(
            found["lower_value"] <= found["value"] <= found["upper_value"]
            for found in measures.values()
            if len(found) > 1
        )


def test_junit_has_a_case_per_point_with_its_figures(run: Path, points: tuple[Point, ...], tmp_path: Path) -> None:
    (suite,) = ET.parse(exported(run, "junit", tmp_path)).getroot()
    assert (suite.get("name"), suite.get("tests")) == ("run", str(1 + len(points)))
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "0")
    whole, *cases = suite.findall("testcase")
    assert whole.get("name") == "the run is valid"
    assert [case.get("name") for case in cases] == [" ".join(name_of(point)) for point in points]
    for case, point in zip(cases, points, strict=True):
        found = {each.get("name"): each.get("value") for each in case.iter("property")}
        for name, figure in POINT_FIGURES.items():
            value, bounds = figure.value(point), figure.interval(point)
            assert found.get(name) == (None if value is None else str(value))
            assert (found.get(f"{name}_low"), found.get(f"{name}_high")) == (
                (None, None) if bounds is None else tuple(map(str, bounds))
            )


def marks_of_csv(path: Path) -> list[bool]:
    return [(row["run_valid"], row["valid"]) == ("False", "False") for row in read_csv(path)]


def marks_of_rows(path: Path) -> list[bool]:
    return [(row["run_valid"], row["valid"]) == ("0", "0") for row in read_csv(path)]


def marks_of_jsonl(path: Path) -> list[bool]:
    return [not row["valid"] and not row["run_valid"] for row in map(json.loads, path.read_text().splitlines())]


def marks_of_parquet(path: Path) -> list[bool]:
    table = pq.read_table(path)
    assert table.schema.metadata[b"verdict"].startswith(b"INVALID")
    assert table["run_valid"].to_pylist() == [False] * table.num_rows
    return [not valid for valid in table["valid"].to_pylist()]


def marks_of_names(path: Path) -> list[bool]:
    return [name.endswith(" INVALID") for name in json.loads(path.read_text())]


def marks_of_tags(path: Path) -> list[bool]:
    return [histogram.get_tag().endswith(";INVALID") for histogram in read_histograms(path)]


def marks_of_metrics(path: Path) -> list[bool]:
    families = read_metrics(path)
    assert [sample.labels["run_valid"] for sample in families["push_vs_poll_run"].samples] == ["false"]
    return [sample.value == 0 for sample in families["push_vs_poll_valid"].samples]


def marks_of_junit(path: Path) -> list[bool]:
    return [case.find("failure") is not None for case in ET.parse(path).getroot().iter("testcase")]


MARKS: dict[str, Callable[[Path], list[bool]]] = {
    "csv": marks_of_csv, "csv-deliveries": marks_of_rows, "jsonl": marks_of_jsonl, "parquet": marks_of_parquet,
    "parquet-requests": marks_of_parquet, "hdrhistogram": marks_of_tags, "openmetrics": marks_of_metrics,
    "bencher": marks_of_names, "junit": marks_of_junit,
}  # fmt: skip
EVERYWHERE = ("hdrhistogram", "openmetrics", "bencher")
"""Formats that mark each point of an INVALID run, as they have no other mark."""


@pytest.mark.parametrize("format_name", FORMATS)
def test_an_invalid_run_is_marked(format_name: str, invalid_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "out"
    done = in_process("analysis", "export", invalid_run, "--format", format_name, "--out", path)
    assert done.returncode == 0
    assert "INVALID: " in done.stderr
    marks = MARKS[format_name](path)
    assert any(marks)
    assert all(marks) == (format_name in EVERYWHERE)
    assert format_name != "hdrhistogram" or "\n#[INVALID: " in path.read_text()


def test_a_point_that_is_overloaded_on_purpose_is_marked_and_no_failure(invalid_run: Path, tmp_path: Path) -> None:
    overloaded = tmp_path / "overloaded"
    shutil.copytree(invalid_run, overloaded)
    summary = json.loads((overloaded / "summary.json").read_text())
    (overloaded / "summary.json").write_text(json.dumps({**summary, "valid": True, "overload": True}))
    (suite,) = ET.parse(exported(overloaded, "junit", tmp_path)).getroot()
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "1")
    assert marks_of_names(exported(overloaded, "bencher", tmp_path)) == [True, False, False]
    assert set(marks_of_tags(exported(overloaded, "hdrhistogram", tmp_path))) == {True, False}


@pytest.mark.parametrize("format_name", FORMATS)
def test_standard_output_has_the_same_as_a_file(format_name: str, run: Path, tmp_path: Path) -> None:
    done = in_process("analysis", "export", run, "--format", format_name, "--out", "-")
    assert done.returncode == 0
    assert done.stdout.encode(errors="surrogateescape") == exported(run, format_name, tmp_path).read_bytes()


@pytest.mark.parametrize("format_name", [name for name, each in FORMATS.items() if each.package])
def test_an_optional_package_that_is_missing_is_named_with_how_to_install_it(
    format_name: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = FORMATS[format_name]
    imported = {"pyarrow": "pyarrow", "hdrhistogram": "hdrh.histogram", "prometheus-client": "prometheus_client.core"}
    monkeypatch.delitem(sys.modules, f"analysis.export.{needed.writer.partition(':')[0]}", raising=False)
    monkeypatch.setitem(sys.modules, imported[needed.package], None)
    out = tmp_path / "out"
    told = refused("analysis", "export", run, "--format", format_name, "--out", out)
    assert f"needs the optional package {needed.package}" in told
    assert "make formats installs it" in told
    assert list(tmp_path.iterdir()) == []
    assert exported(run, "csv", tmp_path).is_file()


def test_what_cannot_be_exported_is_refused_in_one_sentence(run: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    assert "already" in refused("analysis", "export", run, "--format", "csv", "--out", there)
    assert there.read_text() == "mine"
    assert "did you mean jsonl?" in refused("analysis", "export", run, "--format", "json", "--out", there)
    assert "did you mean parquet?" in refused("analysis", "export", run, "--format", "parket", "--out", there)
    assert "expected one of csv, csv-deliveries" in refused("analysis", "export", run, "--format", "xml", "--out", "-")
    assert "OUT: no file was named" in refused("analysis", "export", run, "--format", "csv", "--out", "")
    nowhere = tmp_path / "no-such-folder" / "out.csv"
    assert "there is no folder" in refused("analysis", "export", run, "--format", "csv", "--out", nowhere)
    assert list(tmp_path.iterdir()) == [there]


@pytest.mark.parametrize("hard_links", [True, False])
def test_a_file_that_appears_during_an_export_stays_as_it_is(
    hard_links: bool, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.csv"

    def interrupted(_: object) -> Iterator[str]:
        out.write_text("another's")
        yield "ours"

    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr("analysis.export.points.csv_lines", interrupted)
    if not hard_links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert "already" in refused("analysis", "export", run, "--format", "csv", "--out", out)
    assert out.read_text() == "another's"
    assert list(tmp_path.iterdir()) == [out]


def test_a_file_is_named_without_hard_links_too(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert read_csv(exported(run, "csv", tmp_path))


def test_what_another_export_has_written_so_far_is_left_alone(run: Path, tmp_path: Path) -> None:
    unfinished = tmp_path / "out.csv.partial"
    unfinished.write_text("half")
    done = in_process("analysis", "export", run, "--format", "csv", "--out", tmp_path / "out.csv")
    assert done.returncode == 0
    assert unfinished.read_text() == "half"


@pytest.mark.parametrize("format_name", OF_POINTS)
def test_a_summary_from_before_trials_were_kept_is_exported_too(format_name: str, run: Path, tmp_path: Path) -> None:
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    summary = json.loads((run / "summary.json").read_text())
    for point in summary["points"]:
        del point["by_block"]
    (earlier / "summary.json").write_text(json.dumps(summary))
    (earlier / "run.json").write_bytes((run / "run.json").read_bytes())
    assert "websocket" in exported(earlier, format_name, tmp_path).read_text()


@pytest.mark.parametrize("format_name", OF_RAW_RECORDS)
def test_a_run_without_raw_records_has_points_and_no_deliveries(format_name: str, run: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    published.mkdir()
    for name in ("run.json", "summary.json"):
        (published / name).write_bytes((run / name).read_bytes())
    assert exported(published, "csv", tmp_path).is_file()
    out = tmp_path / "raw"
    assert "has no raw records" in refused("analysis", "export", published, "--format", format_name, "--out", out)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("raw")] == []


def test_a_summary_that_is_older_than_the_trials_is_refused(run: Path, tmp_path: Path) -> None:
    grown = tmp_path / "grown"
    shutil.copytree(run, grown)
    summary = json.loads((grown / "summary.json").read_text())
    (grown / "summary.json").write_text(json.dumps({**summary, "points": summary["points"][:1]}))
    told = refused("analysis", "export", grown, "--format", "csv-deliveries", "--out", tmp_path / "raw.csv")
    assert f"make report RUN={grown}" in told
