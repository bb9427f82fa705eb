"""A run on two servers: the second costs more and is later, as summary, verdict, report, comparison and gate show."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from analysis.charts import draw_charts
from analysis.charts.raw_records import ChartMaterial
from analysis.export.formats import FORMATS
from analysis.report.tables import effect_table, main_table, parts_table, server_table, sweep_tables
from analysis.summarize import summarize_run
from analysis.summary.results import Results
from contract.records import JsonObject, load_run_info
from tests.fabricate import Fabrication, fabricate_run
from tests.fabricate_trial import Faults
from tests.runs import REPORTED, in_process, refused, report_in_words, unrendered

TRANSPORTS = ("websocket", "short_poll")
FABRICATION = Fabrication(
    transports=TRANSPORTS, intervals_s=(), rates_per_s=(5.0,), blocks=4, servers=("before", "after"), measured_s=6.0
)
LATER_MS, DEARER_US = 3.0, 1000.0


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each delivery from `after` is later and costs it more, by a little more or less from block to block."""
    faults = {
        trial.index: Faults(extra_latency_ms=LATER_MS + 0.01 * trial.block, event_cpu_us=DEARER_US + 5.0 * trial.block)
        for trial in FABRICATION.plan()
        if trial.parameters["server"] == "after"
    }
    folder = fabricate_run(tmp_path_factory.mktemp("servers") / "run", FABRICATION, faults)
    (folder.parent / "said").write_text(report_in_words(folder))
    return folder


@pytest.fixture(scope="module")
def summary(run: Path) -> JsonObject:
    document: JsonObject = json.loads((run / "summary.json").read_text())
    return document


@pytest.fixture(scope="module")
def results(run: Path) -> Results:
    return Results.of(summarize_run(run), load_run_info(run).base_parameters)


def test_a_point_differs_from_the_same_point_on_the_first_server_by_what_was_dictated(summary: JsonObject) -> None:
    assert summary["varied"] == ["rate_per_s", "server"]
    for point in summary["points"]:
        found = point.get("against_first_server")
        if point["parameters"]["server"] == "before":
            assert found is None
            continue
        later = found["mean_difference_ms"]
        assert later["value"] == pytest.approx(LATER_MS, abs=0.3)
        assert later["ci95"][0] < later["value"] < later["ci95"][1]
        dearer = found["costs"]["server_cpu_us_per_event"]
        assert dearer["value"] == pytest.approx(DEARER_US, rel=0.1)
        assert dearer["blocks"] == 4
        assert ("adjusted_p_value" in dearer) == (point["parameters"]["rate_per_s"] == 10), "claimed of base points"


def test_the_verdict_compares_the_servers(summary: JsonObject) -> None:
    assert " more server CPU per event than before, with latencies up to 3" in summary["verdict"]
    assert len(summary["verdict"].split()) <= 35
    lines = [line for line in summary["verdict_lines"] if " on after against before: " in line]
    assert [line.split(" on ")[0] for line in lines] == ["WebSocket", "Short poll, "[:-2]]
    assert all("µs of server CPU per event (" in line and " more: " in line for line in lines)


def test_tables_have_the_server_as_a_column(results: Results) -> None:
    assert results.servers == ["before", "after"]
    for table in (main_table(results), parts_table(results)):
        assert table.columns[:2] == ("Transport", "server")
        assert [str(row[1]) for row in table.rows] == ["before", "after"] * 2
    against = server_table(results)
    assert against is not None
    assert [(str(row[0]), str(row[1])) for row in against.rows] == [("WebSocket", "after"), ("Short poll", "after")]
    assert effect_table(results) is None, "a server is no option of one"
    assert [table.title for table in sweep_tables(results)] == ["Event rate: all else as at the base point"]
    assert "server before" in results.conditions()


def test_the_terminal_shows_each_server_and_its_differences_uncut(run: Path) -> None:
    said = (run.parent / "said").read_text()
    at_base, differences = said.split("Each server less before, in the same blocks")
    assert "server before" not in at_base.rpartition("At the base point: ")[2], "the table has those of all servers"
    assert [line.split("│")[2].strip() for line in at_base.splitlines() if "│" in line] == ["before", "after"] * 2
    assert [line.split("│")[2].strip() for line in differences.splitlines() if "│" in line] == ["after", "after"]
    assert "…" not in at_base.rpartition("┏")[2] + differences


def test_a_chart_has_each_transport_on_each_server(run: Path, results: Results) -> None:
    material = ChartMaterial(load_run_info(run))
    charts = {chart.name: chart for chart in draw_charts(results.with_latency(), material.base_trials(), [])}
    caption = charts["servers"].caption
    for name in ("WebSocket", "Short poll"):
        assert f"{name} " in caption
    assert caption.count(" on before and ") == caption.count(" on after") == 2 * len(TRANSPORTS)
    assert "factors" not in charts


def test_the_report_names_the_servers(run: Path) -> None:
    text = (run / "report.md").read_text()
    assert "measured on each of these servers" in text
    assert "before (the fastapi stack) and after (the fastapi stack)" in text


def test_servers_of_one_run_are_compared_in_pairs(run: Path, tmp_path: Path) -> None:
    done = in_process("analysis", "compare", run, "", "", "", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert f"A: {run.name}-before; B: {run.name}-after" in done.stdout
    assert "Runs follow each other" not in done.stdout
    assert "The servers were measured in turn" in " ".join(done.stdout.split())
    document = json.loads((tmp_path / "out" / "comparison.json").read_text())
    [other] = document["runs"]
    assert other["unlike"] == []
    [cpu] = [figure for figure in other["figures"] if figure["figure"] == "server_cpu_us_per_event"]
    assert len(cpu["rows"]) == 4 + 2, "four points, and a geometric mean of each transport"
    assert {row["outcome"] for row in cpu["rows"]} == {"worse"}
    assert all(row["paired"] for row in cpu["rows"])
    assert f"{run.name}-after" in (tmp_path / "out" / "compare.md").read_text()


def test_servers_of_an_invalid_run_are_compared_where_that_is_forced(run: Path, tmp_path: Path) -> None:
    invalid = renamed(run, tmp_path / "invalid")
    summary = json.loads((invalid / "summary.json").read_text())
    (invalid / "summary.json").write_text(json.dumps({**summary, "valid": False, "verdict": "INVALID: lost events."}))
    told = refused("analysis", "compare", invalid)
    assert told == f"error: {invalid}: INVALID: lost events (expected a valid run, or FORCE=1)\n"
    assert in_process("analysis", "compare", "--force", invalid, "--out", tmp_path / "out").returncode == 0


def test_a_run_of_one_server_has_nothing_to_compare_with(tmp_path: Path) -> None:
    alone = fabricate_run(tmp_path / "run", Fabrication(TRANSPORTS, (), (), blocks=2))
    with unrendered():
        in_process("analysis", "report", alone)
    told = refused("analysis", "compare", alone, "", "")
    assert "B: no run was named, and" in told
    assert "has no two servers to compare (expected B=results/…)" in told
    budget = 'figure = "latency_ms.p50"\nserver = "after"\nat_most = 40'
    told = refused("analysis", "gate", alone, *_budget(tmp_path, budget))
    assert "is a run of one server (expected no such key)" in told


def _budget(folder: Path, *budgets: str) -> tuple[str | Path, ...]:
    path = folder / "budget.toml"
    path.write_text("\n".join(f"[[budget]]\n{budget}" for budget in budgets))
    return "--budget", path


CPU = 'figure = "server_cpu_us_per_event"\n'


@pytest.mark.parametrize(
    ("budget", "status", "judged"),
    [
        ('server = "after"\nover_base_at_most = "5 %"', 1, 2),
        ('over_base_at_most = "5 %"', 1, 2),
        ('over_base_at_most = "900 %"', 0, 2),
        ('server = "before"\nat_most = 1e9', 0, 2),
        ('at_most = 1e9', 0, 4),
        ('transport = "websocket"\nat = {rate_per_s = 5}\nat_most = 1e9', 0, 2),
    ],
)  # fmt: skip
def test_a_budget_is_held_against_servers(budget: str, status: int, judged: int, run: Path, tmp_path: Path) -> None:
    done = in_process("analysis", "gate", run, *_budget(tmp_path, CPU + budget))
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stdout.count(", server ") == judged


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ('server = "afte"\nat_most = 1', "no server 'afte' (did you mean after?)"),
        ("server = 1\nat_most = 1", 'server: expected a name, such as "after", not 1'),
        ('server = "before"\nover_base_at_most = "5 %"', "over_base_at_most is over before, the first server"),
    ],
)
def test_a_budget_of_a_server_that_cannot_be_judged_is_refused(
    budget: str, said: str, run: Path, tmp_path: Path
) -> None:
    assert said in refused("analysis", "gate", run, *_budget(tmp_path, CPU + budget))


def test_a_base_run_has_the_same_servers(run: Path, tmp_path: Path) -> None:
    same = ("--base", run)
    budget = _budget(tmp_path, CPU + 'over_base_at_most = "5 %"')
    done = in_process("analysis", "gate", run, *budget, *same)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(", server ") == 4, "each server against itself in the base"


def renamed(run: Path, folder: Path, **names: str) -> Path:
    """A copy of the run, without its raw records, whose servers have other names."""
    folder.mkdir()
    for document in ("run.json", "summary.json"):
        text = (run / document).read_text()
        for name, other in names.items():
            text = text.replace(f'"{name}"', f'"{other}"')
        (folder / document).write_text(text)
    return folder


def test_runs_whose_servers_have_other_names_have_no_point_in_common(run: Path, tmp_path: Path) -> None:
    other = renamed(run, tmp_path / "other", before="old", after="new")
    told = refused("analysis", "compare", "--force", run, other)
    assert "no point in common: the servers of the first are before, after, of the second old, new (expected" in told
    budget = _budget(tmp_path, CPU + 'over_base_at_most = "5 %"')
    told = refused("analysis", "gate", "--force", run, *budget, "--base", other)
    assert "no point in common: the servers of the first are old, new, of the second before, after (expected" in told


def test_runs_that_share_one_server_are_compared_by_it(run: Path, tmp_path: Path) -> None:
    other = renamed(run, tmp_path / "other", after="new")
    done = in_process("analysis", "compare", run, other)
    assert done.returncode == 2
    assert "unlike: scenario.servers.after: A has {'stack': 'fastapi'}, B has nothing" in done.stderr
    done = in_process("analysis", "compare", "--force", run, other, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "note: 8 points in one run only, not compared" in done.stdout
    [cpu] = [
        figure
        for figure in json.loads((tmp_path / "out" / "comparison.json").read_text())["runs"][0]["figures"]
        if figure["figure"] == "server_cpu_us_per_event"
    ]
    points = [row["point"] for row in cpu["rows"] if not row["geometric_mean"]]
    assert len(points) == 4
    assert all("server before" in point for point in points)
    for server, status in (("before", 0), ("after", 2)):
        budget = _budget(tmp_path, f'{CPU}server = "{server}"\nover_base_at_most = "5 %"')
        done = in_process("analysis", "gate", "--force", run, *budget, "--base", other)
        assert done.returncode == status, done.stdout + done.stderr
    assert "has no server after (expected it in BASE too)" in done.stderr


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose second server has one of the two transports only."""
    folder = fabricate_run(tmp_path_factory.mktemp("uneven") / "run", FABRICATION)
    document = json.loads((folder / "run.json").read_text())
    document["scenario"]["servers"]["after"]["transports"] = ["websocket"]
    kept = [
        planned
        for planned in document["plan"]
        if (planned["transport"], planned["parameters"]["server"]) != ("short_poll", "after")
    ]
    for index in {planned["index"] for planned in document["plan"]} - {planned["index"] for planned in kept}:
        shutil.rmtree(next(folder.glob(f"trials/{index:03d}-*")))
    (folder / "run.json").write_text(json.dumps({**document, "plan": kept}))
    with unrendered():
        assert in_process("analysis", "report", folder).returncode in REPORTED
    return folder


def test_a_server_with_fewer_transports_is_compared_and_budgeted_by_those(uneven: Path, tmp_path: Path) -> None:
    done = in_process("analysis", "compare", uneven, "", "", "", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "note: 2 points in one run only, not compared" in done.stdout
    [other] = json.loads((tmp_path / "out" / "comparison.json").read_text())["runs"]
    assert {row["transport"] for figure in other["figures"] for row in figure["rows"]} == {"websocket"}
    done = in_process("analysis", "gate", uneven, *_budget(tmp_path, CPU + 'over_base_at_most = "900 %"'))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(", server after") == 1
    told = refused(
        "analysis", "gate", uneven, *_budget(tmp_path, f'{CPU}transport = "short_poll"\nover_base_at_most = "900 %"')
    )
    assert "over_base_at_most is over before, the first server" in told


def test_each_export_tells_servers_apart(uneven: Path, tmp_path: Path) -> None:
    files = {}
    for name in FORMATS:
        files[name] = tmp_path / name
        done = in_process("analysis", "export", uneven, "--format", name, "--out", files[name])
        assert done.returncode == 0, done.stderr
    points = [("websocket", "before"), ("websocket", "after"), ("short_poll", "before")]
    with files["csv"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["transport"], row["server"]) for row in rows} == set(points)
    benchmarks = json.loads(files["bencher"].read_text())
    assert len(benchmarks) == len(rows) == 2 * len(points)
    for transport, server in points:
        assert any(name.startswith(f"{transport} ") and f"server={server}" in name for name in benchmarks)
        tag = f"Tag={transport};"
        assert any(
            line.startswith(tag) and f"server={server}" in line
            for line in files["hdrhistogram"].read_text().splitlines()
        )
    for name, mark in (("jsonl", '"server": "after"'), ("openmetrics", 'server="after"'), ("junit", "server=after")):
        assert mark in files[name].read_text()
    for name in ("parquet", "parquet-requests"):
        columns = pq.read_table(files[name], columns=["transport", "server"]).to_pydict()
        assert set(zip(columns["transport"], columns["server"], strict=True)) == set(points)
