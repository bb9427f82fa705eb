"""Rows, ratios and tables from made measurements."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from benchmarks.peers import publish
from benchmarks.peers.measurement import Measurement
from benchmarks.peers.run import fresh_folder
from benchmarks.peers.summary import Entrant, Failure, read_summary, rows, write_summary
from benchmarks.peers.table import cells, headings, markdown, show, versions
from benchmarks.peers.tool import ToolDescription
from benchmarks.peers.workloads import WORKS, WorkName
from contract.errors import UserError
from contract.records import JsonObject
from terminal.console import PlainConsole
from tests.damaged_documents import HOSTILE, change_field, changed_field

BLIND = ToolDescription("as it comes", "from here to there", ("this", "that"))
BLINDER = ToolDescription("as it comes", "from here to there", ("this: it has no eyes",))


def made(tool: str, work: WorkName, cpu_us: float, *, block: int = 0, p50_ms: float | None = 5.0) -> Measurement:
    """A trial of a tool that did a thousand units at so much each."""
    return Measurement(
        tool=tool, work=work, block=block, window_s=2.0, cpu_ns=round(cpu_us * 1000 * 1000), units=1000,
        counted=None if tool == "blind" else 1500, expected=1500, reported_p50_ms=p50_ms, reported_mean_ms=6.0,
        kernel_ms=(1.0, 2.0, 3.0), staleness_p50_ms=None,
    )  # fmt: skip


ENTRANTS = [
    Entrant("other", "websocket", "2.0", BLINDER),
    Entrant("blind", "websocket", "3.0", BLIND),
    Entrant("push-vs-poll", "websocket", "1.0", BLIND),
    Entrant("never ran", "poll", "4.0", BLIND),
    Entrant("other", "poll", "2.0", BLIND),
]
MEASUREMENTS = [
    made("push-vs-poll", "websocket", 9.0),
    made("push-vs-poll", "websocket", 11.0, block=1),
    made("other", "websocket", 40.0, p50_ms=7.0),
    made("other", "websocket", 40.0, block=1, p50_ms=9.0),
    made("blind", "websocket", 25.0, p50_ms=None),
    made("other", "poll", 400.0),
]


@pytest.fixture
def summary(tmp_path: Path) -> JsonObject:
    """As it is read back."""
    failed = [Failure("lame", "poll", 0, "it fell").as_json()]
    write_summary(tmp_path, {"rows": rows(ENTRANTS, MEASUREMENTS), "not_installed": ["absent"], "failed": failed})
    return read_summary(tmp_path)


def test_rows_are_ordered_by_work_and_cost_and_compared_with_the_harness(summary: JsonObject) -> None:
    told = [(row["work"], row["tool"], row["cpu_us_per_unit"], row["times_ours"]) for row in summary["rows"]]
    assert told == [
        ("websocket", "push-vs-poll", 10.0, 1.0),
        ("websocket", "blind", 25.0, 2.5),
        ("websocket", "other", 40.0, 4.0),
        ("poll", "other", 400.0, None),
    ]
    ours, blind, other, _ = summary["rows"]
    assert ours["cpu_us_per_unit_range"] == [9.0, 11.0]
    assert (ours["trials"], ours["units"], ours["units_per_s"], ours["cpu_ratio"]) == (2, 2000, 500.0, 0.005)
    assert other["reported_p50_ms"] == 8.0
    assert (blind["reported_p50_ms"], blind["counted"]) == (None, None)
    assert (ours["kernel_p50_ms"], ours["kernel_samples"]) == (2.0, 6)


def test_the_format_is_stated_and_another_one_refused(summary: JsonObject, tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    written = json.loads(path.read_text())
    assert (written["format"], written["version"]) == ("push-vs-poll/peers", 1)
    assert {name: written[name] for name in summary} == summary
    path.write_text(path.read_text().replace("push-vs-poll/peers", "push-vs-poll/run"))
    with pytest.raises(UserError, match="peers"):
        read_summary(tmp_path)


def test_tables_have_a_cell_per_heading_and_nothing_invented(summary: JsonObject) -> None:
    for row in summary["rows"]:
        assert len(cells(row)) == len(headings(WORKS[row["work"]]))
    text = markdown(summary)
    assert "| blind | 25.0 µs | 25.0–25.0 | 2.5 | mean 6.0 ms | 2.0 ms | 500 |" in text
    assert "| other | 400 µs | 400–400 | – | 5.0 ms | 2.0 ms | 500 |" in text
    assert "| this | push-vs-poll, blind; other (it has no eyes) |\n| that | push-vs-poll, blind |\n" in text
    assert versions(summary) == "Versions: push-vs-poll 1.0, blind 3.0, other 2.0."


@pytest.mark.parametrize("place", [("rows", 0, "tool"), ("rows", 1, "version"), ("rows", 1, "cannot_see", 0)])
def test_no_text_of_a_comparison_becomes_markup(
    summary: JsonObject, tmp_path: Path, place: tuple[str | int, ...]
) -> None:
    before = elements(markdown(summary))
    change_field(tmp_path / "summary.json", place, HOSTILE)
    assert elements(markdown(read_summary(tmp_path))) <= before


def elements(document: str) -> set[str]:
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(document)
    kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()}
    return kinds - {"text_special"}


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_field_of_a_comparison_is_a_table_or_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], data: st.DataObject
) -> None:
    results, document = tmp_path / "results", tmp_path / "peers.md"
    shutil.rmtree(results, ignore_errors=True)
    folder = results / "peers"
    folder.mkdir(parents=True)
    document.write_text(publish.BEGIN + publish.END)
    failed = [Failure("lame", "poll", 0, "it fell").as_json(), Failure("lamer", None, None, "it is lame").as_json()]
    fields = {"started_at": "2026-01-01T00:00:00+00:00", "not_installed": ["absent"], "failed": failed}
    write_summary(folder, {**fields, "rows": rows(ENTRANTS, MEASUREMENTS)})
    changed_field(data, folder / "summary.json")
    monkeypatch.setattr(publish, "DOCUMENT", document)
    monkeypatch.setattr(publish, "COMMITTED", tmp_path / "committed")
    capfd.readouterr()
    status = publish.main([str(folder)])
    printed = capfd.readouterr().err
    assert (status, printed.count("\n")) in ((0, 0), (2, 1)), printed
    if status == 0:
        published = document.read_text()
        assert publish.main([str(publish.COMMITTED)]) == 0
        assert document.read_text() == published, "the published comparison gives the same tables again"
        show(read_summary(folder), PlainConsole())
        assert not set("\x1b\x00\u202e") & set(document.read_text() + capfd.readouterr().out)
    fresh_folder(results, PlainConsole())
    assert list(folder.iterdir()) == [], "the earlier one is moved aside, whatever is in it"
