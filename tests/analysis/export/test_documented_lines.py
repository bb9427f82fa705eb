"""The lines of docs/using/export.md for DuckDB and pandas give the percentiles of the summary."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from analysis.export.formats import FORMATS
from contract.summary import load_summary
from system.processes import PROJECT_FOLDER
from tests import fabricate
from tests.runs import in_process

DOCUMENT = (PROJECT_FOLDER / "docs" / "using" / "export.md").read_text()


@pytest.fixture
def p95_ms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """The run's own figures; its deliveries are in the working directory."""
    plan = fabricate.Fabrication(
        transports=("websocket", "short_poll"), intervals_s=(), rates_per_s=(), clients=2, measured_s=30.0, blocks=1
    )
    run = fabricate.fabricate_run(tmp_path / "run", plan)
    assert in_process("analysis", "summary", run).returncode == 0
    out = tmp_path / "deliveries.parquet"
    assert in_process("analysis", "export", run, "--format", "parquet", "--out", out).returncode == 0
    monkeypatch.chdir(tmp_path)
    return {point["transport"]: point["latency_ms"]["p95"] for point in load_summary(run)["points"]}


def line_after(program: str) -> str:
    found = re.search(rf"^    # {program}\n    (.*)$", DOCUMENT, re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_line_for_duckdb(p95_ms: dict[str, float]) -> None:
    rows = import_module("duckdb").sql(line_after("DuckDB")).fetchall()
    assert dict(rows) == pytest.approx(p95_ms, rel=1e-2)


def test_the_line_for_pandas(p95_ms: dict[str, float]) -> None:
    series = eval(line_after("pandas"), {"pandas": import_module("pandas")})
    assert series.to_dict() == pytest.approx(p95_ms, rel=1e-2)


def test_every_format_is_explained() -> None:
    assert set(re.findall(r"^\| `([a-z-]+)` \|", DOCUMENT, re.MULTILINE)) == set(FORMATS)
    for each in FORMATS.values():
        assert each.package in DOCUMENT
