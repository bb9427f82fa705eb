"""Each format is read back by its own reader, and holds what the run does."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from analysis.export.formats import FORMATS
from analysis.summary.point_figures import POINT_FIGURES
from contract.records import JsonObject, Trial, finished_trial_folders
from contract.summary import load_summary
from tests import fabricate
from tests.runs import in_process, refused


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    small = fabricate.Fabrication(intervals_s=(0.5,), rates_per_s=(), clients=3, measured_s=3.0, blocks=2)
    folder = fabricate.fabricate_run(tmp_path_factory.mktemp("results") / "run", small)
    assert in_process("analysis", "summary", folder).returncode == 0
    return folder


@pytest.fixture(scope="module")
def points(run: Path) -> list[JsonObject]:
    found: list[JsonObject] = load_summary(run)["points"]
    return found


def exported(run: Path, format_name: str, folder: Path) -> Path:
    path = folder / f"out.{format_name}"
    done = in_process("analysis", "export", run, "--format", format_name, "--out", path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return path


def test_csv_has_every_point_with_its_figures_and_intervals(
    run: Path, points: list[JsonObject], tmp_path: Path
) -> None:
    with exported(run, "csv", tmp_path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["transport"] for row in rows] == [point["transport"] for point in points]
    for row, point in zip(rows, points, strict=True):
        assert row["clients"] == str(point["parameters"]["clients"])
        assert row.get("poll_interval_s", "") == str(point["parameters"].get("poll_interval_s", ""))
        for name, figure in POINT_FIGURES.items():
            value, bounds = figure.value(point), figure.interval(point)
            assert row[name] == ("" if value is None else str(value))
            assert [row[f"{name}_low"], row[f"{name}_high"]] == list(map(str, bounds or ("", "")))


def test_csv_deliveries_give_the_latencies_of_the_summary(run: Path, points: list[JsonObject], tmp_path: Path) -> None:
    with exported(run, "csv-deliveries", tmp_path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(Trial.load(folder).deliveries) for folder in finished_trial_folders(run))
    for number, point in enumerate(points):
        latencies_ms = [
            (int(row["arrival_ns"]) - int(row["due_ns"])) / 1e6
            for row in rows
            if int(row["point"]) == number and row["measured"] == "1"
        ]
        assert {row["transport"] for row in rows if int(row["point"]) == number} == {point["transport"]}
        assert len(latencies_ms) == point["deliveries"]
        assert np.mean(latencies_ms) == pytest.approx(point["latency_ms"]["mean"], rel=1e-5)
        assert np.quantile(latencies_ms, 0.5, method="inverted_cdf") == pytest.approx(
            point["latency_ms"]["p50"], rel=1e-5
        )


def test_jsonl_has_the_points_of_the_summary(run: Path, points: list[JsonObject], tmp_path: Path) -> None:
    read = [json.loads(line) for line in exported(run, "jsonl", tmp_path).read_text().splitlines()]
    assert [{name: row[name] for name in point} for row, point in zip(read, points, strict=True)] == points
    assert {(row["run"], row["scenario"], row["run_valid"]) for row in read} == {("run", "fabricated", True)}


def test_bencher_has_a_benchmark_per_point_with_limits(run: Path, points: list[JsonObject], tmp_path: Path) -> None:
    read = json.loads(exported(run, "bencher", tmp_path).read_text())
    assert list(read) == [
        f"{point['transport']} poll_interval_s={point['parameters']['poll_interval_s']}"
        if "poll_interval_s" in point["parameters"]
        else point["transport"]
        for point in points
    ]
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


@pytest.mark.parametrize("format_name", FORMATS)
def test_standard_output_has_the_same_as_a_file(format_name: str, run: Path, tmp_path: Path) -> None:
    done = in_process("analysis", "export", run, "--format", format_name, "--out", "-")
    assert done.returncode == 0
    assert done.stdout == exported(run, format_name, tmp_path).read_text()


def test_what_cannot_be_exported_is_refused_in_one_sentence(run: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    assert "already" in refused("analysis", "export", run, "--format", "csv", "--out", there)
    assert there.read_text() == "mine"
    assert "did you mean jsonl?" in refused("analysis", "export", run, "--format", "json", "--out", there)
    assert "expected one of csv, csv-deliveries" in refused("analysis", "export", run, "--format", "xml", "--out", "-")
    assert "OUT: no file was named" in refused("analysis", "export", run, "--format", "csv", "--out", "")
    nowhere = tmp_path / "no-such-folder" / "out.csv"
    assert "there is no folder" in refused("analysis", "export", run, "--format", "csv", "--out", nowhere)
    assert list(tmp_path.iterdir()) == [there]


def test_what_another_export_has_written_so_far_is_left_alone(run: Path, tmp_path: Path) -> None:
    unfinished = tmp_path / "out.csv.partial"
    unfinished.write_text("half")
    exported(run, "csv", tmp_path)
    assert unfinished.read_text() == "half"


@pytest.mark.parametrize("format_name", ["csv", "jsonl", "bencher"])
def test_a_summary_from_before_trials_were_kept_is_exported_too(format_name: str, run: Path, tmp_path: Path) -> None:
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    summary = json.loads((run / "summary.json").read_text())
    for point in summary["points"]:
        del point["by_block"]
    (earlier / "summary.json").write_text(json.dumps(summary))
    (earlier / "run.json").write_bytes((run / "run.json").read_bytes())
    assert "websocket" in exported(earlier, format_name, tmp_path).read_text()


def test_a_run_without_raw_records_has_points_and_no_deliveries(run: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    published.mkdir()
    for name in ("run.json", "summary.json"):
        (published / name).write_bytes((run / name).read_bytes())
    assert exported(published, "csv", tmp_path).is_file()
    out = tmp_path / "deliveries.csv"
    assert "has no raw records" in refused("analysis", "export", published, "--format", "csv-deliveries", "--out", out)
    assert [path.name for path in tmp_path.iterdir() if "deliveries" in path.name] == []
