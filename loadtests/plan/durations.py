"""Planned durations of a trial's parts, and limits for them. Pure."""

from __future__ import annotations

from contract.parameters import Parameters
from contract.records import PlannedTrial

OVERHEAD_S = 1.0
"""Time planned for starting, connecting and stopping one trial's processes (the limit is 1.5 s)."""
CONNECT_S_PER_CLIENT = 0.001
"""Further time for each client to connect, and to close at the end: a WebSocket's handshake takes longest."""
CONNECT_PATIENCE_S, CONNECT_PATIENCE_S_PER_CLIENT = 15.0, 0.01
ANALYSIS_S = 6.0
LINGER_S = 0.1
"""Time after the last event in which a late duplicate would still be seen."""
DRAIN_MARGIN_S = 2.0
LAST_TURN_MARGIN_S = 1.0
"""Time that a busy machine may take to deliver the last events to a client without a cursor."""


def trial_seconds(parameters: Parameters) -> float:
    """Return the planned time of one trial: its stream, the last poll after it, and its processes."""
    turn_s = parameters.longest_wait_for_poll_s + 2 * parameters.one_way_delay_ms / 1000
    if not parameters.cursor:
        turn_s = last_turn_s(parameters)
    stream_s = parameters.warm_up_s + parameters.measured_s
    return OVERHEAD_S + CONNECT_S_PER_CLIENT * parameters.clients + stream_s + turn_s + LINGER_S


def expected_seconds(trials: tuple[PlannedTrial, ...]) -> float:
    """Return the planned time of a run with these trials, analysis included."""
    return ANALYSIS_S + sum(trial_seconds(trial.parameters) for trial in trials)


def connect_patience_s(parameters: Parameters) -> float:
    """Return how long a trial's clients may take to be ready: ten times the plan, as the machine may be busy.

    The same holds for each of several load processes: the server accepts the clients of all of them, in any order.
    """
    return CONNECT_PATIENCE_S + CONNECT_PATIENCE_S_PER_CLIENT * parameters.clients


def stream_lead_ms(parameters: Parameters) -> int:
    """Return the time from posting a stream to its start, by when every client must be ready for it."""
    return 40 + parameters.clients // 50


def drain_limit_s(parameters: Parameters) -> float:
    """Return how long after the stream's end a trial waits for the last event.

    At least one poll interval or hold, since clients that only wait for their turn must not be cut off, plus three
    round trips for the network and a margin for the system.
    """
    held_s = 0.0 if parameters.hold_s is None else parameters.hold_s
    turn_s = max(parameters.longest_wait_for_poll_s, held_s) + parameters.turnaround_jitter_ms / 1000
    return turn_s + 6 * parameters.one_way_delay_ms / 1000 + DRAIN_MARGIN_S


def last_turn_s(parameters: Parameters) -> float:
    """Return how long after the stream's end a client without a cursor can still receive an event, and a margin.

    A held poll has been answered when the last event was published: its answer then takes one transit.
    """
    return parameters.longest_wait_for_poll_s + 6 * parameters.one_way_delay_ms / 1000 + LAST_TURN_MARGIN_S


def lag_period_ns(parameters: Parameters) -> int:
    """Return how often a load process records the lateness of its timers.

    Ten times in the measured window, but at least twice and at most five times a second.
    """
    return round(1e9 * min(max(parameters.measured_s / 10, 0.2), 0.5))
