"""A run's folder is data: whatever is in it, a report is made of it, or one sentence says what is wrong."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from analysis.command_line import main
from loadtests.records import Deliveries, UserError
from tests import fabricate
from tests.runs import report_in_words

SMALL = fabricate.Fabrication(
    transports=("websocket", "short_poll"), intervals_s=(), rates_per_s=(), clients=2, measured_s=1.0, blocks=1
)
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
TEXT = {"text", "text_special", "softbreak"}
HOSTILE = (
    "</script><img src=x onerror=alert(1)> [a](http://evil/) ![i](x) `c` | **b** $x^2$ &lt; \x1b[31m \u202e \x00\n# h"
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fabricate.fabricate_run(tmp_path_factory.mktemp("results") / "run", SMALL)


@pytest.fixture
def run(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "run"))


def change(path: Path, **fields: Any) -> None:
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | fields))


def refusal(run: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence with which a report is refused."""
    assert main(["report", str(run)]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    return printed.err


# Tables.


def npy(claimed_rows: int, held_rows: int, dtype: str = "<i8") -> bytes:
    stream = io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": (claimed_rows,)}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + bytes(8 * held_rows)


def write_deliveries(folder: Path, columns: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(folder / Deliveries.FILE, "w", compression) as stored:
        for name, column in columns.items():
            stored.writestr(f"{name}.npy", column)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"seq": npy(10**12, 3)}, "column seq claims 8000000000000 bytes and has 24"),
        ({"seq": npy(2, 3)}, "column seq claims 16 bytes and has 24"),
        ({"seq": npy(2, 2)}, "column seq has 2 rows .expected 3"),
        ({"seq": npy(3, 3, "<f8")}, "expected one row of 64-bit integers"),
        ({"seq": npy(3, 3, "|O")}, "expected one row of 64-bit integers"),
        ({"seq": b"\x93NUMPY\x01\x00"}, "cannot be read as a deliveries table"),
        ({"seq": b""}, "cannot be read as a deliveries table"),
        ({"seq": b"\x93NUMPY\x03\x00" + struct.pack("<I", 2) + b"{}"}, "header of version"),
        ({"seq": None}, "seq.npy"),
    ],
)
def test_a_table_that_lies_is_one_sentence(tmp_path: Path, changed: dict[str, bytes | None], complaint: str) -> None:
    columns = {name: npy(3, 3) for name in Deliveries.column_names()} | changed
    write_deliveries(tmp_path, {name: column for name, column in columns.items() if column is not None})
    with pytest.raises(UserError, match=complaint):
        Deliveries.load(tmp_path)


def test_a_compressed_table_is_not_unpacked(tmp_path: Path) -> None:
    columns = {name: npy(10**6, 10**6) for name in Deliveries.column_names()}
    write_deliveries(tmp_path, columns, zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match="is compressed"):
        Deliveries.load(tmp_path)


# Documents.


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[" * 100_000, "within each other beyond all measure"),
        ("[]", "not a push-vs-poll/run file"),
        ("null", "not a push-vs-poll/run file"),
        ('"' + "x" * 100, "cannot be read"),
        ("\ufeff{}", "cannot be read"),
        ('{"format": ["push-vs-poll/run"], "version": {}}', "not a push-vs-poll/run file"),
    ],
)
def test_a_document_that_is_none_is_one_sentence(
    run: Path, capsys: pytest.CaptureFixture[str], text: str, complaint: str
) -> None:
    (run / "run.json").write_text(text, encoding="utf-8")
    assert complaint in refusal(run, capsys)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"plan": 5}, "run.json: plan: Input should be a valid tuple, not 5"),
        ({"plan": [{}]}, "run.json: plan.0.index: "),
        ({"machine": []}, "run.json: machine: Input should be a valid dictionary"),
        ({"reference": "carrier pigeon"}, "carrier pigeon is not one of its transports"),
        ({"started_at": 5}, "run.json: started_at: Input should be a valid string, not 5"),
    ],
)
def test_a_field_of_another_type_is_one_sentence(
    run: Path, capsys: pytest.CaptureFixture[str], fields: dict[str, Any], complaint: str
) -> None:
    change(run / "run.json", **fields)
    assert complaint in refusal(run, capsys)


@pytest.mark.parametrize(
    ("key", "value"),
    [("name", "../../elsewhere"), ("label", "two\nlines"), ("colour", "red;}</style><script>"), ("marker", "$x$")],
)
def test_what_goes_into_names_and_style_sheets_is_checked(
    run: Path, capsys: pytest.CaptureFixture[str], key: str, value: str
) -> None:
    transports = json.loads((run / "run.json").read_text())["transports"]
    transports[0][key] = value
    change(run / "run.json", transports=transports)
    assert f"transports: {key}: expected a" in refusal(run, capsys)


# Links.


@pytest.mark.parametrize("linked", ["run.json", "charts", "summary.json", "report.html", "trials", "report.md.partial"])
def test_no_link_is_followed(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], linked: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    if (run / linked).exists():
        (run / linked).rename(elsewhere)
    else:
        elsewhere.mkdir() if linked == "charts" else elsewhere.write_text("not ours")
    before = {path: path.read_bytes() for path in [elsewhere, *elsewhere.rglob("*")] if path.is_file()}
    (run / linked).symlink_to(elsewhere)
    assert f"{linked}: a link (expected the files of a run" in refusal(run, capsys)
    assert {path: path.read_bytes() for path in [elsewhere, *elsewhere.rglob("*")] if path.is_file()} == before


def test_a_pipe_is_not_waited_for(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(run / "noise.json")
    assert "noise.json: not a regular file" in refusal(run, capsys)


def test_another_name_of_a_report_keeps_what_it_has(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "mine.html"
    other.write_text("mine")
    for name in ("report.html", "report.md", "summary.json"):
        (run / name).hardlink_to(other)
    report_in_words(run)
    assert other.read_text() == "mine"


# Texts.


class Tags(HTMLParser):
    """The elements of a page and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(tag, name) for name, _ in attrs] or [(tag, "")]


def tags_of(run: Path) -> list[tuple[str, str]]:
    tags = Tags()
    tags.feed((run / "report.html").read_text(encoding="utf-8"))
    return tags.found


def write_texts(run: Path, text: str, label: str) -> None:
    """Put a text wherever a scenario, a server or a worker may have written one."""
    document = json.loads((run / "run.json").read_text())
    for style in document["transports"]:
        style["label"] = f"{style['name']} {label}"
    document["scenario"] |= {"name": text, "description": text}
    document |= {
        "machine": {"processor": text, text: text, "cores": 2},
        "versions": {text: text},
        "settings": {"server": text},
    }
    (run / "run.json").write_text(json.dumps(document))
    for trial in (run / "trials").glob("*/trial.json"):
        change(trial, problems=[text])


def report(run: Path) -> None:
    assert main(["report", str(run)]) == 0


def elements_of(markdown: str) -> set[str]:
    """The kinds of elements in a document, those within its lines included."""
    tokens = MARKDOWN.parse(markdown)
    return {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()} - TEXT


def outside_of_code(run: Path) -> str:
    markdown, _, code = (run / "report.md").read_text(encoding="utf-8").rpartition("## How to rerun")
    assert code
    return markdown


def test_no_text_becomes_markup(run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    harmless = Path(shutil.copytree(run, tmp_path / "harmless"))
    write_texts(run, HOSTILE, "<b>$x^$|[a](b)")
    write_texts(harmless, "harmless", "harmless")
    report(run)
    report(harmless)
    assert set(tags_of(run)) == set(tags_of(harmless))
    markdown = outside_of_code(run)
    assert elements_of(markdown) == elements_of(outside_of_code(harmless))
    assert not set("\x1b\x00\u202e") & set(markdown + (run / "report.html").read_text() + capfd.readouterr().out)
    for chart in (run / "charts").glob("*.svg"):
        assert {element.tag for element in ET.parse(chart).iter()} == {
            element.tag for element in ET.parse(harmless / "charts" / chart.name).iter()
        }


# Bytes.


@settings(max_examples=40)
@given(data=st.data())
def test_a_mangled_folder_is_a_report_or_one_sentence(
    original: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    run = Path(shutil.copytree(original, tmp_path_factory.mktemp("mangled") / "run"))
    files = sorted(path for path in run.rglob("*") if path.is_file())
    victim = data.draw(st.sampled_from(files))
    raw = bytearray(victim.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    victim.write_bytes(raw)
    assert main(["summary", str(run)]) in (0, 2)
