"""`python -m benchmarks.disturbed_runs FOLDER`: whether the harness detects disturbed trials, and only those.

It makes runs of one block of the scenario `quick` in four situations: undisturbed, with a busy program on the server's
core, with servers that are stopped (SIGSTOP) at a random time of the measured window, and with an overloaded server.
docs/method/accuracy.md summarises the table.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

import psutil

from analysis.summarize import summarize_run
from contract.records import (
    OTHERS_RATIO,
    SampleRole,
    Trial,
    disturbances,
    finished_trial_folders,
    load_run_info,
    others_ratio,
    set_aside_folders,
)
from loadtests.plan.scenario import Scenario
from loadtests.plan.scenario_file import load_scenario
from system.processor import plan_cores

PROJECT = Path(__file__).parents[1]
Disturbing = Callable[[psutil.Popen], AbstractContextManager[None]]
"""A function from a run's process to a context in which the run is disturbed."""
STOPS_MS = (50, 100, 150, 200, 300, 400)
OVERLOAD = {"clients": 400, "rate_per_s": 20, "poll_interval_s": 0.05}
"""Parameters of an overloaded server: 8000 polls a second, each of which costs a FastAPI server 0.15 to 0.3 ms."""
SET_UP_S = 1.0
"""Approximate time from a server's start to the start of the measured window."""
_LOOK_PERIOD_S = 0.02


@dataclass(frozen=True)
class Stop:
    """The span in which a server's process was stopped; times are CLOCK_MONOTONIC."""

    start_ns: int
    end_ns: int

    def within(self, trial: Trial) -> bool:
        """Return whether the whole stop lies within the trial's measured window."""
        return trial.info.window_start_ns <= self.start_ns and self.end_ns <= trial.info.window_end_ns


@dataclass(frozen=True)
class Judged:
    """An attempt at a trial and the harness's judgement of it."""

    situation: str
    label: str
    """The label of its transport."""
    stop_ms: int | None
    """How long its server was stopped; None if it was not."""
    disturbed: bool
    """Whether it counts as disturbed, so that it is repeated, or INVALID if it was the last attempt."""
    invalid: bool
    """Whether it is INVALID for any reason."""
    named: bool
    """Whether the report states that other programs used the server's core."""
    mean_ms: float
    """Mean latency in the measured window."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all situations and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.disturbed_runs", description=__doc__)
    parser.add_argument("folder", type=Path, help="for the runs; must not exist")
    parser.add_argument("--quiet", type=int, default=40, help="undisturbed runs (%(default)s)")
    parser.add_argument("--busy", type=int, default=20, help="runs beside a busy program (%(default)s)")
    parser.add_argument("--stopped", type=int, default=20, help="runs whose servers are stopped (%(default)s)")
    parser.add_argument("--overloaded", type=int, default=10, help="runs with an overloaded server (%(default)s)")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True)
    quick = replace(load_scenario("quick"), repeats=1)
    polls = tuple(name for name in quick.transports if name.endswith("_poll"))
    too_much = replace(quick, transports=polls, parameters=quick.parameters.replace(**OVERLOAD))
    measured_s = quick.parameters.measured_s
    stops: list[Stop] = []
    situations: tuple[tuple[str, int, Scenario, Disturbing], ...] = (
        ("left alone", options.quiet, quick, _nothing),
        ("busy program on the server's core", options.busy, quick, _busy_core),
        ("server stopped", options.stopped, quick, partial(_stopping, measured_s=measured_s, stops=stops)),
        ("too much to do", options.overloaded, too_much, _nothing),
    )
    judged = []
    for situation, runs, scenario, disturbing in situations:
        for number in range(runs):
            found = _run(options.folder / f"{situation.split()[0]}-{number:02}", scenario, disturbing)
            judged += [each for folder in found for each in _judge(folder, situation, stops)]
            print(f"{situation}: run {number + 1} of {runs}", file=sys.stderr, flush=True)
    print("\n".join(table(judged)))
    return 0


def _run(folder: Path, scenario: Scenario, disturbing: Disturbing) -> list[Path]:
    """Measure the scenario once while it is disturbed; return the run's folder, or nothing if the run did not start."""
    folder.mkdir()
    file = folder / "scenario.toml"
    file.write_text(scenario.as_toml(), encoding="utf-8")
    command = [sys.executable, "-m", "loadtests", "run", str(file), "--results", str(folder)]
    with (folder / "log").open("w", encoding="utf-8") as log:
        run = psutil.Popen(command, cwd=PROJECT, stdout=log, stderr=subprocess.STDOUT)
        with disturbing(run):
            run.wait()
    return [path.parent for path in folder.glob("*/run.json") if not path.parent.is_symlink()]


def _nothing(_run: psutil.Popen) -> AbstractContextManager[None]:
    return nullcontext()


@contextmanager
def _busy_core(_run: psutil.Popen) -> Iterator[None]:
    """Keep the core that servers are pinned to busy with a program that never sleeps."""
    cores = plan_cores().server
    if cores is None:
        raise SystemExit("error: this machine has one core only, which servers share (expected at least two)")
    busy = psutil.Popen([sys.executable, "-c", "while True: pass"])
    try:
        busy.cpu_affinity(list(cores))
        yield
    finally:
        busy.kill()
        busy.wait()


@contextmanager
def _stopping(run: psutil.Popen, measured_s: float, stops: list[Stop]) -> Iterator[None]:
    """Stop each server of a run once, for a random one of STOPS_MS, at a random time of about its measured window."""
    over = threading.Event()
    watching = threading.Thread(target=_stop_servers, args=(run, measured_s, stops, over))
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


def _stop_servers(run: psutil.Popen, measured_s: float, stops: list[Stop], over: threading.Event) -> None:
    first_s, last_s = SET_UP_S, SET_UP_S + measured_s
    seen: set[int] = set()
    while not over.wait(_LOOK_PERIOD_S):
        for server in _servers(run):
            if server.pid not in seen:
                seen.add(server.pid)
                over.wait(random.uniform(first_s, last_s))
                _stop(server, random.choice(STOPS_MS), stops)


def _servers(run: psutil.Popen) -> list[psutil.Process]:
    try:
        children = run.children(recursive=True)
        return [child for child in children if "servers" in (words := child.cmdline()) and "relay" not in words]
    except psutil.Error:
        return []


def _stop(server: psutil.Process, stop_ms: int, stops: list[Stop]) -> None:
    try:
        start_ns = time.monotonic_ns()
        server.send_signal(signal.SIGSTOP)
        time.sleep(stop_ms / 1000)
        server.send_signal(signal.SIGCONT)
    except psutil.Error:
        return
    stops.append(Stop(start_ns, time.monotonic_ns()))


def _judge(run: Path, situation: str, stops: Sequence[Stop]) -> Iterator[Judged]:
    """Yield the judgement of each attempt, without those whose server was stopped outside the measured window."""
    points = {point.transport: point for point in summarize_run(run).points}
    labels = {style.name: style.label for style in load_run_info(run).transports}
    finished = finished_trial_folders(run)
    for folder in (*finished, *set_aside_folders(run)):
        trial = Trial.load(folder)
        name = trial.info.transport
        stopped = [stop for stop in stops if stop.within(trial)]
        if situation == "server stopped" and not stopped:
            continue
        disturbed = bool(disturbances(trial))
        yield Judged(
            situation=situation,
            label=labels[name],
            stop_ms=_rounded_ms(stopped[0]) if stopped else None,
            disturbed=disturbed,
            invalid=disturbed or (folder in finished and not points[name].valid),
            named=(others_ratio(trial, SampleRole.SERVER) or 0.0) > OTHERS_RATIO,
            mean_ms=_mean_ms(trial),
        )


def _rounded_ms(stop: Stop) -> int:
    return min(STOPS_MS, key=lambda stop_ms: abs(stop_ms * 1_000_000 - (stop.end_ns - stop.start_ns)))


def _mean_ms(trial: Trial) -> float:
    rows = trial.deliveries
    measured = (rows.due_ns >= trial.info.window_start_ns) & (rows.due_ns < trial.info.window_end_ns)
    return float((rows.user_ns - rows.due_ns)[measured].mean()) / 1e6


def table(judged: Sequence[Judged]) -> list[str]:
    """Return the lines of a Markdown table: a row for each situation and transport, and for each length of a stop."""
    lines = [
        "| what was done | transport | trials | repeated | INVALID otherwise | only named | passed | mean, ms |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    groups: dict[tuple[str, str], list[Judged]] = {}
    for each in judged:
        groups.setdefault((each.situation, each.label), []).append(each)
    for each in sorted((each for each in judged if each.stop_ms is not None), key=lambda each: each.stop_ms or 0):
        groups.setdefault((f"{each.situation} for {each.stop_ms} ms", "all"), []).append(each)
    for (situation, label), rows in groups.items():
        repeated = sum(row.disturbed for row in rows)
        otherwise = sum(row.invalid and not row.disturbed for row in rows)
        named = sum(row.named and not row.invalid for row in rows)
        passed = len(rows) - repeated - otherwise - named
        lines.append(
            f"| {situation} | {label} | {len(rows)} | {repeated} | {otherwise} | {named} | {passed} "
            f"| {median(row.mean_ms for row in rows):.2f} |"
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())
