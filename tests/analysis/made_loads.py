"""Trials of a server whose service times are dictated: what capacities are told from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.summary.capacity import TrialLoad
from contract.parameters import Parameters
from contract.transports import TRANSPORTS

BASE = Parameters.of({
    "clients": 100, "rate_per_s": 20.0, "arrival": "periodic", "payload_bytes": 100, "one_way_delay_ms": 0.0,
    "warm_up_s": 0.5, "measured_s": 2.0, "poll_interval_s": 0.1, "hold_s": 30.0,
})  # fmt: skip
MODELS = {name: TRANSPORTS[name].model for name in ("websocket", "sse", "long_poll", "short_poll")}
HEADER_BYTES, EVENT_BYTES, FRAME_BYTES = 250.0, 180.0, 4.0


@dataclass(frozen=True)
class Server:
    """Microseconds of CPU; a saturated one needs `economy` of them."""

    poll_us: float = 200.0
    event_us: float = 5.0
    push_us: float = 25.0
    economy: float = 0.8

    def load(self, transport: str, clients: int, block: int = 0, **parameters: float) -> TrialLoad:
        """One trial: what is asked, or as much of it as a whole core does."""
        asked = {**BASE, **parameters, "clients": clients}
        pushed = MODELS[transport] == "push"
        events_per_s = clients * asked["rate_per_s"]
        polls_per_s = {
            "push": 0.0, "long_poll": events_per_s, "short_poll": clients / asked["poll_interval_s"]
        }[MODELS[transport]]  # fmt: skip
        for name in ("poll_interval_s", "hold_s"):
            if name not in TRANSPORTS[transport].parameters:
                del asked[name]
        cpu_ratio = (polls_per_s * self.poll_us + events_per_s * (self.push_us if pushed else self.event_us)) / 1e6
        full = cpu_ratio * self.economy > 1
        done = 1 / (cpu_ratio * self.economy) if full else 1.0
        seconds = asked["measured_s"]
        deliveries = events_per_s * done * seconds
        framing = FRAME_BYTES * deliveries + HEADER_BYTES * polls_per_s * done * seconds
        return TrialLoad(
            transport=transport,
            kind=TRANSPORTS[transport].kind,
            parameters=Parameters.of(asked),
            block=block,
            window_s=seconds,
            server_cpu_s=seconds * (0.99 if full else cpu_ratio),
            server_core_s=seconds,
            polls=round(polls_per_s * done * seconds),
            deliveries=round(deliveries),
            socket_bytes=EVENT_BYTES * deliveries + framing,
            payload_bytes=EVENT_BYTES * deliveries,
            reach_beyond_model_ms=1000.0 if full else 20.0,
        )


@dataclass(frozen=True)
class Comparison:
    """What push and short polls are both tried at."""

    clients: int
    rate_per_s: float
    poll_interval_s: float


BELOW = Comparison(1300, 10.0, 0.1)
ABOVE = Comparison(1300, 50.0, 1.0)
"""Of a crossover at λI = 10."""

_BUSY_AND_SATURATED = {
    "push": ((800, 0.1), (4000, 0.1)),
    "long_poll": ((120, 0.1), (800, 0.1)),
    "short_poll": ((200, 0.1), (1000, 0.5), (1600, 0.1)),
}
"""Clients and poll intervals, which push and long polls have none of."""


def measured(
    server: Server | None = None, transports: Sequence[str] = tuple(MODELS), blocks: int = 1
) -> list[TrialLoad]:
    """Busy and saturated points of each transport; in each block the server is a little slower than in the last."""
    return [
        _slower(server or Server(), block).load(name, clients, block, poll_interval_s=interval_s)
        for block in range(blocks)
        for name in transports
        for clients, interval_s in _BUSY_AND_SATURATED[MODELS[name]]
    ]


def tried(at: Comparison, server: Server | None = None, blocks: int = 1) -> list[TrialLoad]:
    """A push and a polled trial of the same clients and event rate in each block."""
    return [
        _slower(server or Server(), block).load(
            name, at.clients, block, rate_per_s=at.rate_per_s, poll_interval_s=at.poll_interval_s
        )
        for block in range(blocks)
        for name in ("websocket", "short_poll")
    ]


def _slower(server: Server, block: int) -> Server:
    factor = 1 + 0.02 * block
    return replace(
        server, poll_us=server.poll_us * factor, event_us=server.event_us * factor, push_us=server.push_us * factor
    )
