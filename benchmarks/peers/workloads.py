"""The two workloads of every load generator, and the harness's trial with the same work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from contract.parameters import DEFAULTS, Parameters
from contract.records import PlannedTrial
from contract.stream import due_offsets_ns, payloads
from contract.transports import TRANSPORTS
from loadtests.plan.blocks import stream_spec
from loadtests.plan.seeds import block_seed

WorkName = Literal["websocket", "poll"]

EVENTS_PER_S = 2.0
PAYLOAD_BYTES = 100
WARM_UP_S = 1.0
STACK = "asgi"
"""The server's stack in both workloads: it is the tools that should reach their limit."""
BEYOND_THE_STREAM = 1_000_000_000
"""A cursor that no stream reaches, for pollers without a cursor of their own, which then always get 204."""


@dataclass(frozen=True, slots=True)
class Work:
    """The workload of a load generator."""

    name: WorkName
    server: str
    """`python -m servers <server>` offers it."""
    transport: str
    """The transport's name in the harness."""
    clients: int
    probes: int
    """Clients in a process of their own that record kernel stamps for every tool (benchmarks/peers/probe.py)."""
    unit: str
    """The unit that is counted, in the singular."""
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
    """Return the harness's own trial of this work, whose stream is used for every tool.

    Events are periodic: at 2 per second both ends of the window lie a quarter of a second from the nearest event, so
    that no delivery straddles them. The server is already running, so the trial does not state its stack.
    """
    stated = {
        **DEFAULTS,
        "clients": work.clients,
        "rate_per_s": EVENTS_PER_S,
        "arrival": "periodic",
        "payload_bytes": PAYLOAD_BYTES,
        "one_way_delay_ms": 0.0,
        "warm_up_s": WARM_UP_S,
        "measured_s": measured_s,
        "poll_interval_s": 0.0,
        "pacing": "pause",
    }
    parameters = TRANSPORTS[work.transport].select(Parameters.of(stated)).without("stack", "server_processes")
    seed = block_seed(run_seed, block)
    return PlannedTrial(index, block, point=0, transport=work.transport, parameters=parameters, seed=seed)


@dataclass(frozen=True, slots=True)
class Stream:
    """The stream that the server publishes in a trial."""

    due_offsets_ns: tuple[int, ...]
    payloads: tuple[str, ...]

    @classmethod
    def of(cls, trial: PlannedTrial) -> Stream:
        """Return the stream of the harness's trial."""
        spec = stream_spec(trial)
        return cls(tuple(due_offsets_ns(spec).tolist()), tuple(payloads(spec)))

    def due_between(self, start_ns: int, end_ns: int) -> int:
        """Return how many events are due at offsets in [start_ns, end_ns)."""
        offsets = np.asarray(self.due_offsets_ns, dtype=np.int64)
        return int(((offsets >= start_ns) & (offsets < end_ns)).sum())
