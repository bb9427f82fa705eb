"""`python -m loadtests run|plan|scenarios|worker|ui`: the command line of the load side."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from contract.errors import UserError
from contract.records import RunInfo, write_run_info
from loadtests.load.trial_spec import TraceAndFaults
from loadtests.plan.scenario_file import load_scenario, shipped_scenarios
from loadtests.plan.seeds import checked_seed, describe_seed, draw_seed
from system.addresses import checked_url
from terminal.console import PlainConsole
from terminal.plain import print_error

_SEED_HELP = "the seed of streams, phases and orders, to repeat those of an earlier run (default: random)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status: 0, 2 for a user's mistake, or 3 for a report on an INVALID run."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.command(options) or 0
    except UserError as error:
        print_error(error)
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtests", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="run|plan|scenarios|worker|ui")
    scenario_help = f"{', '.join(shipped_scenarios())}, or the path of a .toml file"
    run = commands.add_parser("run", help="measure a scenario")
    run.add_argument("scenario", help=scenario_help)
    run.add_argument("--target", default="", help="URL of a running server to measure instead")
    run.add_argument("--results", type=Path, default=None, help="folder for runs (default: results)")
    run.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="SPEC",
        help="make the servers misbehave on purpose, for example drop:seq=5 (repeatable; the run is INVALID)",
    )
    run.add_argument(
        "--trace", action="store_true", help="make the server record when it wrote each delivery (costs CPU time)"
    )
    run.add_argument("--processes", default="", metavar="N", help="load processes on this machine (default: 1)")
    run.add_argument("--workers", default="", metavar="N", help="load processes on other machines (see worker)")
    run.add_argument("--listen", default="", metavar="ADDRESS", help="address of server and master (loopback)")
    run.add_argument("--port", default="", help="port on which the master waits for workers (default: 5557)")
    run.add_argument("--seed", default="", help=_SEED_HELP)
    run.add_argument("--report", action="store_true", help="write the report when the run is measured")
    run.set_defaults(command=_run)
    worker = commands.add_parser("worker", help="run as a load process for a run on another machine")
    worker.add_argument("--master", required=True, metavar="HOST", help="address on which the run's master listens")
    worker.add_argument("--port", default="", help="port of the master (default: 5557)")
    worker.add_argument(
        "--keep", type=Path, default=None, help="folder for records that no master received (results/workers)"
    )
    worker.set_defaults(command=_worker)
    plan = commands.add_parser("plan", help="print what a scenario would measure, and in which order")
    plan.add_argument("scenario", help=scenario_help)
    plan.add_argument("--seed", default="", help=_SEED_HELP)
    plan.add_argument("--results", type=Path, default=None, help="folder of earlier runs (default: results)")
    plan.set_defaults(command=_plan)
    scenarios = commands.add_parser("scenarios", help="print docs/using/scenarios.md: all scenarios and parameters")
    scenarios.set_defaults(command=_scenarios)
    ui = commands.add_parser("ui", help="Locust's web UI on the users of every transport")
    ui.add_argument("--port", type=int, default=8089, help="port of the web UI (default: 8089)")
    ui.add_argument("--seed", default="", help="seed of the stream (default: random)")
    ui.set_defaults(command=_ui)
    return parser


def _run(options: argparse.Namespace) -> int:
    from loadtests.engine.load_processes import parse_load_processes
    from loadtests.run.measurement_lock import one_at_a_time
    from loadtests.run.scenario_run import RESULTS_FOLDER, run_scenario

    scenario = load_scenario(options.scenario)
    target = checked_url("TARGET", options.target) if options.target else None
    seed = checked_seed(options.seed)
    load_processes = parse_load_processes(options.processes, options.workers, options.listen, options.port)
    results = (options.results or RESULTS_FOLDER).resolve()
    trace_and_faults = TraceAndFaults(options.trace, tuple(spec for given in options.fault for spec in given.split()))
    console = PlainConsole(stderr=True)
    with one_at_a_time():
        folder = run_scenario(scenario, seed, target, results, console, trace_and_faults, load_processes)
        return _report(folder, console) if options.report else 0


def _report(folder: Path, console: PlainConsole) -> int:
    """Run the analysis, which writes the report from the run's folder, and return its exit status."""
    from loadtests.run.scenario_run import reporting_kept_results
    from system.processes import PROJECT_FOLDER

    command = [sys.executable, "-m", "analysis", "report", str(folder)]
    with (
        reporting_kept_results(folder, console),
        # In a session of its own it does not receive Ctrl-C, so that only this program reports the interruption.
        subprocess.Popen(command, cwd=PROJECT_FOLDER, start_new_session=True) as analysis,
    ):
        try:
            return analysis.wait()
        except KeyboardInterrupt:
            analysis.terminate()
            raise


def _plan(options: argparse.Namespace) -> int:
    from loadtests.plan.blocks import plan_trials
    from loadtests.plan.durations import expected_seconds
    from loadtests.plan.pilot import describe_extension
    from loadtests.plan.toml_values import toml_value
    from loadtests.run.scenario_run import RESULTS_FOLDER, planned_run

    scenario = load_scenario(options.scenario)
    seed = checked_seed(options.seed)
    seed = draw_seed() if seed is None else seed
    trials = plan_trials(scenario, seed)
    for trial in trials:
        parameters = ", ".join(f"{name} {toml_value(value)}" for name, value in trial.parameters.items())
        print(f"{trial.index:3d}  block {trial.block}  {trial.transport:12s}  {parameters}")
    within = f"about {expected_seconds(trials):.0f} s of {scenario.budget_s:g} s"
    print(f"trials: {len(trials)}, {within}{describe_extension(scenario)}")
    print(describe_seed(seed))
    return _print_detectable(planned_run(scenario, seed, trials, None, {}), options.results or RESULTS_FOLDER)


def _print_detectable(run: RunInfo, results: Path) -> int:
    """Print the smallest differences that a planned run can show, and return an exit status.

    A program of the analysis computes them from the summaries of earlier runs and the planned run's run.json.
    """
    from system.processes import PROJECT_FOLDER

    with tempfile.TemporaryDirectory() as folder:
        write_run_info(Path(folder), run)
        command = [sys.executable, "-m", "analysis", "detectable", "--results", str(results.resolve()), folder]
        done = subprocess.run(command, cwd=PROJECT_FOLDER, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="")
    return done.returncode


def _scenarios(_: argparse.Namespace) -> None:
    from loadtests.plan.scenario_document import scenario_document

    print(scenario_document(), end="")


def _worker(options: argparse.Namespace) -> None:
    from loadtests.engine.load_processes import parse_master_port
    from loadtests.engine.worker_command import serve_trials
    from loadtests.run.scenario_run import RESULTS_FOLDER

    keep = (options.keep or RESULTS_FOLDER / "workers").resolve()
    serve_trials(options.master, parse_master_port(options.port), keep, PlainConsole(stderr=True))


def _ui(options: argparse.Namespace) -> None:
    from loadtests.engine.web_ui import serve_ui

    serve_ui(options.port, checked_seed(options.seed))
