"""What a run asks of the harness's own servers, checked before it starts: their limits, and the faults to commit."""

from __future__ import annotations

import numpy as np

from contract.errors import UserError
from contract.faults import FaultSpecError, parse_fault
from contract.records import PlannedTrial
from contract.stream import due_offsets_ns, payloads
from contract.transports import TRANSPORTS
from contract.wire import DEFAULT_HISTORY_EVENTS, MAX_EVENTS, MAX_HISTORY_BYTES, history_bytes
from loadtests.plan.blocks import stream_spec
from loadtests.plan.scenario import Scenario


def check_server_limits(scenario: Scenario, trials: tuple[PlannedTrial, ...]) -> None:
    """Raise UserError if a stream exceeds a server's limits, or the events that it keeps between two polls."""
    for trial in trials:
        if not TRANSPORTS[trial.transport].kind.clients_send:
            _check_stream(f"scenario {scenario.name}: {trial.transport} at {_stream_in_words(trial)}", trial)


def _check_stream(what: str, trial: PlannedTrial) -> None:
    spec = stream_spec(trial)
    expected = spec.rate_per_s * spec.duration_s
    # Far beyond the limit, computing the due times would itself exhaust the memory.
    offsets_ns = due_offsets_ns(spec) if expected < 2 * MAX_EVENTS else np.empty(0, dtype=np.int64)
    events = len(offsets_ns) or round(expected)
    if events > MAX_EVENTS:
        raise UserError(
            f"{what} has {events} events, more than the {MAX_EVENTS} that a server takes "
            "(expected a lower rate or a shorter trial)"
        )
    needed_bytes = history_bytes(events, DEFAULT_HISTORY_EVENTS, payloads(spec))
    if needed_bytes > MAX_HISTORY_BYTES:
        raise UserError(
            f"{what} with payload_bytes = {spec.payload_bytes} has a history of {needed_bytes} bytes, more than the "
            f"{MAX_HISTORY_BYTES} that a server keeps (expected smaller payloads or fewer events)"
        )
    gap_s = _between_reads_s(trial)
    most = _most_within(offsets_ns, round(gap_s * 1e9))
    if most > DEFAULT_HISTORY_EVENTS:
        raise UserError(
            f"{what} has {most} events within the {gap_s:g} s between two polls, more than the "
            f"{DEFAULT_HISTORY_EVENTS} that a server keeps (expected a lower rate or more frequent polls)"
        )


def _stream_in_words(trial: PlannedTrial) -> str:
    parameters = trial.parameters
    stream_s = parameters.warm_up_s + parameters.measured_s
    return f"rate_per_s = {parameters.rate_per_s:g} for {stream_s:g} s"


def _between_reads_s(trial: PlannedTrial) -> float:
    """Return the least time between two polls of a client as the server receives them; 0 without polls or a cursor."""
    parameters = trial.parameters
    if not TRANSPORTS[trial.transport].polling or not parameters.cursor:
        return 0.0
    round_trip_s = 2 * parameters.one_way_delay_ms / 1000
    return max(parameters.longest_wait_for_poll_s, round_trip_s)


def _most_within(offsets_ns: np.ndarray[tuple[int], np.dtype[np.int64]], span_ns: int) -> int:
    """Return the largest number of events within any span of this length."""
    ends = np.searchsorted(offsets_ns, offsets_ns + span_ns, side="left")
    return int((ends - np.arange(len(offsets_ns))).max(initial=0)) if span_ns else 0


def checked_faults(specs: tuple[str, ...], scenario: Scenario, target: str | None) -> tuple[str, ...]:
    """Return the specifications in their shortest form; raise UserError if one is invalid or does not apply."""
    if not specs:
        return ()
    if target is not None:
        raise UserError(f"--fault {specs[0]}: not for the server at {target} (give it --fault where it is started)")
    for server in scenario.servers:
        if server.stack is None:
            raise UserError(f"--fault {specs[0]}: not for {server} (expected servers of the harness alone)")
    for name in scenario.transports:
        if TRANSPORTS[name].kind.clients_send:
            raise UserError(f"--fault {specs[0]}: {name} carries no event stream (expected a scenario without echoes)")
    for point in scenario.points():
        if (processes := point.parameters.server_processes) > 1:
            raise UserError(
                f"--fault {specs[0]}: not with server_processes = {processes} (expected 1: faults number clients in "
                "the order in which they connect, which several processes do not know)"
            )
    try:
        return tuple(str(parse_fault(spec)) for spec in specs)
    except FaultSpecError as error:
        raise UserError(str(error)) from error
