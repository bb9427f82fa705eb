"""A trial of another tool: the tool connects, the stream starts, and its CPU time is read at the window's ends."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.measurement import Measurement, kernel_latencies_ms, probe_requests
from benchmarks.peers.probe import HOST
from benchmarks.peers.tool import Job, Tool, ToolError, ToolReport
from benchmarks.peers.tool_processes import CpuReading, ToolProcesses
from benchmarks.peers.trial_setup import ProbedServer, set_up
from benchmarks.peers.workloads import WARM_UP_S, Stream, Work
from contract.records import PlannedTrial
from system.processor import CorePlan

_SETTLE_S = 0.3
"""Time between the last connection and the stream, for clients of any tool to start listening."""
_START_IN_MS = 120
"""Time between posting the stream and its start, by when the answer must be back."""
_MARGIN_S = 1.0
_FINISH_PATIENCE_S = 45.0
"""Time for a tool to write its report once its clients are done; Artillery takes ten seconds."""
_LEAST_COUNTED_RATIO = 0.99


@dataclass(frozen=True, slots=True)
class _Edge:
    """The readings at one end of the window."""

    cpu: CpuReading
    at_ns: int
    requests: int
    connected: int


@dataclass(frozen=True, slots=True)
class _Window:
    """The readings at both ends, and the stream's start."""

    t0_ns: int
    start: _Edge
    end: _Edge


def run_tool(tool: Tool, program: Path, work: Work, trial: PlannedTrial, folder: Path, cores: CorePlan) -> Measurement:
    """Run the trial and keep its files in `folder`; raise ToolError if the tool could not do the work."""
    folder.mkdir(parents=True)
    stream = Stream.of(trial)
    measured_s = trial.parameters.measured_s
    with ExitStack() as running:
        home = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="push-vs-poll-peers-")))
        probed = running.enter_context(set_up(work, folder, cores))
        stay_s = _SETTLE_S + _START_IN_MS / 1000 + WARM_UP_S + measured_s + _MARGIN_S
        job = Job(work, HOST, probed.port, stay_s, folder, home)
        running.enter_context(tool.companions(job))
        process = running.enter_context(
            ToolProcesses(tool.launch(program, job), folder / "output.log", folder, cores.load)
        )
        probed.wait_for(work.clients, lambda: _early_end(process))
        time.sleep(_SETTLE_S)
        window = _watch(probed, process, stream, measured_s)
        probed.probe.stop()
        if not process.finish(_FINISH_PATIENCE_S):
            raise ToolError(f"still running {_FINISH_PATIENCE_S:g} s after its work was done")
        account = tool.read_report(job, process.output())
    return _judged(tool, work, trial, stream, window, account, folder)


def _early_end(process: ToolProcesses) -> str | None:
    if process.exit_code is None:
        return None
    return f"ended with exit status {process.exit_code} before its clients were connected: {process.last_output()}"


def _watch(probed: ProbedServer, process: ToolProcesses, stream: Stream, measured_s: float) -> _Window:
    t0_ns = probed.control.start_stream(_START_IN_MS, list(stream.due_offsets_ns), list(stream.payloads))
    _sleep_until(t0_ns + round(WARM_UP_S * 1e9))
    start = _edge(probed, process)
    _sleep_until(t0_ns + round((WARM_UP_S + measured_s) * 1e9))
    end = _edge(probed, process)
    for edge in (start, end):
        if edge.connected < probed.work.clients:
            raise ToolError(f"had only {edge.connected} of {probed.work.clients} clients connected in the window")
    if gone := end.cpu.gone_since(start.cpu):
        raise ToolError(f"{gone} of its processes ended within the window, their CPU time unknown")
    return _Window(t0_ns, start, end)


def _edge(probed: ProbedServer, process: ToolProcesses) -> _Edge:
    cpu = process.cpu()
    stats = probed.control.stats()
    return _Edge(cpu, time.monotonic_ns(), int(stats["requests"]), probed.connected(stats))


def _sleep_until(at_ns: int) -> None:
    time.sleep(max(0.0, (at_ns - time.monotonic_ns()) / 1e9))


def _judged(
    tool: Tool, work: Work, trial: PlannedTrial, stream: Stream, window: _Window, account: ToolReport, folder: Path
) -> Measurement:
    start, end = window.start, window.end
    if work.name == "websocket":
        events = stream.due_between(start.cpu.at_ns - window.t0_ns, end.cpu.at_ns - window.t0_ns)
        units = events * work.clients
        expected: int | None = len(stream.due_offsets_ns) * work.clients
    else:
        # The server's count, without the probes' polls and the request that read it.
        units = end.requests - start.requests - 1 - probe_requests(folder, start.at_ns, end.at_ns)
        expected = None
    if account.units is not None and account.units < _LEAST_COUNTED_RATIO * (expected or units):
        raise ToolError(f"counted {account.units} {work.unit_plural} of at least {expected or units}")
    if units <= 0:
        raise ToolError(f"not one {work.unit} in the window")
    on_push = work.name == "websocket"
    return Measurement(
        tool=tool.name,
        work=work.name,
        block=trial.block,
        window_s=(end.cpu.at_ns - start.cpu.at_ns) / 1e9,
        cpu_ns=end.cpu.since(start.cpu),
        units=units,
        counted=account.units,
        expected=expected,
        reported_p50_ms=account.p50_ms,
        reported_mean_ms=account.mean_ms,
        kernel_ms=kernel_latencies_ms(folder, start.cpu.at_ns, end.cpu.at_ns),
        staleness_p50_ms=account.p50_ms if on_push else None,
    )
