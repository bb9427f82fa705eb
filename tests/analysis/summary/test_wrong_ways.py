"""What a careless comparison reports is computed from the same records, and stands beside what is true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analysis.report.tables import Table
from analysis.report.wrong_way_tables import wrong_way_tables
from analysis.summary.pairing import PerBlock
from analysis.summary.wrong_ways import misranked
from contract.parameters import Parameters
from contract.records import JsonObject
from contract.summary import Point
from tests import fabricate
from tests.analysis import made_summary as made
from tests.runs import report_in_words

WRONG = "One thing is measured and another said; say what was measured."
AS_REPORTED = {
    "answer_ms": {"mean": 51.0, "p50": 50.0, "p95": 60.0},
    "answer_model_mean_ms": 50.0,
    "one_run_ms": {"mean": [40.0, 60.0], "p50": [30.0, 70.0], "p95": [80.0, 90.0]},
    "one_run_model_ms": {"mean": [41.0, 61.0], "p50": [31.0, 71.0], "p95": [81.0, 91.0]},
    "misranked": {"blocks": 7, "mean": 1, "p50": 2, "p95": 3},
}


def tables(*choices: JsonObject, wrong_way: str | None = WRONG) -> list[Table]:
    varied = list(dict.fromkeys(name for choice in choices for name in choice))
    losses = {"ratio": 0.25, "model_ratio": 0.26, "closed_form_ratio": None}
    points = [made.point("websocket", 25.0, 0.0)]
    for choice in choices:
        point = made.point("short_poll", 525.0, 1.0)
        points.append({**point, "loss": losses, "as_reported": AS_REPORTED})
        points[-1]["parameters"].update(choice)
    summary = made.summary(points, varied, wrong_way=wrong_way)
    return wrong_way_tables(made.results(summary, Parameters.of(made.parameters("short_poll"))))


def cells(table: Table) -> list[list[str]]:
    return [[str(cell) for cell in row] for row in table.rows]


def test_a_run_that_is_not_wrong_on_purpose_has_no_such_table() -> None:
    assert tables({"cursor": False}, wrong_way=None) == []


def test_lost_events_stand_beside_the_failures_that_there_were_not() -> None:
    [table] = tables({"cursor": False})
    [row] = cells(table)
    assert row[0] == "Short poll, cursor off"
    assert row[1:] == ["0", "525", "25.0 %", "26.0 %", "—"]


def test_the_time_a_request_took_stands_beside_staleness() -> None:
    [table] = tables({"pacing": "pause"})
    [row] = cells(table)
    assert row[:4] == ["Short poll, paced by pause", "51.0", "50.0", "60.0"]
    assert row[-2:] == ["−484", "−475"]


@pytest.mark.parametrize("choice", [{"phase": "locked"}, {"clients": 10}])
def test_what_single_runs_say_stands_beside_what_all_say(choice: JsonObject) -> None:
    [table] = tables(choice)
    row = cells(table)[-1]
    assert row[1:3] == ["30.0 to 70.0", "31.0 to 71.0"]
    assert row[-2:] == ["2 of 7", "3 of 7"]


def test_runs_that_rank_the_other_way_round_are_counted() -> None:
    def blocks(*values_ms: float) -> PerBlock:
        return PerBlock({i: dict.fromkeys(("mean", "p50", "p95"), value) for i, value in enumerate(values_ms)})

    def point(value_ms: float | None) -> Point:
        entry = made.point("websocket", 25.0, 0.0)
        entry["latency_ms"] |= dict.fromkeys(("mean", "p50", "p95"), value_ms)
        return made.typed(entry)

    ours, theirs = blocks(30.0, 20.0, 31.0, 99.0), blocks(25.0, 25.0, 25.0)
    assert misranked(point(28.0), ours, point(25.0), theirs) == {"blocks": 3, "mean": 1, "p50": 1, "p95": 1}
    assert misranked(point(22.0), ours, point(25.0), theirs)["p50"] == 2
    assert misranked(point(None), ours, point(25.0), theirs)["p50"] is None


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    quick = fabricate.Fabrication(
        transports=("long_poll", "short_poll"), intervals_s=(), rates_per_s=(), clients=2, measured_s=1.5, blocks=3
    )
    folder = fabricate.fabricate_run(tmp_path_factory.mktemp("results") / "run", quick)
    document = json.loads((folder / "run.json").read_text())
    document["scenario"]["wrong_way"] = WRONG
    document["reference"] = "long_poll"
    (folder / "run.json").write_text(json.dumps(document))
    report_in_words(folder)
    return folder


def test_the_summary_has_what_each_run_alone_says(run: Path) -> None:
    summary: dict[str, Any] = json.loads((run / "summary.json").read_text())
    assert (summary["wrong_way"], summary["verdict"]) == (WRONG, f"WRONG WAY on purpose: {WRONG}")
    long_poll, short_poll = summary["points"]
    for point in (long_poll, short_poll):
        lowest, highest = point["as_reported"]["one_run_ms"]["p50"]
        assert lowest <= point["latency_ms"]["p50"] <= highest
        assert point["loss"] == {"ratio": 0, "model_ratio": 0, "closed_form_ratio": 0}
    assert short_poll["as_reported"]["answer_ms"]["p50"] == pytest.approx(50, abs=1)
    assert short_poll["as_reported"]["answer_model_mean_ms"] == 50
    assert short_poll["as_reported"]["misranked"]["blocks"] == 3
    assert "misranked" not in long_poll["as_reported"]


@pytest.mark.parametrize("name", ["report.html", "report.md"])
def test_the_report_says_so_first_and_shows_both(run: Path, name: str) -> None:
    text = (run / name).read_text()
    assert text.index(f"WRONG WAY on purpose: {WRONG}") < text.index("What the wrong way says, and what is true")
    assert text.index("What each run alone would have claimed") < text.index("At the base point")
    assert ('role="alert"' in text) == (name == "report.html")


def test_the_report_of_any_other_run_says_nothing_of_it(tmp_path: Path) -> None:
    folder = fabricate.fabricate_run(tmp_path / "run")
    report_in_words(folder)
    assert "as_reported" not in (folder / "summary.json").read_text()
    assert "wrong way" not in (folder / "report.md").read_text().lower()
