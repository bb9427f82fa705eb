"""A comparison of load generators: the installed tools, their trials in random blocks, and the folder of results."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.peers import harness
from benchmarks.peers.measurement import Measurement
from benchmarks.peers.registry import TOOLS
from benchmarks.peers.summary import FORMAT, Entrant, Failure, read_summary, rows, write_summary
from benchmarks.peers.tool import Tool, ToolError
from benchmarks.peers.trial import run_tool
from benchmarks.peers.workloads import WARM_UP_S, WORKS, planned_trial
from contract.errors import UserError
from contract.records import SUMMARY_FILE, JsonObject, PlannedTrial, read_json
from contract.times import parse_time
from loadtests.engine.system_limits import ensure_descriptors
from loadtests.plan.seeds import describe_seed
from loadtests.run.provenance import describe_machine, describe_versions
from system.processes import PROJECT_FOLDER
from system.processor import CorePlan, plan_cores
from terminal.console import PlainConsole

FOLDER_NAME = "peers"


@dataclass(frozen=True)
class Plan:
    """The tools to compare, and the number and length of their trials."""

    measured_s: float
    blocks: int
    tools: tuple[str, ...]
    """Names in the registry; the harness itself is always compared."""
    seed: int
    """The source of orders, payloads and phases."""


@dataclass
class AvailableTools:
    """The tools of the plan that this machine has."""

    entrants: list[Entrant] = field(default_factory=list)
    programs: dict[str, Path] = field(default_factory=dict)
    not_installed: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


def compare(plan: Plan, results: Path, console: PlainConsole) -> Path:
    """Run every trial, write summary.json after each, and return the run's folder.

    A tool that is missing or fails is reported, and the others go on. KeyboardInterrupt passes through; earlier results
    are kept.
    """
    found = find_tools(plan.tools)
    trials = plan_trials(plan, found.entrants)
    ensure_descriptors(tuple(trial for _, trial in trials))
    folder = fresh_folder(results, console)
    _print_plan(found, trials, folder, console)
    console.print_sentence(describe_seed(plan.seed))
    started_at, started_s = datetime.now(UTC), time.monotonic()
    measurements: list[Measurement] = []
    cores = plan_cores()
    for entrant, trial in trials:
        turn = f"{trial.index + 1}/{len(trials)} {entrant.tool}: {WORKS[entrant.work].description} … "
        console.print_sentence(turn, end="")
        outcome = _run_one(entrant, trial, found, folder, cores, measurements)
        console.print_sentence(outcome)
        write_summary(
            folder,
            {
                "started_at": started_at.isoformat(timespec="seconds"),
                "took_s": round(time.monotonic() - started_s, 1),
                "planned_trials": len(trials),
                "finished_trials": len(measurements),
                "blocks": plan.blocks,
                "seed": plan.seed,
                "warm_up_s": WARM_UP_S,
                "measured_s": plan.measured_s,
                "machine": {**describe_machine(), "cpu_pinned": cores.as_json()},
                "versions": describe_versions(),
                "rows": rows(found.entrants, measurements),
                "not_installed": found.not_installed,
                "failed": [failure.as_json() for failure in found.failures],
            },
        )
    return folder


def find_tools(names: Sequence[str]) -> AvailableTools:
    """Return the harness and those of the named tools that this machine has."""
    found = AvailableTools()
    for work, description in harness.DESCRIPTIONS.items():
        found.entrants.append(Entrant(harness.NAME, work, harness.own_version(), description))
    for name in names:
        tool = TOOLS[name]
        try:
            program = tool.find()
            if program is None:
                found.not_installed.append(name)
                continue
            version = tool.checked_version(program)
        except ToolError as error:
            found.failures.append(Failure(name, None, None, str(error)))
            continue
        found.programs[name] = program
        found.entrants += [Entrant(name, work, version, description) for work, description in tool.works.items()]
    return found


def plan_trials(plan: Plan, entrants: Sequence[Entrant]) -> list[tuple[Entrant, PlannedTrial]]:
    """Return every entrant once per block, in a random order per block; all trials of a block share a stream."""
    trials: list[tuple[Entrant, PlannedTrial]] = []
    for block in range(plan.blocks):
        for i in np.random.default_rng([plan.seed, block]).permutation(len(entrants)):
            entrant = entrants[i]
            planned = planned_trial(WORKS[entrant.work], plan.measured_s, len(trials), block, plan.seed)
            trials.append((entrant, planned))
    return trials


def fresh_folder(results: Path, console: PlainConsole) -> Path:
    """Return an empty `results/peers`; an earlier one is renamed after the time of its start."""
    folder = results / FOLDER_NAME
    try:
        if folder.exists():
            aside = _name_set_aside(folder)
            folder.rename(aside)
            console.print_sentence(f"the comparison before this one is now in {aside}")
        folder.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made: {error.strerror} (expected a place to write to)") from error
    return folder


def _name_set_aside(folder: Path) -> Path:
    try:
        # Only the start is read, since the file may be of another version.
        began = parse_time(str(read_json(folder / SUMMARY_FILE, FORMAT)["started_at"]))
    except (UserError, KeyError, ValueError):
        began = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
    stamp = began.strftime("%Y%m%dT%H%M%SZ")
    for attempt in range(1, 100):
        aside = folder.with_name(f"{FOLDER_NAME}-{stamp}" if attempt == 1 else f"{FOLDER_NAME}-{stamp}-{attempt}")
        if not aside.exists():
            return aside
    raise UserError(f"{folder}: a hundred comparisons of {stamp} are beside it already (expected fewer)")


def _run_one(
    entrant: Entrant,
    trial: PlannedTrial,
    found: AvailableTools,
    folder: Path,
    cores: CorePlan,
    measurements: list[Measurement],
) -> str:
    """Run one trial, add its result to the measurements or the failures, and return a few words on it."""
    work = WORKS[entrant.work]
    name = entrant.tool.replace(" ", "-").lower()
    own = folder / "trials" / f"{trial.index:03d}-{name}-{entrant.work}"
    tool: Tool | None = TOOLS.get(entrant.tool)
    try:
        if tool is None:
            one = harness.run_harness(work, trial, own, cores)
        else:
            one = run_tool(tool, found.programs[entrant.tool], work, trial, own, cores)
    except (ToolError, UserError, OSError) as error:
        found.failures.append(Failure(entrant.tool, entrant.work, trial.block, str(error)))
        return f"failed: {error}"
    measurements.append(one)
    return f"{one.cpu_us_per_unit:.1f} µs per {work.unit}"


def _print_plan(
    found: AvailableTools, trials: Sequence[tuple[Entrant, PlannedTrial]], folder: Path, console: PlainConsole
) -> None:
    shown = folder.relative_to(PROJECT_FOLDER) if folder.is_relative_to(PROJECT_FOLDER) else folder
    console.print_sentence(f"{len(trials)} trials, one at a time; records in {shown}")
    for name in found.not_installed:
        console.print_sentence(f"not installed, left out: {name}")
    for failure in found.failures:
        console.print_sentence(f"left out: {failure.tool}: {failure.reason}")


def summary_of(folder: Path) -> JsonObject:
    """Return the summary of a finished or interrupted run; raise UserError if no trial was finished."""
    if not (folder / SUMMARY_FILE).is_file():
        raise UserError(f"{folder}: no trial of it was finished (expected a {SUMMARY_FILE})")
    return read_summary(folder)
