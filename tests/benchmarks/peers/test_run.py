"""A whole small comparison of the harness and stock Locust on real servers, and what is around it."""

from __future__ import annotations

import dataclasses
import io
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.peers.harness import NAME
from benchmarks.peers.registry import TOOLS
from benchmarks.peers.run import Plan, compare, find_tools, fresh_folder, plan_trials
from benchmarks.peers.summary import read_summary, write_summary
from benchmarks.peers.table import show
from benchmarks.peers.tool import Job, Launch, ToolError
from benchmarks.peers.workloads import WORKS, Stream, WorkName, planned_trial
from benchmarks.peers.wrk import Wrk
from contract.records import JsonObject, Trial
from system.processes import PROJECT_FOLDER
from terminal.console import PlainConsole

pytestmark = pytest.mark.takes_s(20)

SMALL: dict[WorkName, int] = {"websocket": 8, "poll": 4}
STOCK = ("locust websocket-client", "locust FastHttpUser")


class Broken(Wrk):
    """A tool that ends before it connects."""

    name = "broken"

    def find(self) -> Path | None:
        return Path(sys.executable)

    def version(self, program: Path) -> str:
        return "5"

    def launch(self, program: Path, job: Job) -> Launch:
        return Launch([str(program), "-c", "print('no, thanks'); raise SystemExit(3)"])


class Absent(Wrk):
    """A tool that is not there."""

    name = "absent"

    def find(self) -> Path | None:
        return None


class Misnamed(Wrk):
    """A tool whose variable names nothing."""

    name = "misnamed"

    def find(self) -> Path | None:
        raise ToolError("MISNAMED=/nowhere: not a program")


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, JsonObject, str]]:
    """Folder, summary and what was printed of one block of short trials with few clients."""
    results = tmp_path_factory.mktemp("results")
    printed = io.StringIO()
    console = PlainConsole(file=printed, width=110)
    with pytest.MonkeyPatch.context() as patch:
        for name, clients in SMALL.items():
            patch.setitem(WORKS, name, dataclasses.replace(WORKS[name], clients=clients, probes=2))
        for tool in (Broken(), Absent(), Misnamed()):
            patch.setitem(TOOLS, tool.name, tool)
        folder = compare(Plan(1, 1, (*STOCK, "broken", "absent", "misnamed"), seed=5), results, console)
        summary = read_summary(folder)
        show(summary, console)
    yield folder, summary, printed.getvalue()


def test_every_delivery_and_poll_is_counted_in_the_window(compared: tuple[Path, JsonObject, str]) -> None:
    rows = {(row["work"], row["tool"]): row for row in compared[1]["rows"]}
    assert rows.keys() == {("websocket", NAME), ("poll", NAME), ("websocket", STOCK[0]), ("poll", STOCK[1])}
    for (work, _), row in rows.items():
        assert row["cpu_us_per_unit"] > 0
        assert row["times_ours"] > 0
        # Locust rounds to whole milliseconds before it counts, and a poll may take none.
        assert row["reported_p50_ms"] >= 0
        assert row["reported_mean_ms"] > 0
        if work == "websocket":
            assert row["units"] == 2 * SMALL["websocket"]
            assert row["counted"] == row["expected"] == 4 * SMALL["websocket"]
        else:
            assert 0 < row["units"] <= row["counted"]
    for work in WORKS:
        assert rows[work, NAME]["times_ours"] == 1.0


def test_probes_saw_every_event_of_the_window_whatever_the_tool(compared: tuple[Path, JsonObject, str]) -> None:
    for row in compared[1]["rows"]:
        if row["work"] == "websocket" and row["kernel_p50_ms"] is not None:
            assert row["kernel_samples"] == 4
            assert row["kernel_p50_ms"] > 0


def test_the_harness_leaves_a_whole_trial_and_only_it_tells_how_old_polled_events_are(
    compared: tuple[Path, JsonObject, str],
) -> None:
    folder, summary, _ = compared
    [ours] = folder.glob("trials/*-push-vs-poll-websocket/trial")
    assert len(Trial.load(ours).deliveries) == 4 * SMALL["websocket"]
    staleness = {row["tool"]: row["staleness_p50_ms"] for row in summary["rows"] if row["work"] == "poll"}
    assert staleness[NAME] > 0
    assert staleness[STOCK[1]] is None


def test_what_fails_or_is_not_there_is_said_in_a_sentence_and_the_others_go_on(
    compared: tuple[Path, JsonObject, str],
) -> None:
    _, summary, printed = compared
    assert summary["not_installed"] == ["absent"]
    reasons = {failure["tool"]: failure["reason"] for failure in summary["failed"]}
    assert reasons == {
        "misnamed": "MISNAMED=/nowhere: not a program",
        "broken": "ended with exit status 3 before its clients were connected: no, thanks",
    }
    assert (summary["planned_trials"], summary["finished_trials"]) == (5, 4)
    assert summary["seed"] == 5
    assert "seed 5; repeat with SEED=5" in printed
    for words in ("not installed: absent", "failed: broken", "failed: misnamed", "CPU per delivery", "kernel p50"):
        assert words in printed


@pytest.mark.parametrize("seed", range(3))
def test_blocks_hold_everyone_once_in_orders_of_their_own(seed: int) -> None:
    found = find_tools(STOCK)
    trials = plan_trials(Plan(5, 6, STOCK, seed), found.entrants)
    order = [[entrant for entrant, trial in trials if trial.block == block] for block in range(6)]
    assert all(Counter(block) == Counter(found.entrants) for block in order)
    assert len({tuple(block) for block in order}) > 1


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("measured_s", [1, 2, 5])
def test_no_event_is_due_near_an_end_of_the_window(work: WorkName, measured_s: int) -> None:
    stream = Stream.of(planned_trial(WORKS[work], measured_s, 0, 0, run_seed=5))
    edges_ns = (1_000_000_000, (1 + measured_s) * 1_000_000_000)
    assert stream.due_between(*edges_ns) == 2 * measured_s
    for edge_ns in edges_ns:
        assert stream.due_between(edge_ns - 200_000_000, edge_ns + 200_000_000) == 0


def test_an_earlier_comparison_is_moved_aside_under_its_own_time(tmp_path: Path) -> None:
    console = PlainConsole(file=io.StringIO())
    first = fresh_folder(tmp_path, console)
    write_summary(first, {"started_at": "2026-01-02T03:04:05+00:00"})
    assert list(fresh_folder(tmp_path, console).iterdir()) == []
    assert (tmp_path / "peers-20260102T030405Z" / "summary.json").is_file()
    write_summary(first, {"started_at": "2026-01-02T03:04:05+00:00"})
    fresh_folder(tmp_path, console)
    assert (tmp_path / "peers-20260102T030405Z-2" / "summary.json").is_file()
    fresh_folder(tmp_path, console)
    assert len(list(tmp_path.glob("peers-*"))) == 3


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--seconds", "0.5"], "PEERS_SECONDS=0.5: not usable (expected a whole number from 1 to 60)"),
        (["--blocks", "0"], "PEERS_BLOCKS=0: not usable (expected a whole number from 1 to 20)"),
        (["--tools", "wrk,jmeter"], "TOOLS=jmeter: not a tool that is known here (expected some of locust "),
    ],
)
def test_a_mistake_is_one_sentence(options: list[str], sentence: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers", *options, "--results", str(tmp_path)],
        cwd=PROJECT_FOLDER, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {sentence}")
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())
