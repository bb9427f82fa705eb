"""The types of summary.json hold what runs write, and say what is wrong with anything else."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.command_line import main
from analysis.summarize import write_summary
from contract.errors import UserError
from contract.records import SUMMARY_FILE, as_document
from contract.summary import Summary, load_summary
from system.processes import PROJECT_FOLDER
from tests.fabricate import ECHO, SMALL, Fabrication, fabricate_run
from tests.made_parameters import BASE
from tests.runs import summarized

ECHOES = Fabrication(transports=ECHO, rates_per_s=())
REFERENCE = PROJECT_FOLDER / "results" / "reference"


@pytest.fixture(scope="module", params=["broadcast", "echo"])
def document(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    # A scenario may state its numbers whole, as the shipped ones do.
    made = replace(SMALL, one_way_delay_ms=25) if request.param == "broadcast" else ECHOES
    return summarized(fabricate_run(tmp_path_factory.mktemp("runs") / "run", made))


def test_a_summary_has_the_types_keys_and_order_and_no_others(document: dict[str, Any]) -> None:
    parsed = Summary.parse(document, whole=True)
    assert json.dumps(as_document(parsed)) == json.dumps(document)


def test_figures_are_attributes_and_keys(document: dict[str, Any]) -> None:
    point = Summary.parse(document).points[0]
    assert point.latency_ms.p50 == point["latency_ms"]["p50"] == document["points"][0]["latency_ms"]["p50"]
    assert point.parameters.clients == document["points"][0]["parameters"]["clients"]
    assert "as_reported" not in point, "a key that the file leaves out"


def test_a_key_that_no_type_has_is_not_written(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="colour"):
        Summary.parse({**document, "colour": 1}, whole=True)
    assert Summary.parse({**document, "colour": 1}).scenario == document["scenario"], "a later version may have more"


def test_the_published_run_has_a_summary_of_these_types() -> None:
    assert load_summary(REFERENCE).scenario == "standard"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("trials", "three", "points.0.trials: Input should be a valid integer, not 'three'"),
        ("ledger", {}, "points.0.ledger.expected: Field required$"),
        ("stamps", None, "points.0.stamps: "),
        ("latency_stamp", "guess", "points.0.latency_stamp: Input should be 'kernel' or 'user'"),
        ("throttled_ms", 1e300, "points.0.throttled_ms: Input should be less than or equal to 1000000000000000"),
        ("parameters", {**BASE, "rate_per_s": "x"}, "points.0.parameters: rate_per_s: expected a number from 0.01 to"),
        ("parameters", {}, "points.0.parameters: lacks clients"),
    ],
)
def test_a_summary_that_does_not_fit_is_one_sentence(tmp_path: Path, key: str, value: object, said: str) -> None:
    run = fabricate_run(tmp_path / "run", SMALL)
    write_summary(run)
    found = json.loads((run / SUMMARY_FILE).read_text())
    found["points"][0][key] = value
    (run / SUMMARY_FILE).write_text(json.dumps(found))
    with pytest.raises(UserError, match=re.escape(f"{SUMMARY_FILE}: {said}").replace(r"\$", "$")):
        load_summary(run)
    assert main(["compare", str(run), str(run)]) == 2


@pytest.mark.parametrize("points", [None, 5, [None], [5]])
def test_points_that_are_none_are_one_sentence(tmp_path: Path, points: object) -> None:
    run = fabricate_run(tmp_path / "run", SMALL)
    write_summary(run)
    found = json.loads((run / SUMMARY_FILE).read_text())
    (run / SUMMARY_FILE).write_text(json.dumps({**found, "points": points}))
    with pytest.raises(UserError, match=r"summary\.json: points"):
        load_summary(run)
    assert main(["compare", str(run), str(run)]) == 2


def test_the_schema_has_the_bounds_of_figures_and_parameters() -> None:
    point = Summary.schema()["$defs"]["Point"]["properties"]
    assert (point["throttled_ms"]["minimum"], point["throttled_ms"]["maximum"]) == (-1e15, 1e15)
    assert point["trials"]["minimum"] == 0
    stated = point["parameters"]["properties"]
    assert (stated["clients"]["type"], stated["clients"]["maximum"]) == ("integer", 100_000)
    assert stated["stack"]["enum"] == ["fastapi", "asgi"]
    assert stated["keep_alive"]["type"] == "boolean"


@pytest.mark.parametrize(("command", "path"), [("schema", "summary.schema.json"), ("keys", "using/summary.md")])
def test_the_committed_schema_and_document_are_current(
    command: str, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command]) == 0
    committed = (PROJECT_FOLDER / "docs" / path).read_text(encoding="utf-8")
    assert capsys.readouterr().out == committed, f"run: .venv/bin/python -m analysis {command} > docs/{path}"


def test_the_document_has_an_interval_in_the_row_of_its_figure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys"]) == 0
    document = capsys.readouterr().out
    assert "| `requests_per_event`, `requests_per_event_ci95` | number or null | Polls and POSTs sent" in document
    assert "| `p999`, `p999_ci95` (may be absent) |" in document
    # What is no interval of one figure keeps its row.
    assert "\n| `bytes_per_event_ci95` | [BytesIntervals]" in document
    assert "\n| `ci95` | `[low, high]` or null |" in document
