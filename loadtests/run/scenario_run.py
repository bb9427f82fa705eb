"""A whole run: its folder, its trials one after the other, its progress.

Trials that the machine disturbed are measured again, a few of them. Whether one was disturbed is decided by what the
machine reports (`contract.records.disturbance`) and never by latencies, so that repeating favours no result; the
simulation of the intervals' coverage (`benchmarks.interval_coverage`) includes this rule.
"""

from __future__ import annotations

import math
import os
import shlex
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.text import Text

from contract.errors import UserError, system_errors
from contract.records import (
    SCENARIO_FILE,
    SET_ASIDE_FOLDER,
    JsonObject,
    PlannedTrial,
    RunInfo,
    finished_trial_folders,
    write_run_info,
)
from contract.transports import TRANSPORTS
from loadtests.engine.load_processes import LoadProcesses, check_enough_clients
from loadtests.engine.system_limits import ensure_descriptors, ensure_ports
from loadtests.load.trial_spec import TraceAndFaults
from loadtests.plan.blocks import check_plan, plan_trials
from loadtests.plan.durations import expected_seconds, trial_seconds
from loadtests.plan.pilot import describe_end, describe_extension, describe_pilot, extend_plan
from loadtests.plan.scenario import Scenario
from loadtests.plan.scenario_file import is_shipped
from loadtests.plan.seeds import describe_seed, draw_seed
from loadtests.run.progress_bar import RunProgress, run_progress
from loadtests.run.provenance import describe_checkout, describe_machine, describe_versions
from loadtests.run.run_servers import (
    check_server,
    check_server_limits,
    checked_faults,
    find_servers,
    without_server_parameters,
)
from loadtests.trial.run_trial import RunContext, run_trial
from loadtests.trial.trial_server import OwnServer
from system.addresses import Target
from system.processes import PROJECT_FOLDER
from system.processor import plan_cores
from terminal.console import PlainConsole
from terminal.plain import plain
from terminal.wording import minutes_and_seconds, plural

MOST_REPEATS_OF_A_TRIAL = 2
"""Three disturbed attempts in a row are no coincidence: the machine is busy."""
MOST_REPEATED_RATIO = 0.5
"""Repeats per planned trial of a run; the number is rounded up."""


@dataclass
class Repeats:
    """Limits on how many disturbed trials a run may still repeat."""

    left: int
    """Number of repeats, of all its trials together."""
    left_s: float
    """Time left in its budget beyond what its planned trials need."""

    @classmethod
    def of(cls, trials: int, spare_s: float) -> Repeats:
        """Return the repeats of a run with this many planned trials; `spare_s` is the time its budget leaves over."""
        return cls(math.ceil(MOST_REPEATED_RATIO * trials), spare_s)

    def grant(self, attempts: int, needed_s: float) -> bool:
        """Use up one repeat of a trial with this many attempts and this duration; return False if none is left."""
        if attempts > MOST_REPEATS_OF_A_TRIAL or not self.left or needed_s > self.left_s:
            return False
        self.left -= 1
        self.left_s -= needed_s
        return True


RESULTS_FOLDER = PROJECT_FOLDER / "results"
SETTINGS = {
    "compression": "off unless a point's parameters say otherwise",
    "websocket_pings": "off",
    "access_log": "off",
    "keep_alive_s": "longer than any poll interval and hold",
    "tls": "off",
    "server": "uvicorn, one process unless a point's parameters say otherwise, uvloop, httptools, websockets-sansio",
    "client_sockets": "TCP_NODELAY, SO_TIMESTAMPNS",
    "fan_out_order": "shuffled per event",
}
"""Settings that are pinned and equal for all transports; each trial.json has the server's own report of its options."""


def run_scenario(
    scenario: Scenario,
    given_seed: int | None,
    target_url: str | None,
    results: Path,
    console: PlainConsole,
    trace_and_faults: TraceAndFaults,
    load_processes: LoadProcesses,
) -> Path:
    """Measure a scenario, and return the run's folder; without a given seed, a random one is used.

    Finished trials are kept whatever happens. Raise UserError if a trial cannot be carried out; KeyboardInterrupt
    passes through. In both cases the folder is complete and can be reported.
    """
    trace_and_faults = replace(trace_and_faults, faults=checked_faults(trace_and_faults.faults, scenario, target_url))
    seed = draw_seed() if given_seed is None else given_seed
    trials = plan_trials(scenario, seed)
    if target_url is not None:
        trials = without_server_parameters(scenario, trials, target_url)
    check_enough_clients(load_processes, trials)
    servers = find_servers(scenario, target_url)
    for name, source in servers.items():
        own = tuple(trial for trial in trials if trial.parameters.server == name)
        endpoint = source.endpoint if isinstance(source, Target) else None
        ensure_descriptors(own, load_processes, endpoint)
        ensure_ports(own, endpoint, load_processes)
        if isinstance(source, OwnServer):
            check_server_limits(scenario, own)
    check_plan(scenario, trials)
    for name, source in servers.items():
        own = tuple(trial for trial in trials if trial.parameters.server == name)
        check_server(name, source, own, trace_and_faults, load_processes.listen)
    folder = _new_folder(results, scenario.name)
    cores = plan_cores(max(load_processes.local, 1))
    settings = {**trace_and_faults.as_settings(), **load_processes.as_settings()}
    given = {} if given_seed is None else {"SEED": str(given_seed)}
    given |= {} if target_url is None else {"TARGET": target_url}
    target = servers.get(None)
    run = planned_run(scenario, seed, trials, target if isinstance(target, Target) else None, settings)
    variables = {**given, **load_processes.make_variables(), **trace_and_faults.make_variables()}
    run = replace(run, asked={**run.asked, **variables})
    write_run_info(folder, run)
    (folder / SCENARIO_FILE).write_text(scenario.as_toml(), encoding="utf-8")
    _point_latest(folder, console)
    _print_plan(scenario, run, folder, console)
    if (message := load_processes.waiting_message()) is not None:
        console.print_sentence(message)
    context_of = partial(RunContext, cores, servers, trace_and_faults=trace_and_faults, load_processes=load_processes)
    repeats = Repeats.of(len(trials), scenario.budget_s - expected_seconds(trials))
    started_s = time.monotonic()
    with reporting_kept_results(folder, console), run_progress(trials, console) as progress:
        measure = partial(_measure, folder=folder, progress=progress, context_of=context_of, repeats=repeats)
        measure(trials, more_may_follow=scenario.precision is not None)
        if scenario.precision is not None:
            with system_errors(folder.name):
                run = extend_plan(folder, scenario, scenario.precision, run, time.monotonic() - started_s)
                write_run_info(folder, run)
            console.print_sentence(describe_pilot(run, len(trials)))
            further = run.plan[len(trials) :]
            progress.extend(further)
            measure(further, more_may_follow=False)
            if further:
                console.print_sentence(describe_end(run))
    return folder


def _measure(
    trials: tuple[PlannedTrial, ...],
    folder: Path,
    progress: RunProgress,
    context_of: Callable[..., RunContext],
    repeats: Repeats,
    more_may_follow: bool,
) -> None:
    for trial in trials:
        with system_errors(trial.folder_name):
            context = context_of(progress.start(trial), more_follow=more_may_follow or trial is not trials[-1])
            kept, needed_s = folder / "trials" / trial.folder_name, trial_seconds(trial.parameters)
            disturbances = run_trial(trial, kept, context)
            attempts = 1
            while disturbances and _may_repeat(context) and repeats.grant(attempts, needed_s):
                progress.print_sentence(f"trial {trial.folder_name} is measured again: {_briefly(disturbances)}")
                set_aside = folder / SET_ASIDE_FOLDER / f"{trial.folder_name}-{attempts}"
                disturbances = _repeat(trial, kept, set_aside, context)
                attempts += 1
        progress.finish(trial)


def _briefly(disturbances: Sequence[str]) -> str:
    """Return the first of a trial's disturbances and how many more there are; the report names all of them."""
    more = len(disturbances) - 1
    return f"{disturbances[0]} (and {plural(more, 'further sign')} of the machine's doing)" if more else disturbances[0]


def _may_repeat(context: RunContext) -> bool:
    # Workers on other machines know whether another trial follows, and end after the last.
    workers_gone = context.load_processes.remote and not context.more_follow
    return not (workers_gone or context.trace_and_faults.faults)


def _repeat(trial: PlannedTrial, kept: Path, set_aside: Path, context: RunContext) -> list[str]:
    """Measure a trial once more; set the last attempt aside only when the new one is complete."""
    again = set_aside.with_name(f"{set_aside.name}.next")
    try:
        disturbances = run_trial(trial, again, context)
    except BaseException:
        shutil.rmtree(again, ignore_errors=True)
        raise
    kept.rename(set_aside)
    again.rename(kept)
    return disturbances


def planned_run(
    scenario: Scenario, seed: int, trials: tuple[PlannedTrial, ...], target: Target | None, settings: JsonObject
) -> RunInfo:
    """Return the contents of run.json before the first trial."""
    styles = tuple(TRANSPORTS[name].style for name in scenario.transports)
    persistent = [style.name for style in styles if not style.polling]
    return RunInfo(
        scenario=scenario.as_json(),
        seed=seed,
        plan=trials,
        transports=styles,
        reference=(persistent or [styles[0].name])[0],
        target=None if target is None else target.url,
        machine=describe_machine(),
        versions=describe_versions(),
        settings={**_server_settings(scenario, target), **settings},
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        asked={"SCENARIO": scenario.name} if is_shipped(scenario) else {},
        checkout=describe_checkout(PROJECT_FOLDER),
    )


def _server_settings(scenario: Scenario, target: Target | None) -> JsonObject:
    if target is not None:
        return {"server": f"given: {target}"}
    if not scenario.servers:
        return {**SETTINGS}
    pinned = SETTINGS if any(server.stack is not None for server in scenario.servers) else {}
    return {**pinned, "servers": "; ".join(map(str, scenario.servers))}


def _new_folder(results: Path, name: str) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for attempt in range(1, 100):
        folder = results / (f"{stamp}-{name}" if attempt == 1 else f"{stamp}-{name}-{attempt}")
        try:
            (folder / "trials").mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise UserError(f"{folder}: cannot be made: {error.strerror} (expected a place to write to)") from error
        return folder
    raise UserError(f"{results}: has a hundred runs of this second already (expected fewer)")


def _point_latest(folder: Path, console: PlainConsole) -> None:
    latest = folder.parent / "latest"
    fresh = folder.parent / f".latest-{os.getpid()}"
    try:
        fresh.symlink_to(folder.name, target_is_directory=True)
        fresh.replace(latest)
    except OSError as error:
        # Not every file system has links, and a copy of the results may have a folder in the link's place.
        fresh.unlink(missing_ok=True)
        if latest.is_symlink():
            latest.unlink()
        console.print_sentence(f"{_shown(latest)} cannot be made a link to this run: {error.strerror}; name its folder")


@contextmanager
def reporting_kept_results(folder: Path, console: PlainConsole) -> Iterator[None]:
    """After an error or Ctrl-C, print how many finished trials are kept and how to report them."""
    try:
        yield
    except (UserError, KeyboardInterrupt):
        if kept := len(finished_trial_folders(folder)):
            kept_trials = f"{plural(kept, 'finished trial')} {'is' if kept == 1 else 'are'} kept"
            console.print_sentence(f"{kept_trials}: make report RUN={shlex.quote(str(folder))}")
        raise


def _print_plan(scenario: Scenario, run: RunInfo, folder: Path, console: PlainConsole) -> None:
    console.print(Text.assemble((scenario.name, "bold"), f": {plain(scenario.description)}"))
    if scenario.wrong_way:
        console.print_sentence(f"WRONG WAY on purpose: {scenario.wrong_way}", style="bold red")
    console.print_sentence(
        f"points: {len(scenario.points())}, blocks: {scenario.repeats}, trials: {len(run.plan)}, about "
        f"{minutes_and_seconds(expected_seconds(run.plan))}{describe_extension(scenario)}; records in {_shown(folder)}"
    )
    console.print_sentence(describe_seed(run.seed))


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
