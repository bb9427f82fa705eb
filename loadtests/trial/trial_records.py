"""The records of a trial, built from the reports of its processes. Pure."""

from __future__ import annotations

import numpy as np

from contract import wire
from contract.records import NO_TIME_NS, JsonObject, PlannedTrial, Published, TrialInfo, Written
from contract.stream import due_offsets_ns, payloads
from contract.transports import TRANSPORTS
from loadtests.load.trial_spec import LoadOutcome
from loadtests.plan.blocks import stream_spec
from system.addresses import Endpoint
from system.processor import CorePlan


def published_events(trial: PlannedTrial, outcome: LoadOutcome, stats: JsonObject) -> Published:
    """Return the planned stream with the times at which the server published each event."""
    stream = stream_spec(trial)
    offsets_ns = due_offsets_ns(stream)
    texts = payloads(stream)
    clock_offset_ns = outcome.server_clock["offset_ns"]
    stamps = {} if TRANSPORTS[trial.transport].kind.clients_send else {row[0]: row[2] for row in stats["published"]}
    rows: list[int] = []
    for i, offset_ns in enumerate(offsets_ns.tolist()):
        due_ns = outcome.t0_ns + offset_ns
        server_due_ns = due_ns + clock_offset_ns
        stamp_ns = stamps.get(i + 1)
        # An event that was not published, or published by a client, counts as long as if it had been on time.
        event = wire.Event(i + 1, server_due_ns, server_due_ns if stamp_ns is None else stamp_ns, texts[i % len(texts)])
        published_ns = NO_TIME_NS if stamp_ns is None else stamp_ns - clock_offset_ns
        rows += (i + 1, due_ns, published_ns, len(wire.encode_event(event)))
    return Published.from_rows(np.array(rows, dtype=np.int64))


def count_events(trial: PlannedTrial) -> int:
    """Return the number of events in a trial's stream."""
    return len(due_offsets_ns(stream_spec(trial)))


def written_events(trace: bytes | None, outcome: LoadOutcome) -> Written | None:
    """Return the server's trace on the load's clock; None without one."""
    if trace is None:
        return None
    written = Written.from_rows(np.frombuffer(trace, dtype="<i8"))
    written.written_ns[:] -= outcome.server_clock["offset_ns"]
    return written


def trial_info(
    trial: PlannedTrial,
    outcome: LoadOutcome,
    stats: JsonObject,
    relay: JsonObject | None,
    waking_ratio: float | None,
    fixed_work_ns: tuple[int, ...],
    cores: CorePlan,
    server: Endpoint,
    clients_connect_to: Endpoint,
    started_s: float,
    ended_s: float,
) -> TrialInfo:
    """Return trial.json; `started_s` and `ended_s` (monotonic) enclose all of the trial's processes."""
    timing_s = {
        "set_up": outcome.t0_ns / 1e9 - started_s,
        "stream": (outcome.window_end_ns - outcome.t0_ns) / 1e9,
        "drain": (outcome.finished_ns - outcome.window_end_ns) / 1e9,
        "tear_down": ended_s - outcome.finished_ns / 1e9,
        "total": ended_s - started_s,
    }
    return TrialInfo(
        index=trial.index,
        block=trial.block,
        point=trial.point,
        transport=trial.transport,
        parameters=trial.parameters,
        seed=trial.seed,
        expected_events=count_events(trial),
        t0_ns=outcome.t0_ns,
        window_start_ns=outcome.window_start_ns,
        window_end_ns=outcome.window_end_ns,
        end=outcome.end,
        problems=outcome.problems,
        capabilities={
            "kernel_stamps": outcome.kernel_stamps,
            "tcp_info": outcome.tcp_info,
            "deflated": outcome.deflated,
            "cpu_pinned": cores.as_json(),
            "server_address": str(server),
            "ip_version": clients_connect_to.ip_version,
            "server_clock": outcome.server_clock,
            "clients_stamp": TRANSPORTS[trial.transport].kind.clients_send,
        },
        server_stats={name: value for name, value in stats.items() if name != "published"},
        relay=relay,
        timing_s={name: round(seconds, 4) for name, seconds in timing_s.items()},
        workers=outcome.workers,
        waking_ratio=waking_ratio,
        fixed_work_ns=fixed_work_ns,
    )
