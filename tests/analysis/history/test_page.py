"""results/index.html: what it shows, of whatever lies in the folder, and by how many it is written at once."""

from __future__ import annotations

import fcntl
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from threading import Thread
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import command_line
from analysis.history.page import write_history
from analysis.history.trends import MOST_RUNS
from tests import fabricate
from tests.analysis import made_summary as made
from tests.analysis.history.made_runs import MACHINE, noise_floor, runs_with, with_medians, write_run
from tests.damaged_documents import changed_field
from tests.runs import in_process, report_in_words

HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(1)> \u202e\x1b[2J"


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def links(self) -> list[str]:
        return [own["href"] for tag, own in self.elements if tag == "a" and not own["href"].startswith("#")]

    @property
    def changes(self) -> int:
        return sum(own.get("class") == "change" for tag, own in self.elements if tag == "circle")

    @property
    def pictures(self) -> list[str]:
        return [own["aria-label"] for tag, own in self.elements if tag == "svg"]


def page_of(results: Path) -> Page:
    return Page(write_history(results))


def test_a_run_is_listed_with_verdict_validity_commit_and_a_link_to_its_report(tmp_path: Path) -> None:
    folder = write_run(tmp_path, 1, made.standard(), checkout={"commit": "0123456789abcdef", "clean": False})
    assert page_of(tmp_path).links == []
    (folder / "report.html").touch()
    page = page_of(tmp_path)
    assert page.links == [f"{folder.name}/report.html"]
    for shown in (folder.name, "valid", "0123456789+", "WebSocket delivers in 25.2 ms.", "2026-01-01 12:00"):
        assert shown in page.words


def test_a_change_is_ringed_and_told_with_what_was_new(tmp_path: Path) -> None:
    runs_with(tmp_path, [25.0, 25.1])
    write_run(
        tmp_path, 3, with_medians(31.0), checkout={"commit": "fedcba98", "clean": True}, versions={"python": "3.12"}
    )
    page = page_of(tmp_path)
    assert page.changes > 0
    assert "WebSocket: median of latency, ms 31.0, above 24.3 to 25.8" in page.words
    assert "New: commit unknown → fedcba98; python 3.11.0 → 3.12" in page.words
    assert any(
        label.startswith("WebSocket, median of latency, ms: 3 runs, 25.0 to 31.0, 1 change") for label in page.pictures
    )


def test_without_a_change_nothing_is_ringed_and_the_noise_floor_is_the_band(tmp_path: Path) -> None:
    runs_with(tmp_path, [25.0, 25.1, 25.2], noise_floor=noise_floor(3.0))
    page = page_of(tmp_path)
    assert page.changes == 0
    assert 'class="band"' in page.text


def test_what_cannot_be_read_is_listed_and_the_rest_is_whole(tmp_path: Path) -> None:
    whole = write_run(tmp_path, 1, made.standard())
    write_run(tmp_path, 2, None)
    damaged, unread = write_run(tmp_path, 3, None), write_run(tmp_path, 4, made.standard())
    (damaged / "summary.json").write_text('{"format": "push-')
    (unread / "run.json").write_text("")
    invalid = write_run(
        tmp_path, 5, {**made.standard(), "valid": False, "verdict": "INVALID: lost.", "finished_trials": 7}
    )
    (tmp_path / "latest").symlink_to(whole.name, target_is_directory=True)
    page = page_of(tmp_path)
    assert page.words.count(whole.name) == page.words.count(invalid.name) == 1
    assert "not reported yet" in page.words
    assert "INVALID, 7 of 48 trials" in page.words
    assert any(words.startswith("summary.json cannot be read") for words in page.words)
    assert any(words.startswith(f"{unread.name}: run.json cannot be read") for words in page.words)
    assert "latest" not in page.words


def test_an_empty_folder_has_a_page_too(tmp_path: Path) -> None:
    assert "No run yet: " in page_of(tmp_path).words


def test_runs_of_one_scenario_and_machine_are_together_the_newest_first(tmp_path: Path) -> None:
    for day, scenario, cores in ((1, "quick", 2), (2, "standard", 2), (3, "quick", 4), (4, "quick", 2)):
        write_run(tmp_path, day, made.standard(), scenario=scenario, machine={**MACHINE, "cores": cores})
    page = page_of(tmp_path)
    names = [words for words in page.words if re.fullmatch(r"2026\S+Z-\w+", words)]
    assert [(name[6:8], name[17:]) for name in names] == [
        ("04", "quick"), ("01", "quick"), ("03", "quick"), ("02", "standard"),
    ]  # fmt: skip
    assert "Made x86_64, 4 cores, 2 of them usable and Linux" in page.words


def test_a_copy_of_a_run_is_listed_once(tmp_path: Path) -> None:
    original = write_run(tmp_path, 1, made.standard())
    write_run(tmp_path, 1, made.standard(), name="reference")
    page = page_of(tmp_path)
    assert page.words.count(original.name) == 1
    assert "reference" not in page.words


def test_no_text_of_a_run_becomes_markup_and_no_name_leads_elsewhere(tmp_path: Path) -> None:
    harmless, hostile = tmp_path / "harmless", tmp_path / "hostile"
    for results, text in ((harmless, "harmless"), (hostile, HOSTILE)):
        for day, median_ms in ((1, 25.0), (2, 31.0)):
            summary = with_medians(median_ms, verdict=text)
            summary["transports"][0]["label"] = text
            name = f"javascript:{day}//{text[:0]}" if results is harmless else f"javascript:alert({day})<img src=x>'\""
            folder = write_run(
                results, day, summary, name=name.replace("/", ""), scenario=text, versions={text: f"{text}{day}"},
                machine={**MACHINE, "processor": text, "system": f"{text} {day}"},
                checkout={"commit": f"{day}{text}", "clean": True}, asked={"TRACE": text},
            )  # fmt: skip
            (folder / "report.html").touch()
    expected, found = page_of(harmless), page_of(hostile)
    assert [(tag, sorted(own)) for tag, own in found.elements] == [(tag, sorted(own)) for tag, own in expected.elements]
    assert not set("\u202e\x1b") & set(found.text)
    for link in found.links:
        assert (hostile / unquote(link)).is_file()
        assert re.fullmatch(r"[\w.%()'/-]+", link)


@settings(max_examples=30)
@given(data=st.data())
def test_a_run_with_anything_in_one_field_is_listed_and_becomes_no_markup(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    results = tmp_path_factory.mktemp("results")
    runs_with(results, [25.0, 25.1], noise_floor=noise_floor(1.0))
    whole, changed = sorted(results.iterdir())
    changed_field(data, changed / data.draw(st.sampled_from(["run.json", "summary.json"])))
    page = page_of(results)
    assert whole.name in page.words
    assert any(changed.name in words for words in page.words)
    assert not any(name == "onerror" for _, own in page.elements for name in own)
    assert not set("\u202e\x1b\0") & set(page.text)


def test_a_folder_whose_name_is_no_text_is_listed(tmp_path: Path) -> None:
    folder = write_run(tmp_path, 1, made.standard())
    strange = folder.rename(os.fsdecode(os.fsencode(tmp_path) + b"/r\xff\xfen"))
    (strange / "report.html").touch()
    page = page_of(tmp_path)
    assert "r\\udcff\\udcfen" in page.words
    assert page.links == ["r%FF%FEn/report.html"]


def test_of_hundreds_of_runs_all_are_listed_and_the_newest_drawn(tmp_path: Path) -> None:
    summary = with_medians(25.0)
    first = write_run(tmp_path, 1, summary)
    for number in range(2, 101):
        folder = tmp_path / f"run-{number:03d}"
        folder.mkdir()
        (folder / "summary.json").write_bytes((first / "summary.json").read_bytes())
        document = json.loads((first / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps({**document, "seed": number}))
    page = page_of(tmp_path)
    assert sum(words.startswith("run-") for words in page.words) == 99
    assert "80 earlier runs" in page.words
    assert any(f": {MOST_RUNS} runs, " in label for label in page.pictures)


def test_who_waits_for_another_to_write_the_page_sees_the_runs_that_came_meanwhile(tmp_path: Path) -> None:
    runs_with(tmp_path, [25.0, 25.1])
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    writers = [Thread(target=write_history, args=(tmp_path,)) for _ in range(3)]
    for writer in writers:
        writer.start()
    late = write_run(tmp_path, 3, with_medians(25.2))
    os.close(other)
    for writer in writers:
        writer.join()
    assert late.name in Page(tmp_path / "index.html").words
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["index.html"]


def test_a_report_in_results_renews_the_page_and_one_elsewhere_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results"
    monkeypatch.setattr(command_line, "RESULTS_FOLDER", results)
    short = fabricate.Fabrication(
        transports=("websocket",), intervals_s=(), rates_per_s=(), clients=2, measured_s=1.0, blocks=2
    )
    report_in_words(fabricate.fabricate_run(tmp_path / "elsewhere" / "run", short))
    assert not (tmp_path / "elsewhere" / "index.html").exists()
    assert not results.exists()
    run = fabricate.fabricate_run(results / "20260101T000000Z-fabricated", short)
    report_in_words(run)
    page = Page(results / "index.html")
    assert page.links == [f"{run.name}/report.html"]


def test_a_report_is_made_also_where_the_page_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_line, "RESULTS_FOLDER", tmp_path)
    (tmp_path / "index.html").mkdir()
    command_line._rewrite_results_page()
    assert re.fullmatch(r"warning: \S+: not renewed: .*directory\n", capsys.readouterr().err)


@pytest.mark.parametrize(("screen", "opened"), [("", False), (":0", True)])
def test_make_results_prints_the_path_and_opens_the_page_where_there_is_a_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, screen: str, opened: bool
) -> None:
    addresses: list[str] = []
    monkeypatch.setattr(command_line, "RESULTS_FOLDER", tmp_path)
    monkeypatch.setattr("webbrowser.open", addresses.append)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("DISPLAY", screen)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    write_run(tmp_path, 1, made.standard())
    page = tmp_path / "index.html"
    assert in_process("analysis", "results").stdout == f"{page}\n"
    assert addresses == []
    assert page.is_file()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert command_line.main(["results"]) == 0
    assert addresses == ([page.as_uri()] if opened else [])
