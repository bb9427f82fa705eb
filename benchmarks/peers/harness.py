"""The harness's own row: an ordinary trial, as with `make bench TARGET=`, on the same server as the other tools."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np

from analysis.trial.measures import TrialMeasures, measure
from benchmarks.peers.measurement import Measurement, kernel_latencies_ms
from benchmarks.peers.tool import ToolDescription, ToolError
from benchmarks.peers.trial_setup import set_up
from benchmarks.peers.workloads import Work, WorkName
from contract.records import PlannedTrial, SampleRole, Trial
from contract.transports import TRANSPORTS
from loadtests.engine.load_processes import LoadProcesses
from loadtests.load.trial_spec import TraceAndFaults
from loadtests.trial.run_trial import RunContext, run_trial
from system.addresses import Endpoint, Target
from system.processes import PROJECT_FOLDER
from system.processor import CorePlan

NAME = "push-vs-poll"
DESCRIPTIONS: dict[WorkName, ToolDescription] = {
    "websocket": ToolDescription(
        "an ordinary trial, everything recorded: of each delivery due time, kernel's and own stamp, payload checked",
        "from when the event was due to when the kernel had it",
        ("what a browser does with it",),
    ),
    "poll": ToolDescription(
        "an ordinary short poll trial, everything recorded: each poll and each delivery; no pause after an answer",
        "from a poll's request to its answer; how old events are is reported apart, and is its headline",
        ("what a browser does with it",),
    ),
}


def own_version() -> str:
    """Return the version of this project."""
    text = (PROJECT_FOLDER / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def run_harness(work: Work, trial: PlannedTrial, folder: Path, cores: CorePlan) -> Measurement:
    """Run the trial, and keep its records in `folder`/trial."""
    folder.mkdir(parents=True)
    with set_up(work, folder, cores) as probed:
        target = Target(probed.url, Endpoint.of_url(probed.url))
        context = RunContext(cores, {None: target}, _ignore, TraceAndFaults(), LoadProcesses(), more_follow=False)
        run_trial(trial, folder / "trial", context)
        probed.probe.stop()
    return _measured(Trial.load(folder / "trial"), work, folder)


def reasons_against_a_row(measures: TrialMeasures) -> list[str]:
    """Return why a trial gives no row, without the reasons that are not checked for other tools either.

    These are a saturated server, which polling without a pause intends, other programs on its cores, and a load that
    sends or reads late.
    """
    left_out = measures.server_reasons | measures.machine_reasons | measures.load_reasons
    return [reason for reason in measures.reasons if reason not in left_out]


def _ignore(_elapsed_s: float) -> None:
    """Draw nothing while a trial runs."""


def _measured(record: Trial, work: Work, folder: Path) -> Measurement:
    style = TRANSPORTS[record.info.transport].style
    measures = measure(record, style)
    if reasons := reasons_against_a_row(measures):
        raise ToolError("INVALID: " + "; ".join(reasons))
    load = measures.processors[SampleRole.LOAD]
    if load is None:
        raise ToolError("its CPU time was not sampled")
    latency_ms = measures.latencies.latency_ms
    reported_ms = latency_ms if work.name == "websocket" else measures.answers_ms
    ledger = measures.ledger
    return Measurement(
        tool=NAME,
        work=work.name,
        block=record.info.block,
        window_s=measures.window_s,
        cpu_ns=round(load.cpu_ns),
        units=measures.deliveries if work.name == "websocket" else measures.requests.sent,
        counted=ledger["delivered"] if work.name == "websocket" else measures.requests.totals["polls"],
        expected=ledger["expected"] if work.name == "websocket" else None,
        reported_p50_ms=float(np.quantile(reported_ms, 0.5)),
        reported_mean_ms=float(np.mean(reported_ms)),
        kernel_ms=kernel_latencies_ms(folder, record.info.window_start_ns, record.info.window_end_ns),
        staleness_p50_ms=float(np.quantile(latency_ms, 0.5)),
    )
