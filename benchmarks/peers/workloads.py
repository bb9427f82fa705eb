"""The two pieces of work that every load generator is given, and the trial of the harness that is the same work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from contract.records import PARAMETER_DEFAULTS, PlannedTrial
from contract.stream import due_offsets_ns, payloads
from loadtests.plan.blocks import stream_spec
from loadtests.plan.seeds import block_seed

WorkName = Literal["websocket", "poll"]

EVENTS_PER_S = 2.0
PAYLOAD_BYTES = 100
WARM_UP_S = 1.0
STACK = "asgi"
"""The server's, of both works: it is the tools that are to be at their limit."""
BEYOND_THE_STREAM = 1_000_000_000
"""A cursor that no stream reaches: what a poller without a cursor of its own asks after, and always gets 204."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a load generator is given to do."""

    name: WorkName
    server: str
    """`python -m servers <server>` offers it."""
    transport: str
    """What the harness calls it."""
    clients: int
    probes: int
    """Clients of a process of their own that see what the kernel sees, whatever the tool
    (benchmarks/peers/probe.py)."""
    unit: str
    """What is counted, in the singular."""
    unit_plural: str
    description: str


WORKS: dict[WorkName, Work] = {
    work.name: work
    for work in (
        Work(
            "websocket", "websocket", "websocket", 1000, 20, "delivery", "deliveries",
            f"1000 WebSocket clients, each sent {EVENTS_PER_S:g} events per second",
        ),
        Work(
            "poll", "polling", "short_poll", 50, 5, "poll", "polls",
            "50 clients, each polling again as soon as it is answered",
        ),
    )
}  # fmt: skip


def planned_trial(work: Work, measured_s: float, index: int, block: int, run_seed: int) -> PlannedTrial:
    """The harness' own trial of this work; the stream of it is the stream of every tool.

    Events are periodic: at 2 per second both ends of the window lie a quarter of a second from the nearest event, so
    that no delivery straddles them. The server is one that is already running, of whose stack a trial says nothing.
    """
    parameters: dict[str, Any] = {
        "clients": work.clients,
        "rate_per_s": EVENTS_PER_S,
        "arrival": "periodic",
        "payload_bytes": PAYLOAD_BYTES,
        "one_way_delay_ms": 0.0,
        "warm_up_s": WARM_UP_S,
        "measured_s": measured_s,
        "compression": PARAMETER_DEFAULTS["compression"],
    }
    if work.name == "poll":
        own = ("headers", "keep_alive", "cursor", "phase")
        parameters |= {"poll_interval_s": 0.0, "pacing": "pause", **{name: PARAMETER_DEFAULTS[name] for name in own}}
    seed = block_seed(run_seed, block)
    return PlannedTrial(index, block, point=0, transport=work.transport, parameters=parameters, seed=seed)


@dataclass(frozen=True, slots=True)
class Stream:
    """What the server is asked to publish for a trial."""

    due_offsets_ns: tuple[int, ...]
    payloads: tuple[str, ...]

    @classmethod
    def of(cls, trial: PlannedTrial) -> Stream:
        """The stream of the harness' trial."""
        spec = stream_spec(trial)
        return cls(tuple(due_offsets_ns(spec).tolist()), tuple(payloads(spec)))

    def due_between(self, start_ns: int, end_ns: int) -> int:
        """How many events are due at offsets in [start_ns, end_ns)."""
        offsets = np.asarray(self.due_offsets_ns, dtype=np.int64)
        return int(((offsets >= start_ns) & (offsets < end_ns)).sum())
