"""A run's folder is data: whatever is in it, a report is made of it, or one sentence says what is wrong."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import os
import shutil
import struct
import zipfile
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from analysis.command_line import ExitStatus, main
from analysis.export.formats import FORMATS
from contract.errors import UserError
from contract.parameters import PARAMETERS, Number
from contract.records import (
    NOISE_FILE,
    NOISE_FORMAT,
    Clients,
    ClockPairs,
    Deliveries,
    LoopLag,
    Published,
    Requests,
    Samples,
    Sockets,
    Table,
    Trial,
    Written,
    write_json,
)
from tests import fabricate
from tests.damaged_documents import HOSTILE, change_field, changed_field
from tests.fabricate_trial import T0_NS
from tests.fabricate_workers import by_workers
from tests.made_parameters import BASE
from tests.runs import REPORTED, in_process, report_in_words, sentence_of, unrendered

SMALL = fabricate.Fabrication(
    transports=("websocket", "short_poll"), intervals_s=(), rates_per_s=(), clients=2, measured_s=1.0, blocks=1
)
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
TEXT = {"text", "text_special", "softbreak"}


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


def test_a_column_larger_than_any_of_ours_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contract.records.tables.MAX_COLUMN_BYTES", 1000)
    write_deliveries(tmp_path, {name: npy(300, 300) for name in Deliveries.column_names()})
    with pytest.raises(UserError, match=r"column client has 2528 bytes \(expected at most 1000\)"):
        Deliveries.load(tmp_path)


# Documents.


def test_a_document_larger_than_any_of_ours_is_not_read(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (run / "run.json").open("r+b") as stream:
        stream.truncate(2**31)  # of which no disk holds anything
    assert "run.json: cannot be read: it has 2147483648 bytes (expected at most 67108864)" in refusal(run, capsys)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[" * 100_000, "lists or objects are nested too deeply"),
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
        ({"plan": 5}, "run.json: plan: expected a list of 0 to 1000000 items, not 5"),
        ({"plan": [{}]}, "run.json: plan.0.index: "),
        ({"machine": []}, "run.json: machine: expected an object, not []"),
        ({"reference": "carrier pigeon"}, "carrier pigeon is not one of its transports"),
        *(
            (
                {"started_at": at},
                f"run.json: started_at: expected an ISO 8601 time with its offset from UTC, not {at!r}",
            )
            for at in (5, "yesterday", "2026-01-01T00:00:00", "0001-01-01T00:00:00+23:00", "2026-13-01T00:00:00Z")
        ),
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


# Values.


def trial_folder(run: Path, transport: str = "websocket") -> Path:
    return next(run.glob(f"trials/*-{transport}"))


def change_column(folder: Path, table: type[Table], column: str, values: Mapping[int, int]) -> None:
    """Give some rows of a column other values."""
    changed = table.load(folder)
    for row, value in values.items():
        getattr(changed, column)[row] = value
    changed.save(folder)


@pytest.mark.parametrize(
    ("table", "column", "values", "complaint"),
    [
        (Deliveries, "client", {3: -1}, "deliveries.npz: column client: row 3 has -1 (expected 0 to 1000000)"),
        (Deliveries, "client", {3: 2}, "deliveries.npz: column client: row 3 has 2 (expected 0 to 1, the clients of"),
        (Requests, "client", {0: 900_000}, "requests.npz: column client: row 0 has 900000 (expected 0 to 1, the"),
        (Requests, "kind", {0: 4}, "requests.npz: column kind: row 0 has 4 (expected 0 to 3)"),
        (Clients, "client", {1: 0}, "clients.npz: column client: row 1 has 0 (expected each client once)"),
        (Published, "event_bytes", {1: -1}, "published.npz: column event_bytes: row 1 has -1 (expected 0 to"),
        (
            Published,
            "seq",
            {1: 1},
            "published.npz: column seq: row 1 has 1 (expected numbers from 1 on, without a gap)",
        ),
        (Published, "due_ns", {0: T0_NS + 10**12}, "published.npz: column due_ns: row 1 has "),
        (Deliveries, "user_ns", {5: 17}, "deliveries.npz: column user_ns: row 5 has 17 (expected a time within 3600 s"),
        (Deliveries, "due_ns", {5: -(2**63)}, "deliveries.npz: column due_ns: row 5 has -9223372036854775808 (exp"),
        (
            Samples,
            "at_ns",
            {9: T0_NS - 10**12},
            "samples.npz: column at_ns: row 9 has 4000000000000 (expected times of",
        ),
        (ClockPairs, "monotonic_ns", {1: 1}, "clock.npz: column monotonic_ns: row 1 has 1 (expected times of each"),
        (
            LoopLag,
            "worker",
            {0: 999},
            "loop_lag.npz: column worker: row 0 has 999 (expected a load process of this trial",
        ),
    ],
)
def test_a_value_that_a_column_may_not_have_is_one_sentence(
    run: Path,
    capsys: pytest.CaptureFixture[str],
    table: type[Table],
    column: str,
    values: dict[int, int],
    complaint: str,
) -> None:
    change_column(trial_folder(run), table, column, values)
    assert complaint in refusal(run, capsys)


NOT_ANY = {"not": "any"}


@pytest.mark.parametrize(
    ("file", "place", "value", "complaint"),
    [
        (
            "trial",
            ("parameters", "clients"),
            "x",
            "parameters.clients: expected a whole number from 1 to 100000, not 'x'",
        ),
        (
            "trial",
            ("parameters", "clients"),
            10**9,
            "parameters.clients: expected a whole number from 1 to 100000, not",
        ),
        ("trial", ("parameters", "measured_s"), math.nan, "trial.json: cannot be read: NaN (expected a number of at"),
        ("trial", ("parameters", "rate_per_s"), 7, "as run.json has planned it, not {'clients': 2, 'rate_per_s': 7"),
        ("trial", ("parameters",), {}, "trial.json: lacks parameters.clients"),
        (
            "trial",
            ("seed",),
            10**400,
            f"trial.json: cannot be read: 1{'0' * 79} (expected a number of at most 64 bits)",
        ),
        ("trial", ("window_end_ns",), T0_NS, "t0_ns, window_start_ns, window_end_ns: expected times in this order"),
        (
            "trial",
            ("expected_events",),
            7,
            "published.npz: has 20 rows (expected 7, the expected_events of trial.json)",
        ),
        ("trial", ("capabilities", "cpu_pinned"), {"server": [0]}, "lacks capabilities.cpu_pinned.load"),
        ("trial", ("capabilities", "ip_version"), 5, "capabilities.ip_version: expected 4 or 6, not 5"),
        ("trial", ("server_stats", "late_ticks"), [[1]], "late_ticks.0: expected a list of 2 items, not [1]"),
        ("trial", ("relay",), {"lateness_us": {"mean": "x"}}, "relay.lateness_us.mean: expected a number from"),
        (
            "trial",
            ("workers",),
            [{"end": "x"}],
            'workers.0.end: expected one of "complete", "died", "behind", "late", not',
        ),
        ("run", ("scenario",), {"name": "x", "repeats": 1}, "run.json: lacks scenario.parameters"),
        ("run", ("scenario", "repeats"), 0, "scenario.repeats: expected a whole number from 1 to 1000000, not 0"),
        ("run", ("plan", 1, "point"), 0, "run.json: plan: trial 1 has another transport or other parameters than the"),
        ("run", ("plan", 0, "parameters", "poll_interval_s"), 0, "poll_interval_s: expected a number from 0.005 to"),
        ("run", ("plan", 0, "parameters", "phase"), [], 'phase: expected one of "spread", "locked", not []'),
        ("run", ("transports", 0, "model"), "long_poll", ": lacks hold_s (expected for websocket)"),
        ("run", ("scenario", "parameters"), BASE, "run.json: scenario.parameters: lacks poll_interval_s (expected for"),
        ("run", ("transports", 0, "model"), "x", "transports.0.model: expected one of"),
        ("run", ("transports", 0, "dash"), [0, 0], "transports.0.dash.0: expected a number from 0.1 to 100, not 0"),
        ("run", ("checkout",), NOT_ANY, "run.json: lacks checkout.commit"),
        ("run", ("asked",), NOT_ANY | {"SCENARIO": 5}, "asked.SCENARIO: expected a text, not 5"),
    ],
)
def test_a_value_that_a_field_may_not_have_is_one_sentence(
    run: Path, capsys: pytest.CaptureFixture[str], file: str, place: tuple[str | int, ...], value: Any, complaint: str
) -> None:
    path = run / "run.json" if file == "run" else trial_folder(run) / "trial.json"
    change_field(path, place, value)
    assert complaint in refusal(run, capsys)


TABLES: Sequence[type[Table]] = (
    Deliveries, Requests, Sockets, Clients, Published, Samples, ClockPairs, LoopLag, Written,
)  # fmt: skip
NUMBERS = st.one_of(
    st.sampled_from([0, 1, -1, 10**6, 10**12, 2**62, -(2**62), 2**63 - 1, -(2**63)]),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 20),
    st.integers(T0_NS, T0_NS + 10**10),
)


def floor(transports: Sequence[str]) -> dict[str, Any]:
    """The noise floor of an earlier run, for noise.json."""
    found = {"value": 0.1, "half_width": 0.4, "largest": 0.3, "pairs": 3}
    figures = {f"{statistic}_ms": found for statistic in ("p50", "p95", "mean")}
    return {name: {"parameters": {"clients": 2}, **figures} for name in transports}


@pytest.fixture(scope="module")
def of_every_kind(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    """A run whose clients listen and poll, and one whose clients send to two servers, with every kind of file.

    Both are reported. Of each, the first transport's trial was traced and had two workers, one of which died; another
    trial was repeated.
    """
    folder = tmp_path_factory.mktemp("every")
    runs = []
    for transports, servers in ((fabricate.BROADCAST, ()), (fabricate.ECHO, ("before", "after"))):
        fabrication = dataclasses.replace(SMALL, transports=transports, servers=servers)
        run = fabricate.fabricate_run(folder / transports[0], fabrication)
        shared, repeated = (next(run.glob(f"trials/*-{name}")) for name in transports[:2])
        trial = by_workers(Trial.load(shared), (0, 10**9), ends=("complete", "died"))
        rows = trial.deliveries
        dataclasses.replace(trial, written=Written(rows.client, rows.seq, rows.published_ns + 1000)).save(shared)
        shutil.copytree(repeated, run / "set_aside" / f"{repeated.name}-1")
        write_json(
            run / NOISE_FILE, NOISE_FORMAT, {"noise_floor_from": "earlier", "noise_floor": floor(transports[:2])}
        )
        report_in_words(run)
        runs.append(run)
    return runs


def copied(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(run, tmp_path_factory.mktemp("changed") / "run"))


def check_no_controls(text: str) -> None:
    """No control character is left in what a program printed or wrote."""
    assert not set("\x1b\x00\u202e") & set(text)


def check_reported(run: Path) -> None:
    """A report is made in which no text has become an element, or one sentence says why none is; charts are not
    rendered."""
    with unrendered():
        ran = in_process("analysis", "report", run)
    if ran.returncode not in REPORTED:
        sentence_of(ran)
    elif HOSTILE[-20:] in json.dumps(json.loads((run / "summary.json").read_text())):
        assert ("img", "onerror") not in tags_of(run / "report.html")
    check_no_controls(ran.stdout + ran.stderr)


@settings(max_examples=10)
@given(data=st.data())
def test_one_value_of_a_table_is_a_report_or_one_sentence(
    of_every_kind: Sequence[Path], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    run = copied(data.draw(st.sampled_from(of_every_kind)), tmp_path_factory)
    folder = data.draw(st.sampled_from(sorted(path.parent for path in run.glob("*/*/trial.json"))))
    table = data.draw(st.sampled_from([table for table in TABLES if (folder / table.FILE).is_file()]))
    column = data.draw(st.sampled_from(table.column_names()))
    rows = len(table.load(folder))
    change_column(folder, table, column, {data.draw(st.integers(0, rows - 1)): data.draw(NUMBERS)})
    check_reported(run)


@settings(max_examples=8)
@given(data=st.data())
def test_a_table_with_other_rows_is_a_report_or_one_sentence(
    of_every_kind: Sequence[Path], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """None of them, some twice, some missing, or all in another order."""
    run = copied(data.draw(st.sampled_from(of_every_kind)), tmp_path_factory)
    folder = data.draw(st.sampled_from(sorted(path.parent for path in run.glob("*/*/trial.json"))))
    table = data.draw(st.sampled_from([table for table in TABLES if (folder / table.FILE).is_file()]))
    whole = table.load(folder)
    first = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.sampled_from([first, first + 1, len(whole)]))
    kept = data.draw(
        st.sampled_from([np.r_[first:end], np.r_[: len(whole), first:end], np.r_[first : len(whole), :first]])
    )
    table(**{name: getattr(whole, name)[kept] for name in table.column_names()}).save(folder)
    check_reported(run)


@settings(max_examples=20)
@given(data=st.data())
def test_one_field_of_a_document_is_a_report_or_one_sentence(
    of_every_kind: Sequence[Path], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    run = copied(data.draw(st.sampled_from(of_every_kind)), tmp_path_factory)
    path = data.draw(st.sampled_from([run / "run.json", run / NOISE_FILE, *sorted(run.glob("*/*/trial.json"))]))
    changed_field(data, path)
    check_reported(run)


@settings(max_examples=10)
@given(data=st.data())
def test_parameters_that_lie_in_every_document_are_a_report_or_one_sentence(
    of_every_kind: Sequence[Path], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """The records do not tell that there were so many clients, or that polls came so often: memory stays bounded."""
    run = copied(data.draw(st.sampled_from(of_every_kind)), tmp_path_factory)
    name, parameter = data.draw(st.sampled_from(sorted(PARAMETERS.items())))
    bounds = (parameter.rule.low, parameter.rule.high) if isinstance(parameter.rule, Number) else (True, False, "x")
    value = data.draw(st.sampled_from([*bounds, 0]))
    for path in (run / "run.json", *run.glob("*/*/trial.json")):
        document = json.loads(path.read_text())
        trials = document.get("plan", [document])
        for holder in (*trials, *([document["scenario"]] if "scenario" in document else [])):
            if name in holder["parameters"]:
                holder["parameters"][name] = value
        path.write_text(json.dumps(document))
    check_reported(run)


@settings(max_examples=15)
@given(data=st.data())
def test_no_earlier_run_keeps_a_report_from_being_made(
    of_every_kind: Sequence[Path], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Its noise floor is taken if it fits; else it does not concern the run."""
    original = data.draw(st.sampled_from(of_every_kind))
    run = copied(original, tmp_path_factory)
    (run / NOISE_FILE).unlink()
    earlier = Path(shutil.copytree(original, run.parent / "earlier"))
    change(earlier / "run.json", started_at="2025-01-01T00:00:00Z")
    names = [point["transport"] for point in json.loads((earlier / "summary.json").read_text())["points"]]
    change(earlier / "summary.json", valid=True, noise_floor=floor(names), noise_floor_from=None)
    changed_field(data, earlier / data.draw(st.sampled_from(["summary.json", "run.json"])))
    with unrendered():
        ran = in_process("analysis", "report", run)
    assert ran.returncode in REPORTED, ran.stderr
    check_no_controls(ran.stdout + ran.stderr)


@settings(max_examples=30)
@given(data=st.data())
def test_one_field_of_a_summary_or_a_run_is_a_comparison_or_one_sentence(
    of_every_kind: Sequence[Path], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    original = data.draw(st.sampled_from(of_every_kind))
    run = copied(original, tmp_path_factory)
    path = run / data.draw(st.sampled_from(["summary.json", "run.json"]))
    changed_field(data, path)
    runs = data.draw(st.permutations([original, run]))
    ran = in_process("analysis", "compare", "--force", "--out", run.parent / "compared", *runs)
    if ran.returncode == ExitStatus.USAGE:
        sentence_of(ran)
    else:
        assert ("img", "onerror") not in tags_of(run.parent / "compared" / "compare.html")
    check_no_controls(ran.stdout + ran.stderr)


@settings(max_examples=25)
@given(data=st.data())
def test_one_field_of_a_summary_or_a_run_is_an_export_or_one_sentence(
    of_every_kind: Sequence[Path], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    run = copied(data.draw(st.sampled_from(of_every_kind)), tmp_path_factory)
    changed_field(data, run / data.draw(st.sampled_from(["summary.json", "run.json"])))
    out = run.parent / "out"
    ran = in_process("analysis", "export", run, "--format", data.draw(st.sampled_from(list(FORMATS))), "--out", out)
    if ran.returncode == ExitStatus.USAGE:
        sentence_of(ran)
        assert not out.exists()
    check_no_controls(ran.stdout + ran.stderr)


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


def tags_of(page: Path) -> list[tuple[str, str]]:
    tags = Tags()
    tags.feed(page.read_text(encoding="utf-8"))
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
    assert main(["report", str(run)]) in REPORTED


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
    assert set(tags_of(run / "report.html")) == set(tags_of(harmless / "report.html"))
    markdown = outside_of_code(run)
    assert elements_of(markdown) == elements_of(outside_of_code(harmless))
    check_no_controls(markdown + (run / "report.html").read_text() + capfd.readouterr().out)
    for chart in (run / "charts").glob("*.svg"):
        assert {element.tag for element in ET.parse(chart).iter()} == {
            element.tag for element in ET.parse(harmless / "charts" / chart.name).iter()
        }


# Bytes.


@settings(max_examples=20)
@given(data=st.data())
def test_a_mangled_folder_is_a_report_or_one_sentence(
    of_every_kind: Sequence[Path], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    run = copied(data.draw(st.sampled_from(of_every_kind)), tmp_path_factory)
    files = sorted(path for path in run.rglob("*") if path.is_file())
    victim = data.draw(st.sampled_from(files))
    raw = bytearray(victim.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    victim.write_bytes(raw)
    check_reported(run)
