"""The report says first what matters, invents nothing, and stands on its own."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analysis.command_line import main
from analysis.report.narrative import completeness
from analysis.report.render import PROJECT_FOLDER, rerun_commands, verdict_line
from analysis.report.tables import main_table, parts_table, sweep_tables
from contract.records import (
    SCENARIO_FILE,
    JsonObject,
    RequestKind,
    finished_trial_folders,
    load_run_info,
    write_run_info,
)
from contract.summary import Summary
from tests import fabricate
from tests.analysis import made_summary as made
from tests.fabricate_trial import Faults
from tests.runs import report_in_words

QUICK = fabricate.Fabrication(intervals_s=(0.5,), rates_per_s=(), clients=3, measured_s=1.5, warm_up_s=0.2, blocks=2)
KEYS = Path(__file__).resolve().parents[3] / "docs" / "using" / "summary.md"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = fabricate.fabricate_run(tmp_path_factory.mktemp("results") / "run", QUICK)
    assert main(["report", str(folder)]) == 0
    return folder


class Page(HTMLParser):
    """What a browser would fetch, and the ids and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset"):
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")
        if ("http-equiv", "Content-Security-Policy") in attrs:
            self.policy = dict(attrs)["content"] or ""


def page_of(run: Path) -> Page:
    page = Page()
    page.feed((run / "report.html").read_text(encoding="utf-8"))
    return page


def test_how_to_rerun_names_what_works(run: Path, tmp_path: Path) -> None:
    info = load_run_info(run)
    assert rerun_commands(info, run).startswith("make bench SCENARIO=fabricated SEED=1\n"), (
        "no copy was kept in earlier runs"
    )
    own = tmp_path / "with a space"
    own.mkdir()
    (own / SCENARIO_FILE).touch()
    assert rerun_commands(info, own) == f"make bench SCENARIO='{own}/scenario.toml' SEED=1\nmake report RUN='{own}'"
    shipped = dataclasses.replace(info, asked={"SCENARIO": "quick", "FAULT": "drop:seq=1 drop:seq=2"})
    asked = "make bench SCENARIO=quick FAULT='drop:seq=1 drop:seq=2' SEED=1\n"
    assert rerun_commands(shipped, own).startswith(asked)
    reference = PROJECT_FOLDER / "results" / "reference"
    assert rerun_commands(info, reference).endswith("\nmake report RUN=results/reference")


def test_the_report_of_a_standard_run_is_below_a_megabyte() -> None:
    assert (PROJECT_FOLDER / "results" / "reference" / "report.html").stat().st_size < 1_000_000


@pytest.mark.parametrize(
    ("asked", "origin"), [({}, "It was drawn for this run."), ({"SEED": "7"}, "It was given, not drawn: ")]
)
def test_the_report_has_the_seed_and_where_it_came_from(tmp_path: Path, asked: dict[str, str], origin: str) -> None:
    folder = fabricate.fabricate_run(tmp_path / "run", QUICK)
    write_run_info(folder, dataclasses.replace(load_run_info(folder), seed=7, asked=asked))
    report_in_words(folder)
    for name in ("report.md", "report.html"):
        text = (folder / name).read_text(encoding="utf-8")
        assert "Seed 7; repeat with SEED=7 " in text
        assert origin in text
        assert "SEED=7\nmake report RUN=" in text


def test_the_report_has_the_commit_where_it_is_known(tmp_path: Path) -> None:
    folder = fabricate.fabricate_run(tmp_path / "run", QUICK)
    write_run_info(folder, dataclasses.replace(load_run_info(folder), checkout={"commit": "12ab", "clean": False}))
    report_in_words(folder)
    for name in ("report.md", "report.html"):
        assert "12ab, with changes that are not in it" in (folder / name).read_text(encoding="utf-8")


def test_the_page_fetches_nothing_and_runs_nothing_but_its_one_script(run: Path) -> None:
    page, text = page_of(run), (run / "report.html").read_text(encoding="utf-8")
    assert all(link.startswith("#") for link in page.links)
    assert "@import" not in text
    [script] = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert page.tags.count("script") == 1
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in page.policy
    assert page.policy.startswith("default-src 'none';")


def test_points_figures_charts_tables_and_terms_have_addresses(run: Path) -> None:
    page = page_of(run)
    assert {
        "at-the-base-point", "poll-interval", "chart-hero", "chart-residuals", "point-websocket",
        "point-websocket.p95-ms", "point-short_poll-poll_interval_s-0.5",
        "point-short_poll-poll_interval_s-0.5.server-cpu-us-per-event", "term-latency", "glossary",
    } <= set(page.ids)  # fmt: skip
    for linked in ("#at-the-base-point", "#chart-hero", "#point-short_poll", "#term-quantile", "#term-cpu-per-event"):
        assert linked in page.links


def test_ids_are_unique_and_every_reference_has_its_target(run: Path) -> None:
    page = page_of(run)
    assert len(page.ids) == len(set(page.ids))
    references = {link[1:] for link in page.links}
    references |= set(re.findall(r"url\(#([^)]+)\)", (run / "report.html").read_text(encoding="utf-8")))
    assert references <= set(page.ids)


def test_every_chart_is_in_page_and_markdown_in_light_and_dark(run: Path) -> None:
    names = {path.stem for path in (run / "charts").glob("*.png")}
    assert {"hero", "lanes", "distribution", "freshness", "timeline", "bytes", "cpu", "model", "residuals"} == names
    markdown = (run / "report.md").read_text(encoding="utf-8")
    for name in names:
        assert (run / "charts" / f"{name}.svg").is_file()
        assert (run / "charts" / f"{name}-dark.svg").is_file()
        assert f"charts/{name}.svg" in markdown
    assert page_of(run).tags.count("figure") == len(names)


def test_the_verdict_stands_before_everything_else(run: Path) -> None:
    verdict = json.loads((run / "summary.json").read_text(encoding="utf-8"))["verdict"]
    lines = [line for line in (run / "report.md").read_text(encoding="utf-8").splitlines() if line]
    assert lines[1] == verdict


def test_a_report_shows_before_it_tells(run: Path) -> None:
    """Headline, pictures, the table of the base point, then the verdict's lines, and only then the long tables."""
    said = json.loads((run / "summary.json").read_text(encoding="utf-8"))["verdict_lines"]
    assert len(said) > 3
    for name, where in (
        ("report.md", ("charts/hero.svg", "charts/lanes.svg", "### At the base point", *said, "## What was measured")),
        (
            "report.html",
            ("<figure", "At the base point: ", '<ul class="verdict-lines">', ">What was measured"),
        ),
    ):
        text = (run / name).read_text(encoding="utf-8")
        places = [text.index(each) for each in where]
        assert places == sorted(places), name


def test_the_same_records_give_the_same_report(run: Path) -> None:
    files = [run / "summary.json", run / "report.html", run / "report.md", *sorted((run / "charts").iterdir())]
    before = [path.read_bytes() for path in files]
    assert main(["report", str(run)]) == 0
    assert [path.read_bytes() for path in files] == before


def test_an_invalid_run_says_so_first_on_page_and_terminal(tmp_path: Path) -> None:
    fabrication = fabricate.Fabrication(
        transports=("websocket",), intervals_s=(), rates_per_s=(), clients=2, measured_s=1.0, blocks=1
    )
    lossy = Faults(drop=frozenset({(0, 12)}))
    folder = fabricate.fabricate_run(tmp_path / "run", fabrication, {0: lossy})
    assert report_in_words(folder).startswith("INVALID")
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    assert markdown.splitlines()[2].startswith("**INVALID")
    assert 'role="alert"' in (folder / "report.html").read_text(encoding="utf-8")


def test_an_interrupted_run_says_how_far_it_came(tmp_path: Path) -> None:
    folder = fabricate.fabricate_run(tmp_path / "run", QUICK)
    for unfinished in finished_trial_folders(folder)[4:]:
        (unfinished / "trial.json").unlink()
    assert report_in_words(folder).startswith("This run was interrupted: it finished 4 of 10 trials, and only those")
    assert "finished 4 of 10 trials" in (folder / "report.html").read_text(encoding="utf-8")


def test_a_complete_run_does_not_speak_of_interruption() -> None:
    assert completeness(Summary.parse(made.standard())) is None


@pytest.mark.parametrize(
    ("valid", "verdict", "line"),
    [
        (True, "WebSocket is faster.", "WebSocket is faster."),
        (False, "INVALID: an event was lost.", "INVALID: an event was lost."),
        (False, "An event was lost.", "INVALID: An event was lost."),
    ],
)
def test_no_verdict_of_an_invalid_run_goes_unmarked(valid: bool, verdict: str, line: str) -> None:
    assert verdict_line(Summary.parse({**made.standard(), "valid": valid, "verdict": verdict})) == line


def row_of(summary: JsonObject, label: str) -> dict[str, str]:
    table = main_table(made.results(summary, made.BASE))
    cells = next(row for row in table.rows if row[0].text == label)
    return {name: cell.text for name, cell in zip(table.columns, cells, strict=True)}


def test_what_was_not_measured_is_a_dash_never_a_zero() -> None:
    summary = made.standard()
    for point in summary["points"]:
        point["server_cpu_us_per_event"] = None
        point["parts_ms"]["client_delay"] = {"mean": None, "p50": None, "p99": None}
    row = row_of(summary, "Short poll")
    assert row["server CPU µs per event"] == "—"
    assert row["requests per event"] == "0.200"
    table = parts_table(made.results(summary, made.BASE))
    assert table.has_gaps
    assert {row[table.columns.index("client delay p50 / p99 ms")].text for row in table.rows} == {"—"}


def test_a_measured_zero_is_a_zero() -> None:
    assert row_of(made.standard(), "WebSocket")["requests per event"] == "0"
    assert row_of(made.standard(), "WebSocket")["lost"] == "0"


def test_differences_are_signed_and_the_reference_is_named() -> None:
    row = row_of(made.standard(), "Short poll")
    assert row["p50 against WebSocket"].startswith("+500 ms (×")
    assert row_of(made.standard(), "WebSocket")["p50 against WebSocket"] == "reference"


def test_each_sweep_has_a_table_with_all_its_values() -> None:
    interval, rate = sweep_tables(made.results(made.standard(), made.BASE))
    assert [row[0].text for row in interval.rows] == [
        f"Short poll, every {interval_s} s" for interval_s in ("0.1", "0.25", "1", "2.5", "5")
    ]
    assert len(rate.rows) == 4 * 3


def test_a_point_that_is_not_valid_is_marked_in_its_row() -> None:
    summary = made.standard()
    summary["points"][0]["valid"] = False
    table = main_table(made.results(summary, made.BASE))
    assert [row[0].small for row in table.rows] == ["INVALID", "", "", ""]


def test_the_formats_explain_every_key_of_a_summary(run: Path) -> None:
    explained = set(re.findall(r"`([a-z0-9_]+)`", KEYS.read_text(encoding="utf-8")))
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    keys = set(summary) | {key for point in summary["points"] for key in point}
    for nested in ("ledger", "requests", "bytes_split_per_event", "model", "residual_ms", "parts_ms", "stamps"):
        keys |= {key for point in summary["points"] for key in point[nested]}
    assert {key for key in keys - explained if key.removesuffix("_ci95") not in explained} == set()


def test_the_method_names_the_conditions_of_this_run(run: Path) -> None:
    markdown = (run / "report.md").read_text(encoding="utf-8")
    assert "to 3 clients" in markdown
    assert "delayed each direction by 25 ms" in markdown
    assert "10 trials of 10 planned, in 2 blocks" in markdown
    assert RequestKind.POLL.name not in markdown


def test_a_report_about_a_server_that_already_ran_tells_nothing_of_its_versions_or_processes(
    run: Path, tmp_path: Path
) -> None:
    fabrication = dataclasses.replace(QUICK, transports=("websocket", "sse"), target="http://127.0.0.1:9999")
    folder = fabricate.fabricate_run(tmp_path / "run", fabrication)
    report_in_words(folder)
    for name in ("report.md", "report.html"):
        of_target, of_own = ((f / name).read_text(encoding="utf-8") for f in (folder, run))
        assert "fresh processes of the load; the server ran on from trial to trial." in of_target
        assert "Machine and versions are those of the load. Of the server at" in of_target
        assert "of the load; the server" not in of_own
        assert "with fresh processes." in of_own
        assert "Machine and versions are those of the load" not in of_own


@pytest.mark.parametrize(
    ("description", "shown"),
    [("Two against three", "three. Measured"), ("Is it so?", "so? Measured"), ("", "Measured")],
)
def test_a_description_does_not_run_into_the_next_sentence(tmp_path: Path, description: str, shown: str) -> None:
    folder = fabricate.fabricate_run(tmp_path / "run", dataclasses.replace(QUICK, transports=("websocket",)))
    info = load_run_info(folder)
    write_run_info(folder, dataclasses.replace(info, scenario={**info.scenario, "description": description}))
    report_in_words(folder)
    said = (folder / "report.md").read_text(encoding="utf-8")
    assert f"{shown} " in said
    assert ". Measured" not in said or description == "Two against three"
