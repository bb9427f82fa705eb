"""Each tool's own output, as the tool wrote it, is read for what it says; whatever is missing is a sentence."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.peers.artillery import Artillery
from benchmarks.peers.locust import LocustFastHttpUser
from benchmarks.peers.registry import TOOLS
from benchmarks.peers.tool import Job, Tool, ToolError, ToolReport
from benchmarks.peers.tsung import Tsung
from benchmarks.peers.workloads import WORKS, WorkName
from benchmarks.peers.wrk import Wrk

WRK_OUTPUT = """\
Running 20s test @ http://127.0.0.1:53057/poll/short?after=1000000000
  1 threads and 50 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     7.51ms    3.52ms  58.93ms   97.13%
    Req/Sec     6.86k     1.36k    9.97k    71.19%
  Latency Distribution
     50%  746.00us
     75%    8.37ms
     90%    9.92ms
     99%   14.90ms
  40297 requests in 5.91s, 3.11MB read
Requests/sec:   6823.50
Transfer/sec:    539.75KB
"""

TSUNG_LOG = """\
# stats: dump at 1795418687
stats: request 3926 1.348073102394295 2.3078791888851002 36.962 0.22 0 0
stats: async_unknown_data_rcv 4000 4000
# stats: dump at 1795418697
stats: request 2074 1.3435554484088719 0.8179271027903369 36.962 0.21 1.348073102394295 3926
stats: async_unknown_data_rcv 6000 10000
EndMonitor:{1795,418697,484209}
"""

ARTILLERY_REPORT = {
    "aggregate": {
        "counters": {"vusers.created": 1000},
        "summaries": {
            "staleness": {"min": 4, "max": 105.1, "count": 10000, "mean": 36.9, "p50": 32.1, "median": 32.1},
            "http.response_time": {"min": 0, "max": 114, "count": 5000, "mean": 13.5, "p50": 10.1, "median": 10.1},
        },
    }
}

LOCUST_JSON = """\
[
    {
        "name": "/poll/short",
        "num_requests": 5,
        "total_response_time": 36.5,
        "response_times": {
            "5": 1,
            "7": 3,
            "11": 1
        }
    }
]
Type     Name          # reqs
"""


def job(folder: Path, work: WorkName) -> Job:
    """A job whose folders are the test's."""
    return Job(WORKS[work], "127.0.0.1", 8000, 10.0, folder, folder)


def program(folder: Path, name: str, prints: str) -> Path:
    """A program that prints so much and ends."""
    path = folder / name
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{prints}\nEND\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_wrk_tells_units_median_and_mean_in_milliseconds(tmp_path: Path) -> None:
    assert Wrk().read_report(job(tmp_path, "poll"), WRK_OUTPUT) == ToolReport(40297, 0.746, 7.51)


def test_tsung_counts_reads_of_pushed_messages_and_no_latency(tmp_path: Path) -> None:
    (tmp_path / "20260101-0000").mkdir()
    (tmp_path / "20260101-0000" / "tsung.log").write_text(TSUNG_LOG)
    assert Tsung().read_report(job(tmp_path, "websocket"), "") == ToolReport(10000, None, None)
    polls = Tsung().read_report(job(tmp_path, "poll"), "")
    assert (polls.units, polls.p50_ms) == (6000, None)
    assert polls.mean_ms == pytest.approx((3926 * 1.348073 + 2074 * 1.343555) / 6000, rel=1e-5)


def test_artillery_is_read_for_the_work_it_did(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(ARTILLERY_REPORT))
    assert Artillery().read_report(job(tmp_path, "websocket"), "") == ToolReport(10000, 32.1, 36.9)
    assert Artillery().read_report(job(tmp_path, "poll"), "") == ToolReport(5000, 10.1, 13.5)


def test_locusts_median_is_that_of_its_histogram(tmp_path: Path) -> None:
    account = LocustFastHttpUser().read_report(job(tmp_path, "poll"), f"a line before\n{LOCUST_JSON}")
    assert account == ToolReport(5, 7.0, 7.3)


@pytest.mark.parametrize("tool", TOOLS.values(), ids=list(TOOLS))
def test_a_tool_without_an_account_is_a_sentence(tool: Tool, tmp_path: Path) -> None:
    for work in tool.works:
        with pytest.raises(ToolError, match=r"^[^\n]+$"):
            tool.read_report(job(tmp_path, work), "it printed this and no more")


def test_a_tool_is_found_on_the_path_or_where_its_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("WRK", raising=False)
    assert Wrk().find() is None
    on_path = program(tmp_path, "wrk", "")
    assert Wrk().find() == on_path
    elsewhere = program(tmp_path, "my-wrk", "")
    monkeypatch.setenv("WRK", str(elsewhere))
    assert Wrk().find() == elsewhere
    monkeypatch.setenv("WRK", str(tmp_path / "nowhere"))
    with pytest.raises(ToolError, match=r"WRK=.*nowhere: not a program"):
        Wrk().find()


@pytest.mark.parametrize(
    ("tool", "prints", "version"),
    [
        (Wrk(), "wrk debian/4.1.0-3+b2 [epoll] Copyright (C) 2012 Will Glozer", "4.1.0"),
        (Tsung(), "Tsung version 1.7.0", "1.7.0"),
        (Artillery(), "VERSION INFO:\n\nArtillery: 2.0.21\nNode.js:   v20.20.2", "2.0.21"),
    ],
    ids=lambda value: value.name if isinstance(value, Tool) else "",
)
def test_versions_are_read_and_old_ones_refused(tool: Tool, prints: str, version: str, tmp_path: Path) -> None:
    assert tool.checked_version(program(tmp_path, "now", prints)) == version
    older = prints.replace(version, "1.2.3")
    with pytest.raises(ToolError, match=r"version 1\.2\.3 is too old \(expected .* or newer\)"):
        tool.checked_version(program(tmp_path, "before", older))
    with pytest.raises(ToolError, match="not found in its output"):
        tool.checked_version(program(tmp_path, "silent", "?"))


@pytest.mark.parametrize("work", WORKS)
def test_artillerys_scenario_keeps_everyone_until_the_end_and_sends_nothing_home(
    work: WorkName, tmp_path: Path
) -> None:
    launch = Artillery().launch(Path("artillery"), job(tmp_path, work))
    scenario = json.loads((tmp_path / "scenario.json").read_text())
    [phase] = scenario["config"]["phases"]
    assert phase["arrivalCount"] == WORKS[work].clients
    assert launch.environment["ARTILLERY_DISABLE_TELEMETRY"] == "true"
    assert launch.stop_signal is None
    [flow] = [entry["flow"] for entry in scenario["scenarios"]]
    stays_s = flow[-1]["think"] if work == "websocket" else scenario["config"]["variables"]["stay_s"]
    assert stays_s >= job(tmp_path, work).stay_s + phase["duration"]


@pytest.mark.parametrize("work", WORKS)
def test_tsungs_configuration_is_xml_of_the_work(work: WorkName, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "share" / "tsung").mkdir(parents=True)
    (tmp_path / "share" / "tsung" / "tsung-1.0.dtd").write_text("")
    tsung = program(tmp_path / "bin", "tsung", "")
    Tsung().launch(tsung, job(tmp_path, work))
    root = ElementTree.parse(tmp_path / "tsung.xml").getroot()
    [users] = root.iter("users")
    [server] = root.iter("server")
    assert users.attrib["maxnumber"] == str(WORKS[work].clients)
    assert (server.attrib["host"], server.attrib["port"]) == ("127.0.0.1", "8000")
    stays_s = [float(pause.attrib["value"]) for pause in root.iter("thinktime")]
    if work == "poll":
        [limit] = root.iter("load")
        assert not stays_s, "a poller that pauses does other work than the rest"
        stays_s = [float(limit.attrib["duration"])]
        assert limit.attrib["unit"] == "second"
    assert all(each >= job(tmp_path, work).stay_s for each in stays_s)
    assert stays_s
